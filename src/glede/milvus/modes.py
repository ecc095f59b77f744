"""From a standalone to a cluster: no pod of the one is there beside a pod of the other.

Both work on the same etcd, object store and log, and each takes itself for the only one. So the Deployment of
before is deleted in the foreground: it goes when its pods have gone, and with it whatever could make another.
The new ones are made when it is not there any more, and no pod of it is seen. All of this is read from what
there is, so an operator that starts in the middle goes on from there.

A Milvus that goes back before the cluster has served, by itself or by an edit, goes the same way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glede.milvus.observed import DependencyState, Observed, missing
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back
from glede.milvus.views import WorkloadView


@dataclass(frozen=True, slots=True)
class ModeChange:
    """Where a change of the mode is: ``going`` says what it waits for, "" where there is none.

    ``stays``: it has not begun, and what runs goes on as it is. ``leaving`` are the Deployments to delete.
    """

    going: str = ""
    stays: bool = False
    leaving: tuple[WorkloadView, ...] = ()


def mode_change(resolved: Resolved, observed: Observed, states: Sequence[DependencyState]) -> ModeChange:
    """Tell where a change of the mode is. It begins when nothing is missing that the new pods stand on."""
    views, pods = observed.of_other_mode(resolved)
    if not views and not pods:
        return ModeChange()
    steps = f"goes to mode {resolved.milvus.spec.mode}, without a pod of both at one time"
    if observed.keeps_mode(resolved) and (why := _why_not_yet(resolved, observed, states)):
        return ModeChange(f"{steps}: {why}", stays=True)
    left = sorted(pod.key.name for pod in pods)
    waits = f"waits until pod {left[0]} has ended" if left else "its pods have ended"
    return ModeChange(f"{steps}: {waits}", leaving=tuple(view for view in views if not view.owned.deleting))


def _why_not_yet(resolved: Resolved, observed: Observed, states: Sequence[DependencyState]) -> str:
    if observed.gate and not came_back(resolved.milvus):
        return observed.gate
    lacking = missing(states)
    return f"waits for {lacking}" if lacking else ""
