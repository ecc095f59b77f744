"""What is told of the upkeep of etcd, as Events and in the log."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from glede.milvus.switches import SNAPSHOTS
from glede.milvus.upkeep.defragmentation import Report
from glede.milvus.upkeep.saving import Saved

RESTS = "it was defragmented not long ago"
ROLLED = "something is being rolled"
# What ends a look and is no trouble.
QUIET = frozenset({"", RESTS, ROLLED})


class Told(NamedTuple):
    """An Event to write."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def saved(snapshot: Saved, seconds: float) -> Told:
    """Tell of a snapshot that there is."""
    place = f"{snapshot.bucket}/{snapshot.key}"
    if snapshot.size is None:
        return Told("Normal", "EtcdSnapshotMade", f"etcd was saved before this change already: {place}")
    size = f"{_size(snapshot.size)} in {seconds:.1f} s"
    return Told(
        "Normal", "EtcdSnapshotMade", f"etcd is saved before its members are replaced: {place}, {size}"
    )


def not_saved(why: str, *, goes_on: bool) -> Told:
    """Tell that there is none, and what becomes of the change."""
    rest = (
        "its members are replaced without a snapshot"
        if goes_on
        else f"its members stay, since {SNAPSHOTS} is required; mend that, or set it to try"
    )
    return Told("Warning", "EtcdSnapshotFailed", f"etcd is not saved: {why}; {rest}")


def defragmented(report: Report) -> Iterator[Told]:
    """Tell of members that were defragmented, and of the alarm for space."""
    if report.members:
        members = f"{len(report.members)} members of etcd" if len(report.members) > 1 else "a member of etcd"
        sizes = f"from {_size(report.before)} to {_size(report.after)}"
        rest = f"; broken off: {report.stopped}" if report.stopped else ""
        message = (
            f"{members} defragmented, {sizes}; each was blocked for {report.blocked:.2f} s at most{rest}"
        )
        yield Told("Normal" if report.stopped in QUIET else "Warning", "EtcdDefragmented", message)
    if report.disarmed:
        yield Told("Normal", "EtcdSpaceAlarmEnded", "etcd has space again: its alarm NOSPACE is ended")
    elif report.pressed and not report.stopped:
        message = (
            "etcd has the alarm NOSPACE and refuses every write, and a defragmentation does not give enough "
            "space back; raise ETCD_QUOTA_BACKEND_BYTES by etcd.inCluster.values.extraEnvVars"
        )
        yield Told("Warning", "EtcdOutOfSpace", message)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
