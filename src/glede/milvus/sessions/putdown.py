"""The end of a pod whose process of Milvus hangs."""

import logging
from dataclasses import dataclass

from glede.kube.errors import Conflict, NotFound
from glede.kube.events import Recorder
from glede.kube.objects import POD
from glede.kube.transport import Transport
from glede.milvus.sessions.outcasts import Outcast

_LOG = logging.getLogger(__name__)

# What hangs has nothing to hand over.
_GRACE_SECONDS = 2
_WORDS = "Milvus runs on in it though a session of its is over, and is no part of the cluster any more"


@dataclass(frozen=True, slots=True)
class PodEnder:
    """Deletes such pods, and says so in an Event."""

    transport: Transport
    recorder: Recorder

    async def end(self, outcast: Outcast) -> None:
        """Delete a pod, if it still is the one that was meant. Raises ApiError."""
        try:
            await self.transport.delete(POD, outcast.key, uid=outcast.uid, grace=_GRACE_SECONDS)
        except (NotFound, Conflict):
            return
        _LOG.warning("pod %s: deleted: %s", outcast.key, _WORDS)
        namespace, name = outcast.key
        regarding = {"apiVersion": POD.api_version, "kind": POD.kind, "namespace": namespace, "name": name}
        self.recorder.event(
            {**regarding, "uid": outcast.uid}, "Warning", "SessionsLost", f"deleted: {_WORDS}"
        )
