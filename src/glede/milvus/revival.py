"""Making pods anew that wait in vain, with a patience of its own: what is truly broken must not be driven."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glede.milvus.podender import Cause, PodEnder
from glede.milvus.podviews import PodView

IN_VAIN = Cause(
    "WaitedInVain", "its container waited for its next start, and nothing that it needs is missing now"
)
# Seconds between the times at which a Milvus's pods are made anew. Then they are left to the kubelet.
PAUSES = (20.0, 40.0, 80.0)
# After so long without any it is another outage.
ANEW_SECONDS = 600.0


@dataclass(slots=True)
class _Tries:
    count: int = 0
    last: float = 0.0


@dataclass(slots=True)
class Reviver:
    """Deletes pods that wait, of each Milvus all at a time; remembers how often, by the Milvus's uid."""

    pods: PodEnder
    clock: Callable[[], float] = time.monotonic
    _tries: dict[str, _Tries] = field(default_factory=dict)

    async def revive(self, milvus: str, pods: Sequence[PodView]) -> float | None:
        """Delete pods, if it is time to; gives the seconds until it is, None for no more. Raises ApiError."""
        tries, now = self._tries.setdefault(milvus, _Tries()), self.clock()
        if tries.count and now - tries.last > ANEW_SECONDS:
            tries.count = 0
        if tries.count > len(PAUSES):
            return None
        wait = tries.last + PAUSES[tries.count - 1] - now if tries.count else 0.0
        if wait > 0:
            return wait
        tries.count, tries.last = tries.count + 1, now
        for pod in pods:
            await self.pods.end(pod.key, pod.uid, IN_VAIN)
        return None

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a Milvus."""
        self._tries.pop(uid, None)
