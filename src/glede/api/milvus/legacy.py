"""The older shapes of the group (v1alpha1): the flat ``Milvus``, and ``MilvusCluster``."""

from typing import Any, Literal

from pydantic import Field

from glede.api.milvus.base import Model, Text
from glede.api.milvus.components import Components, Ingress
from glede.api.milvus.dependencies import Dependencies, Persistence
from glede.api.milvus.pods import PodSettings

API_VERSION = "milvus.io/v1alpha1"
CLUSTER_KIND = "MilvusCluster"

_CONFIG = "Settings of Milvus, laid over the image's milvus.yaml; no credentials here."
_DEPENDENCIES = "etcd, object store and log; what is not written runs in the cluster."


class FlatMilvusSpec(PodSettings):
    """The older shape: a standalone Milvus whose pod settings stand at the level of spec.

    None of its own fields has a served default, which an edit in this version would write into newer objects.
    """

    replicas: int | None = Field(default=None, description="Number of pods; default 1.")
    disable_metric: bool = Field(default=False, description="Make no PodMonitor.")
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="Type of the Service that clients talk to."
    )
    service_labels: Text = Field(default={}, description="Labels added to the Service.")
    service_annotations: Text = Field(default={}, description="Annotations added to the Service.")
    ingress: Ingress | None = Field(default=None, description="An Ingress in front of the Service.")
    persistence: Persistence | None = Field(default=None, description="Whether the log outlives its pod.")
    dependencies: Dependencies = Field(default=Dependencies(), description=_DEPENDENCIES)
    config: dict[str, Any] = Field(default={}, description=_CONFIG)


class MilvusClusterSpec(Model):
    """The older kind for a Milvus of mode cluster."""

    components: Components = Field(
        default=Components(), description="Image, resources and placement: for all components, and for each."
    )
    dependencies: Dependencies = Field(default=Dependencies(), description=_DEPENDENCIES)
    config: dict[str, Any] = Field(default={}, description=_CONFIG)
