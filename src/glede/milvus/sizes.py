"""Changes of a size alone: of a claim, and of a Deployment that keeps its template for now."""

from contextlib import suppress

from glede.kube.applied import Applier
from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import DEPLOYMENT, PVC
from glede.kube.transport import Transport
from glede.milvus.growth import Larger
from glede.milvus.plan import Resized


async def grow(transport: Transport, larger: Larger) -> None:
    """Ask for a larger volume, if the claim still is the one that was meant. Raises ApiError."""
    storage = {"resources": {"requests": {"storage": larger.size}}}
    with suppress(NotFound, Conflict):
        await transport.patch(PVC, larger.key, {"metadata": {"uid": larger.uid}, "spec": storage})


async def resize(transport: Transport, applier: Applier, resized: Resized) -> None:
    """Set a Deployment's number of pods, if it still is the one that was meant. Raises ApiError."""
    view = resized.view
    with suppress(NotFound, Conflict):
        body = {"metadata": {"uid": view.owned.uid}, "spec": {"replicas": resized.replicas}}
        applier.saw(DEPLOYMENT, await transport.patch(DEPLOYMENT, view.key, body))
