"""``spec.components``: what applies to all components, and each component's own."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from glede.api.milvus.base import Model, PodPart, Port, Replicas, Text, keyed_list, nullable, served
from glede.api.milvus.canary import Canary
from glede.api.milvus.pods import PodSettings
from glede.api.milvus.rollout import CanarySearch, Rollout

__all__ = [
    "Canary",
    "CanarySearch",
    "Component",
    "Components",
    "DisruptionBudget",
    "Group",
    "GroupedComponent",
    "Hpa",
    "Ingress",
    "PodSettings",
    "Proxy",
    "Rollout",
    "ServiceComponent",
    "field_of",
]

_HPA_RULE: dict[str, JsonValue] = {
    "rule": "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
    "message": "minReplicas must not be above maxReplicas",
}


class Hpa(Model):
    """A HorizontalPodAutoscaler that the operator keeps for a component."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [_HPA_RULE]})

    min_replicas: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Fewest pods; default: derived."
    )
    max_replicas: Annotated[int, Field(ge=1)] = Field(description="Most pods.")
    metrics: list[PodPart] | None = Field(
        default=None, description="As in autoscaling/v2; default: CPU at 60 %."
    )
    behavior: PodPart | None = Field(default=None, description="As in autoscaling/v2.")


class DisruptionBudget(Model):
    """How many pods of a component may be taken down on purpose at one time."""

    enabled: bool = Field(default=True, description="Whether there is a budget; default true.")
    min_available: int | str | None = Field(
        default=None, description="Pods that stay up, a number or a percentage."
    )
    max_unavailable: int | str | None = Field(default=None, description="Pods that may be down; default 1.")


class Component(PodSettings):
    """One component of Milvus."""

    replicas: Replicas | None = Field(
        default=None,
        description="Pods; -1: left to your own autoscaler; default: derived.",
    )
    sidecars: list[PodPart] | None = Field(default=None, description="Containers beside Milvus.")
    init_containers: list[PodPart] | None = Field(
        default=None, description="Containers that run before Milvus."
    )
    hpa: Hpa | None = Field(default=None, description="An autoscaler that the operator keeps.")
    pod_disruption_budget: DisruptionBudget | None = Field(
        default=None, description="How many pods may be down at one time."
    )
    termination_grace_period_seconds: Annotated[int, Field(ge=0, le=86400)] | None = Field(
        default=None, description="Longest time that a stop may take; default: derived."
    )


class Group(Model):
    """A part of a component with a Deployment of its own, for example one zone's query nodes."""

    name: str = Field(min_length=1, description="Name, a DNS label; the Deployment's name ends with it.")
    replicas: Replicas = Field(description="Pods; -1: left to your own autoscaler.")
    labels: Text | None = Field(default=None, description="Labels added to the group's pods.")
    annotations: Text | None = Field(default=None, description="Annotations added to the group's pods.")
    extra_env: list[PodPart] | None = Field(
        default=None, description="Environment variables laid over the component's."
    )
    node_selector: Text | None = Field(default=None, description="Left out: the component's; empty: none.")
    affinity: PodPart | None = Field(default=None, description="Left out: the component's; empty: none.")
    tolerations: list[PodPart] | None = Field(
        default=None, description="Left out: the component's; empty: none."
    )
    topology_spread_constraints: list[PodPart] | None = Field(
        default=None, description="Left out: the component's; empty: none."
    )


class GroupedComponent(Component):
    """A component that can be cut into groups."""

    groups: list[Group] | None = keyed_list(
        "name",
        "Parts with a Deployment each, for example one for a zone.",
    )


class Ingress(Model):
    """An Ingress in front of the proxies."""

    labels: Text = Field(default={}, description="Labels of the Ingress.")
    annotations: Text = Field(
        default={}, description="Annotations of the Ingress, as its controller wants them."
    )
    ingress_class_name: str | None = Field(default=None, description="IngressClass that serves it.")
    hosts: list[str] = Field(default=[], description="Host names that lead to Milvus.")
    tls_secret_refs: dict[str, list[str]] = Field(
        default={}, description="For each TLS Secret's name the hosts that it is for."
    )


class ServiceComponent(Component):
    """A component that clients talk to: the proxy, or a standalone Milvus."""

    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = served(
        "ClusterIP", "Type of the Service that clients talk to."
    )
    port: Port | None = Field(default=None, description="Port for clients; 0 or left out: 19530.")
    service_restful_port: int | None = Field(
        default=None, description="Another port for the RESTful API; 0 or left out: none of its own."
    )
    service_labels: Text = Field(default={}, description="Labels added to the Service.")
    service_annotations: Text = Field(
        default={},
        description="Annotations added to the Service, for example a cloud's for its load balancer.",
    )
    ingress: Ingress | None = Field(default=None, description="An Ingress in front of the Service.")


