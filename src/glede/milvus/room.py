"""Making room for the successor of a member: the end of a pod, by eviction or by deletion."""

import logging
from dataclasses import dataclass, field

from glede.kube.errors import Conflict, NotFound, TooManyRequests, Unavailable
from glede.kube.objects import POD, Object
from glede.kube.transport import Transport
from glede.milvus.members import Replacement
from glede.milvus.podviews import PodView

log = logging.getLogger(__name__)

# No eviction by its budget now; none at all, as where two budgets select one pod.
_KEPT = frozenset({429, 500})


@dataclass(slots=True)
class RoomMaker:
    """Ends pods, each once: the last one of each Milvus is remembered."""

    transport: Transport
    _ended: dict[str, str] = field(default_factory=dict)

    async def make(self, milvus: str, replacement: Replacement) -> str:
        """End a pod, if it still is the one that was meant; gives why its budget does not allow it, or "".

        ``milvus`` is the uid of its Milvus. Raises ApiError.
        """
        pod = replacement.pod
        if self._ended.get(milvus) == pod.uid:
            # What is watched is behind. A second one would be charged to the budget for its successor.
            return ""
        try:
            if replacement.asks:
                await self._evict(pod)
            else:
                await self.transport.delete(POD, pod.key, uid=pod.uid)
        except (NotFound, Conflict):
            return ""
        except (TooManyRequests, Unavailable) as refusal:
            if refusal.status not in _KEPT:
                raise
            return f"{pod.key.name} stays: {refusal.message}"
        self._ended[milvus] = pod.uid
        log.info("pod %s: ended, to be made again from its newest template", pod.key)
        return ""

    async def _evict(self, pod: PodView) -> None:
        """Evict a pod that has this uid. Raises TooManyRequests or Unavailable where a budget keeps it."""
        body: Object = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.key.name, "namespace": pod.key.namespace},
            "deleteOptions": {"preconditions": {"uid": pod.uid}},
        }
        await self.transport.create(POD, body, subresource="eviction")

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a Milvus."""
        self._ended.pop(uid, None)
