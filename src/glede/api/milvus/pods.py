"""What can be set for the pods of all components and of each."""

from pydantic import Field

from glede.api.milvus.base import Model, PodPart, Text, nullable


class PodSettings(Model):
    """What can be set for all components and for each; a component's own value wins."""

    paused: bool | None = Field(default=None, description="Pause the rollout: changes wait.")
    pod_labels: Text = Field(
        default={},
        description="Labels of the pods; the one for all components wins.",
    )
    pod_annotations: Text = Field(
        default={},
        description="Annotations of the pods; the one for all components wins.",
    )
    image: str | None = Field(default=None, description="Image of Milvus with its tag.")
    version: str | None = Field(
        default=None,
        description="Version, where the tag does not tell it.",
    )
    commands: list[str] | None = Field(default=None, description="Command, in place of `milvus run ROLE`.")
    run_with_sub_process: bool | None = Field(
        default=None, description="Start Milvus with --run-with-subprocess."
    )
    image_pull_policy: str | None = Field(
        default=None, description="Always, IfNotPresent or Never; default IfNotPresent."
    )
    image_pull_secrets: list[PodPart] | None = Field(
        default=None, description="Secrets for the image's registry."
    )
    env: list[PodPart] | None = Field(
        default=None,
        description="Environment; a component's is laid over that for all.",
    )
    scheduler_name: str | None = Field(default=None, description="Scheduler that places the pods.")
    node_selector: Text | None = Field(default=None, description="Labels that the pods' node must have.")
    affinity: PodPart | None = Field(default=None, description="Replaces the derived anti-affinity.")
    tolerations: list[PodPart] | None = Field(default=None, description="Taints that the pods tolerate.")
    topology_spread_constraints: list[PodPart] | None = Field(
        default=None,
        description="Replaces the derived spread over nodes and zones.",
    )
    priority_class_name: str | None = Field(default=None, description="PriorityClass of the pods.")
    service_account_name: str | None = Field(
        default=None,
        description="ServiceAccount of the pods.",
    )
    resources: PodPart | None = Field(
        default=None,
        description="requests and limits of the container.",
    )
    volumes: list[PodPart] | None = Field(
        default=None, description="Volumes of the pods; a component's replace those for all."
    )
    volume_mounts: list[PodPart] | None = Field(
        default=None,
        description="Mounts, merged by mountPath; the name _remove takes one away.",
    )
    host_network: bool | None = Field(default=None, description="Use the node's network.")
    dns_policy: str | None = Field(default=None, description="DNS policy of the pods.")
    probes: PodPart | None = nullable(
        None, "startupProbe, livenessProbe, readinessProbe; default for each left out."
    )
    security_context: PodPart | None = nullable(None, "Security context of the container.")