class Proxy(ServiceComponent, GroupedComponent):
    """The proxies, which clients connect to."""

    canary: Canary | None = Field(
        default=None,
        description="Some proxies with a change first, watched by their metrics; left out: none.",
    )


class Components(PodSettings):
    """All components, and what applies to every one of them."""

    target_port_type: Literal["string", "integer"] = served(
        "string", "Whether the Service's targetPort is a port's name (string) or number (integer)."
    )
    image_update_mode: Literal["rollingUpgrade", "rollingDowngrade", "all", "force"] = served(
        "rollingUpgrade",
        "rollingUpgrade: one component after another; rollingDowngrade: in the reverse order; all, force: "
        "all at once. All but rollingUpgrade allow an older line of versions.",
    )
    rollout: Rollout = Field(
        default=Rollout(),
        description="How long a change may take, and what becomes of one that takes longer.",
    )
    enable_rolling_update: bool | None = Field(
        default=None,
        description="Let coordinators run in pairs and replace pods one by one; default: where that works.",
    )
    disable_metric: bool = Field(default=False, description="Make no PodMonitor.")
    metric_interval: str | None = Field(
        default=None, description="How often Prometheus scrapes, for example 30s; default 30s."
    )
    metric_labels: Text = Field(default={}, description="Labels added to every scraped series.")
    tool_image: str | None = Field(
        default=None,
        description="Image of the container that merges the settings; default: the operator's own.",
    )
    update_tool_image: bool | None = Field(
        default=None,
        description="Take a new operator's tool image at once rather than with the next rollout.",
    )
    dummy_image: str | None = Field(
        default=None, description="Image of milvus-operator's idle second Deployment, which is not made here."
    )
    update_config_map_only: bool | None = nullable(
        None,
        "true: a change of spec.config restarts no pod; default: the pods of the components it concerns.",
    )
    rolling_mode: int | None = Field(
        default=None, description="2 or 3: for how many components milvus-operator keeps two Deployments."
    )
    enable_manual_mode: bool | None = Field(
        default=None, description="Leave replicas of the Deployments to somebody else."
    )
    active_config_map: str | None = Field(
        default=None, description="ConfigMap that new pods read; default: the Milvus's name."
    )
    run_as_non_root: bool | None = Field(default=None, description="Run the pods as user 1000.")
    streaming_mode: bool | None = nullable(
        None, "Run with streaming nodes; default: from version 2.6, which is always so."
    )
    proxy: Proxy | None = Field(default=None, description="The proxies, which clients connect to.")
    mix_coord: Component | None = Field(
        default=None, description="All coordinators in one process; the only kind from 2.6."
    )
    root_coord: Component | None = Field(
        default=None, description="Root coordinator apart (before 2.6): collections, timestamps."
    )
    data_coord: Component | None = Field(
        default=None, description="Data coordinator apart (before 2.6): segments, compaction."
    )
    query_coord: Component | None = Field(
        default=None, description="Query coordinator apart (before 2.6): which query node loads what."
    )
    index_coord: Component | None = Field(
        default=None, description="Index coordinator apart (before 2.6): index builds."
    )
    data_node: GroupedComponent | None = Field(
        default=None, description="Data nodes: write segments; from 2.6 they build indexes too."
    )
    query_node: GroupedComponent | None = Field(
        default=None, description="Query nodes: hold loaded segments in memory and search them."
    )
    index_node: Component | None = Field(default=None, description="Index nodes: build indexes (before 2.6).")
    streaming_node: GroupedComponent | None = Field(
        default=None, description="Streaming nodes: own the log and serve fresh rows (from 2.6)."
    )
    cdc: Component | None = Field(
        default=None,
        description="Change data capture: copies to another Milvus (from 2.6.6); there only when written.",
    )
    standalone: ServiceComponent | None = Field(
        default=None, description="The one process of mode standalone."
    )

    def component(self, name: str) -> Component | None:
        """Give a component by its lower-case name (``querynode``); None where it is not written."""
        found: Any = getattr(self, _ATTRIBUTES[name])
        return found if isinstance(found, Component) else None

    def named(self) -> list[str]:
        """Give the lower-case names of the components that are written."""
        return [name for name in _ATTRIBUTES if self.component(name) is not None]


_ATTRIBUTES = {
    "proxy": "proxy",
    "mixcoord": "mix_coord",
    "rootcoord": "root_coord",
    "datacoord": "data_coord",
    "querycoord": "query_coord",
    "indexcoord": "index_coord",
    "datanode": "data_node",
    "querynode": "query_node",
    "indexnode": "index_node",
    "streamingnode": "streaming_node",
    "cdc": "cdc",
    "standalone": "standalone",
}


def field_of(name: str) -> str:
    """Give a component's field in a manifest: ``queryNode`` for ``querynode``. Raises KeyError."""
    field = Components.model_fields[_ATTRIBUTES[name]]
    return field.alias or name
