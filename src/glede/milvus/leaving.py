"""How a Milvus goes: its volumes where the manifest says so; all else goes by owner references."""

from datetime import UTC, datetime

from glede.api.milvus.spec import Milvus
from glede.kube.objects import CONFIG_MAP, DEPLOYMENT, PVC, STATEFUL_SET, version_of
from glede.milvus.act import FINALIZER, Actor
from glede.milvus.observed import Observed
from glede.milvus.plan import makers_of_volumes, volumes_to_delete
from glede.milvus.resolved import Resolved

# A pod on a lost node never ends, and must not keep a Milvus from being deleted for ever.
MAKERS_SECONDS = 120.0
# Kubernetes's own finalizer: all that the Milvus owns is to stay.
_ORPHANS = "orphan"


async def let_go(actor: Actor, milvus: Milvus, resolved: Resolved | None) -> float | None:
    """Do what is left to do for a Milvus that is being deleted; gives the seconds to wait, None for none.

    Without ``resolved``, of a manifest that cannot be read, volumes are kept.
    """
    if FINALIZER not in milvus.metadata.finalizers:
        return None
    if milvus.status.get("status") != "Deleting":
        told = await actor.status(milvus, {**milvus.status, "status": "Deleting"})
        # The finalizer goes from this version and no other.
        metadata = milvus.metadata.model_copy(update={"resource_version": version_of(told)})
        milvus = milvus.model_copy(update={"metadata": metadata})
    if resolved and _ORPHANS not in milvus.metadata.finalizers:
        waits = await _end_makers(actor, resolved, milvus)
        if waits:
            return waits
        held = await actor.listed(milvus, PVC, CONFIG_MAP, STATEFUL_SET, DEPLOYMENT)
        for deletion in volumes_to_delete(resolved, Observed(held)):
            await actor.delete(deletion)
    await actor.finalizer(milvus, wanted=False)
    return None


async def _end_makers(actor: Actor, resolved: Resolved, milvus: Milvus) -> float | None:
    """Delete what would make claims anew; gives the seconds to wait for its end, None for none."""
    makers = makers_of_volumes(resolved, Observed(await actor.listed(milvus, STATEFUL_SET)))
    for deletion, deleting in makers:
        if not deleting:
            # It stays until its pods are gone, and makes nothing any more.
            await actor.delete(deletion, propagation="Foreground")
    left = seconds_since(milvus.metadata.deletion_timestamp)
    return max(1.0, MAKERS_SECONDS - left) if makers and left < MAKERS_SECONDS else None


def seconds_since(moment: str | None) -> float:
    """Give the seconds since a moment; 0 where there is none."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() if moment else 0.0
