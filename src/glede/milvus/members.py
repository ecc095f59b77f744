"""Which member of a dependency takes its new template next.

Kubernetes would replace the members of a StatefulSet from the last to the first without a look at those that
it has not come to: with the first of three away it takes the last, and the quorum with it. So it is told to
replace none by itself (``OnDelete``), and each member is evicted here, when no other one is missing.

A budget is for what others do, a drain for example; what rolls a workload is not bound to it, in Kubernetes
either. So one that lets nobody go while all are there, as it may for a single member, is not asked: it would
keep every change of the manifest from the pods, for ever.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from glede.milvus.observed import DependencyState, Upkeep
from glede.milvus.podviews import PodView
from glede.milvus.resolved import InClusterPlan


@dataclass(frozen=True, slots=True)
class Replacement:
    """A pod that is to make room for its successor, and whether its budget is asked first."""

    pod: PodView
    asks: bool = True


def next_member(
    states: Sequence[DependencyState], upkeep: Upkeep | None = None, *, shut: bool = False
) -> Replacement | None:
    """Give the member to replace now; None where there is none, or where others have to come back first.

    ``shut``: only one that is broken may be, since maintenance windows are closed.

    One that is not ready serves nobody, so that it goes at once: its new template may be what mends it. Of
    those that serve, one at a time goes, over all dependencies, etcd first and the log last. Those of etcd
    stay while its upkeep holds them.
    """
    upkeep = upkeep or Upkeep()
    broken = [
        (state, pod)
        for state in states
        for pod in state.outdated
        if not pod.ready and not (upkeep.busy and state.dependency.kind == "etcd")
    ]
    if broken:
        return _replacement(*broken[0])
    if shut:
        return None
    for state in states:
        if not state.steady:
            return None
        if state.outdated:
            if upkeep.holds and state.dependency.kind == "etcd":
                return None
            return _replacement(state, state.outdated[0])
    return None


def _replacement(state: DependencyState, pod: PodView) -> Replacement:
    plan = state.dependency.in_cluster
    return Replacement(pod, asks=plan is None or spares_one(plan))


def spares_one(plan: InClusterPlan) -> bool:
    """Tell whether the manifest's budget lets a member go while all of them are there.

    Shares are rounded up, as the disruption controller does.
    """
    budget = plan.budget or {}
    if "minAvailable" in budget:
        return _count(budget["minAvailable"], plan.replicas) < plan.replicas
    return _count(budget.get("maxUnavailable", 1), plan.replicas) > 0


def _count(value: int | str, replicas: int) -> int:
    """Give a number of members, of a share too; what is neither is the API server's to refuse."""
    text = str(value)
    if text.endswith("%") and text[:-1].isdecimal():
        return math.ceil(replicas * int(text[:-1]) / 100)
    return int(text) if text.isdecimal() else 1
