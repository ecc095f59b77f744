"""Where an etcd is with the templates of its members. Pure."""

from typing import NamedTuple

from glede.kube.objects import Key
from glede.milvus.desired import Ref
from glede.milvus.observed import DependencyState, Observed, dependency_state
from glede.milvus.resolved import Resolved


class Turn(NamedTuple):
    """The revision of the template that members have still to take, "" for none.

    ``due``: the first that serves could be replaced now, were it for the others alone.
    """

    revision: str
    due: bool


def turn_of(resolved: Resolved, observed: Observed) -> Turn:
    """Tell which template the members of etcd are about to take."""
    plan, state = resolved.etcd.in_cluster, _state(resolved, observed)
    view = observed.workload(Ref("StatefulSet", Key(resolved.namespace, plan.workload))) if plan else None
    if view is None or not state.outdated:
        return Turn("", due=False)
    return Turn(view.revision, due=state.steady)


def is_steady(resolved: Resolved, observed: Observed) -> bool:
    """Tell whether every member is there, ready for its time, and of the newest template."""
    state = _state(resolved, observed)
    return state.steady and state.renewed


def _state(resolved: Resolved, observed: Observed) -> DependencyState:
    return dependency_state(resolved.namespace, resolved.etcd, observed)
