"""What annotations of a Milvus say about the upkeep of its etcd."""

from collections.abc import Mapping
from typing import Literal, get_args

SNAPSHOTS = "glede.io/etcd-snapshots"
DEFRAGMENTATION = "glede.io/etcd-defragmentation"
# Before its members are replaced: tried, and gone on without; waited for, for ever; not made.
Snapshots = Literal["try", "required", "off"]
SNAPSHOT_WORDS: tuple[Snapshots, ...] = get_args(Snapshots)
DEFRAGMENTATION_WORDS = ("on", "off")


def snapshots_of(annotations: Mapping[str, str]) -> Snapshots:
    """Tell whether a snapshot of etcd is made before its members are replaced."""
    written = annotations.get(SNAPSHOTS)
    return next((word for word in SNAPSHOT_WORDS if word == written), "try")


def defragments(annotations: Mapping[str, str]) -> bool:
    """Tell whether etcd is defragmented."""
    return annotations.get(DEFRAGMENTATION) != "off"
