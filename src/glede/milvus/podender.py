"""The end of a pod that Kubernetes would leave as it is."""

import logging
from dataclasses import dataclass

from glede.kube.errors import Conflict, NotFound
from glede.kube.events import Recorder
from glede.kube.objects import POD, Key
from glede.kube.transport import Transport

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a pod is ended: an Event's reason and words, and the seconds that it has to stop, None: its own."""

    reason: str
    words: str
    grace: int | None = None


@dataclass(frozen=True, slots=True)
class PodEnder:
    """Deletes pods, and says so in the log and in an Event about each."""

    transport: Transport
    recorder: Recorder

    async def end(self, key: Key, uid: str, cause: Cause) -> None:
        """Delete a pod, if it still is the one that was meant. Raises ApiError."""
        try:
            await self.transport.delete(POD, key, uid=uid, grace=cause.grace)
        except (NotFound, Conflict):
            return
        _LOG.warning("pod %s: deleted: %s", key, cause.words)
        regarding = {"apiVersion": POD.api_version, "kind": POD.kind, "namespace": key.namespace}
        about = {**regarding, "name": key.name, "uid": uid}
        self.recorder.event(about, "Warning", cause.reason, f"deleted: {cause.words}")
