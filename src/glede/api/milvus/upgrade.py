"""The ``MilvusUpgrade`` manifest (milvus.io/v1beta1): milvus-operator's step from Milvus 2.1 to 2.2."""

from typing import Literal

from pydantic import Field

from glede.api.milvus.base import SERVED, Model, keyed_list, served
from glede.api.milvus.status import Condition

KIND = "MilvusUpgrade"


class MilvusReference(Model):
    """Which Milvus is meant."""

    name: str = Field(description="Name of the Milvus.")
    namespace: str | None = Field(default=None, description="Its namespace; default: the MilvusUpgrade's.")


class MilvusUpgradeSpec(Model):
    """The upgrade to do."""

    operation: Literal["upgrade", "rollback"] = served("upgrade", "upgrade, or rollback to undo one.")
    milvus: MilvusReference = Field(description="The Milvus to upgrade.")
    source_version: str = Field(description="Version that it has, 2.0 or newer.")
    target_version: str = Field(description="Version that it is to have, 2.2 or newer.")
    target_image: str | None = Field(default=None, description="Image of the target version.")
    tool_image: str | None = Field(default=None, description="Image of meta-migration.")
    max_retry: int = Field(
        default=3, description="How often a failed step is tried again.", json_schema_extra={SERVED: True}
    )
    rollback_if_failed: bool = served(default=True, description="Go back when a step fails.")
    backup_pvc: str | None = Field(
        default=None, alias="backupPVC", description="PersistentVolumeClaim for the backup of the metadata."
    )


class ReplicasBefore(Model):
    """How many pods each component had."""

    cdc: int | None = None
    data_coord: int | None = None
    data_node: int | None = None
    index_coord: int | None = None
    index_node: int | None = None
    mix_coord: int | None = None
    proxy: int | None = None
    query_coord: int | None = None
    query_node: int | None = None
    root_coord: int | None = None
    standalone: int | None = None
    streaming_node: int | None = None


class MilvusUpgradeStatus(Model):
    """How far an upgrade is; the field names are milvus-operator's, slips of the pen included."""

    state: str | None = Field(default=None, description="The step that it is at.")
    conditions: list[Condition] | None = keyed_list(
        "type", "What is so and what is not, each with its reason."
    )
    source_image: str | None = Field(default=None, description="Image before the upgrade.")
    meta_storage_changed: bool | None = Field(default=None, description="Whether metadata was rewritten.")
    meta_backuped: bool | None = Field(default=None, description="Whether metadata was backed up.")
    is_rollbacking: bool | None = Field(default=None, description="Whether it goes back.")
    replicas_before_uprade: ReplicasBefore | None = Field(
        default=None, description="Pods of each component before the upgrade."
    )
    deployment_group_replicas_before_upgrade: dict[str, dict[str, int]] | None = Field(
        default=None, description="Pods of each group before the upgrade."
    )
    backup_pvc: str | None = Field(
        default=None, alias="backupPVC", description="PersistentVolumeClaim of the backup."
    )
    retried_times: int | None = Field(default=None, description="How often a step was tried again.")
