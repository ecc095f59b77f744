"""The snapshot before one change of etcd's members: tried some times, then gone on without, or waited for."""

from dataclasses import dataclass

from glede.milvus.observed import Upkeep
from glede.milvus.switches import SNAPSHOTS, Snapshots

# So often it is tried where the manifest does not require one.
TRIES = 3


@dataclass(slots=True, eq=False)
class Change:
    """A template that members are about to take, by its revision, and how far its snapshot is.

    ``due`` is when the next try is, by a monotonic clock; ``failure`` is why the last one failed.
    """

    revision: str
    due: float = 0.0
    tries: int = 0
    settled: bool = False
    failure: str = ""

    def made(self) -> None:
        """Take in that there is a snapshot."""
        self.settled, self.failure = True, ""

    def failed(self, why: str, mode: Snapshots, *, for_good: bool = False) -> bool:
        """Take in that a try failed; tells whether it was the last. ``for_good``: no other can do better."""
        self.tries += 1
        self.failure = why
        self.settled = mode != "required" and (for_good or self.tries >= TRIES)
        return self.settled

    def state(self, mode: Snapshots) -> Upkeep:
        """Tell what this is to the members that wait for it."""
        if mode == "off":
            return Upkeep()
        if self.settled:
            return Upkeep(f"without a snapshot of etcd: {self.failure}" if self.failure else "")
        if not self.failure:
            return Upkeep("a snapshot of etcd is made first", holds=True)
        if mode == "required":
            words = f"waits for a snapshot of etcd, as {SNAPSHOTS} wants it"
        else:
            words = f"a snapshot of etcd is made first; {self.tries} of {TRIES} tries failed"
        return Upkeep(f"{words}: {self.failure}", holds=True)
