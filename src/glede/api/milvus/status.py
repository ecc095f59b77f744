"""``status``: what the operator answers. Only the schema uses these models; a status itself is plain data."""

from typing import Annotated, Any

from pydantic import Field

from glede.api.milvus.base import Model, PodPart, keyed_list, served

Text = str | None
Count = Annotated[int, Field(ge=0)] | None


class Condition(Model):
    """One aspect of the state."""

    type: str = Field(description="What it is about, for example MilvusReady.")
    status: str = Field(description="Whether it is so: True, False or Unknown.")
    reason: Text = Field(default=None, description="Why, in one word for programs.")
    message: Text = Field(default=None, description="Why, in words for people.")
    last_transition_time: Text = Field(default=None, description="When the status last changed.")
    observed_generation: Count = Field(
        default=None, description="The manifest's generation that this is about."
    )


class DeployStatus(Model):
    """One Deployment's state."""

    generation: int | None = Field(default=None, description="Generation that the Deployment has observed.")
    image: Text = Field(default=None, description="Image that the Deployment runs.")
    status: PodPart | None = Field(default=None, description="Status of the Deployment.")


class ResolvedValue(Model):
    """A value that the manifest does not give."""

    field: str = Field(description="The field that would set it.")
    value: Any = Field(default=None, description="What it is.")
    reason: Text = Field(default=None, description="Why it is so.")


class LastHealthy(Model):
    """The manifest that a Milvus last ran well by."""

    generation: int = Field(description="Its generation.")
    spec: str = Field(description="Its spec as JSON, without credentials.")
    credentials: list[str] | None = Field(
        default=None, description="Paths of the credentials in it, which are taken from the spec of now."
    )


class RolledBack(Model):
    """A manifest that is not followed, since it did not become healthy in time."""

    generation: int = Field(description="Its generation; any edit of the spec ends this.")
    reason: str = Field(description="What was wrong.")


class CanarySearchStatus(Model):
    """What the operator's own search was answered."""

    result: str = Field(description="ok, empty, short, late or error; making while its collection is made.")
    message: Text = Field(default=None, description="What was wrong.")
    since: Text = Field(default=None, description="Since when it is ok, or is not.")
    generation: int | None = Field(
        default=None, description="The last manifest whose change began while it was ok."
    )


class RolloutBegun(Model):
    """A rollout that began in a maintenance window, and is finished though that closes."""

    generation: int = Field(description="Generation of the manifest that it began with.")
    before: dict[str, str] = Field(
        description="What was to be replaced then: templates of Deployments, revisions of members, by name."
    )


class FailedCanary(Model):
    """A canary that was not well, where the manifest is not taken back: it stands still until an edit."""

    generation: int = Field(description="The manifest's generation; any edit of the spec ends this.")
    reason: str = Field(description="What was wrong, with the figures.")


class MilvusStatus(Model):
    """The state of a Milvus, and what its manifest came to."""

    status: str = served("Pending", "Pending, Healthy, Unhealthy, Stopped or Deleting.")
    ready: Text = Field(
        default=None, description="Pods that are ready of those that are wanted, for example 9/9."
    )
    conditions: list[Condition] | None = keyed_list(
        "type", "What is so and what is not, each with its reason."
    )
    endpoint: Text = Field(default=None, description="host:port for clients.")
    ingress: PodPart | None = Field(default=None, description="Status of the Ingress.")
    components_deploy_status: dict[str, DeployStatus] | None = Field(
        default=None, description="State of each component's Deployment, by the component's lower-case name."
    )
    deployment_groups_deploy_status: dict[str, dict[str, DeployStatus]] | None = Field(
        default=None, description="State of each group's Deployment, by component and group."
    )
    rolling_mode_version: int | None = Field(
        default=None, description="Left by milvus-operator; unused here."
    )
    observed_generation: Count = Field(
        default=None, description="The manifest's generation that this is about."
    )
    current_image: Text = Field(default=None, description="Image that the whole Milvus last ran.")
    current_version: Text = Field(default=None, description="Version that the whole Milvus last ran.")
    resolved: list[ResolvedValue] | None = Field(
        default=None, description="Values that the manifest does not give, each with the reason for it."
    )
    mode: Text = Field(default=None, description="Mode that it last ran in.")
    volumes: dict[str, str] | None = Field(
        default=None, description="Size of the volumes of etcd, storage and log."
    )
    tool_image: Text = Field(default=None, description="The operator's image that its pods were made with.")
    last_healthy: LastHealthy | None = Field(
        default=None, description="The manifest that it last ran well by, to go back to."
    )
    rolled_back: RolledBack | None = Field(
        default=None, description="The manifest that it was taken back from."
    )
    canary_search: CanarySearchStatus | None = Field(
        default=None, description="What the operator's own search was answered, where there is one."
    )
    fenced_pods: list[str] | None = Field(
        default=None, description="Pods of query nodes that are fenced, or not freed yet."
    )
    rollout_begun: RolloutBegun | None = Field(
        default=None, description="The rollout that is finished though its maintenance window closes."
    )
    canary: FailedCanary | None = Field(
        default=None, description="A canary that was not well, where the manifest is not taken back."
    )
