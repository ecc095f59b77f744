"""The ``Milvus`` manifest (milvus.io/v1beta1)."""

from typing import Any, Literal

from pydantic import Field

from glede.api.milvus.base import GROUP, Model, Text, nullable, served
from glede.api.milvus.components import Components
from glede.api.milvus.dependencies import Dependencies

API_VERSION = f"{GROUP}/v1beta1"
KIND = "Milvus"


class Availability(Model):
    """How available Milvus is made where the manifest does not say otherwise."""

    max_replicas: int = Field(
        default=3, ge=1, le=9, description="Most replicas that are derived for one component; default 3."
    )
    zone_spread: bool = Field(
        default=True, description="Spread the pods of a component over zones too; default true."
    )
    network_policy: bool = Field(
        default=True,
        description="Close port 9091, which has no authentication, to other pods; default true.",
    )


class MilvusSpec(Model):
    """The desired Milvus."""

    mode: Literal["standalone", "cluster"] = served(
        "standalone", "One process (standalone), or a pod for each component (cluster)."
    )
    components: Components = Field(
        default=Components(), description="Image, resources and placement: for all components, and for each."
    )
    dependencies: Dependencies = Field(
        default=Dependencies(),
        description="etcd, object store and log; what is not written runs in the cluster.",
    )
    config: dict[str, Any] = Field(
        default={}, description="Settings of Milvus, laid over the image's milvus.yaml; no credentials here."
    )
    hook_config: dict[str, Any] | None = nullable(None, "Settings of Milvus's hook, written as hook.yaml.")
    availability: Availability = Field(
        default=Availability(), description="How available Milvus is made where nothing else is written."
    )


class Metadata(Model):
    """The part of an object's metadata that the operator reads."""

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    deletion_timestamp: str | None = None
    creation_timestamp: str | None = None
    labels: Text = Field(default={})
    annotations: Text = Field(default={})
    finalizers: list[str] = Field(default=[])


class Milvus(Model):
    """A Milvus as the API server holds it; ``status`` stays plain data."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata
    spec: MilvusSpec = MilvusSpec()
    status: dict[str, Any] = Field(default={})
