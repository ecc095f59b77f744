"""Fewer query nodes and streaming nodes: one pod at a time, and never fewer than the loaded data need.

A Deployment ends as many pods at once as its number is lowered by. Each of these hands what it holds over to
the others while it stops, so the next one stays until that is done. A query node serves one in-memory replica
of a collection at most: with fewer nodes than a collection has replicas, one of them has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from glede.api.milvus.components import field_of
from glede.kube.objects import Key
from glede.milvus.desired import Desired, Ref, template_of
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.resolved import Resolved
from glede.milvus.versions import HANDING_OVER
from glede.milvus.views import WorkloadView

# Scales query nodes in without a look at what is loaded.
UNSAFE = "glede.io/allow-unsafe-scale-in"

_QUERY_NODE = "querynode"


@dataclass(frozen=True, slots=True)
class ScaleIn:
    """How many pods the Deployments have meanwhile that are to have fewer.

    ``going`` says what the next step waits for, "" for no scale-in; ``held`` says why no further step is
    taken, and ``kept`` is the part of ``replicas`` that this is about. ``stays`` are Deployments that are not
    deleted yet, though wanted no more.
    """

    replicas: Mapping[Ref, int] = field(default_factory=dict)
    going: str = ""
    held: str = ""
    kept: Mapping[Ref, int] = field(default_factory=dict)
    stays: frozenset[Ref] = frozenset()


@dataclass(frozen=True, slots=True)
class _Part:
    """A Deployment of a component as it is, and how many pods it is to have (None: an autoscaler's)."""

    ref: Ref
    view: WorkloadView
    wanted: int | None
    template: str

    @property
    def fewer(self) -> int:
        """How many pods are to go."""
        return 0 if self.wanted is None else max(0, self.view.replicas - self.wanted)


def asks_for_loads(resolved: Resolved, wanted: Desired, observed: Observed) -> bool:
    """Tell whether it matters now what is loaded."""
    parts = _parts(resolved, wanted, observed, _QUERY_NODE)
    fewer = any(part.fewer for part in parts) or _unwanted(resolved, wanted, observed)
    return not _is_allowed(resolved) and bool(fewer)


def scale_in(
    resolved: Resolved, wanted: Desired, observed: Observed, states: Sequence[DependencyState]
) -> ScaleIn:
    """Decide how many pods each Deployment that is to have fewer has now.

    Where the whole Milvus is stopped nothing is handed over, and all pods go at once.
    """
    found = []
    for component in HANDING_OVER:
        parts = list(_parts(resolved, wanted, observed, component))
        if any(part.fewer for part in parts):
            found.append(_decided(component, parts, resolved, observed, states))
    found.append(_of_groups(resolved, wanted, observed))
    return ScaleIn(
        {ref: number for one in found for ref, number in one.replicas.items()},
        "; ".join(one.going for one in found if one.going),
        "; ".join(one.held for one in found if one.held),
        {ref: number for one in found for ref, number in one.kept.items()},
        frozenset[Ref]().union(*(one.stays for one in found)),
    )


def _parts(resolved: Resolved, wanted: Desired, observed: Observed, component: str) -> Iterator[_Part]:
    if resolved.stopped:
        return
    for name, ref, obj in wanted.deployments():
        view = observed.workload(ref) if name == component else None
        if view and not view.owned.deleting:
            yield _Part(ref, view, obj["spec"].get("replicas"), template_of(obj))


def _decided(
    component: str,
    parts: Sequence[_Part],
    resolved: Resolved,
    observed: Observed,
    states: Sequence[DependencyState],
) -> ScaleIn:
    now = {part.ref: part.view.replicas for part in parts if part.fewer}
    total = sum(part.view.replicas for part in parts)
    asked = total - sum(part.fewer for part in parts)
    name = field_of(component)
    if component == _QUERY_NODE and (why := _holds(total - 1, resolved, observed)):
        return ScaleIn(now, held=f"{name} is kept at {total} pods, not {asked}: {why}", kept=now)
    steps = f"{name} goes from {total} pods to {asked}, one at a time"
    waits = _waits(component, parts, resolved, observed, states)
    if not waits and component == _QUERY_NODE and _is_asking(resolved, observed):
        waits = "asks etcd how many the loaded data need"
    if waits:
        return ScaleIn(now, f"{steps}: {waits}")
    first = next(part for part in parts if part.fewer)
    return ScaleIn({**now, first.ref: first.view.replicas - 1}, f"{steps}: the next one stops")


def _of_groups(resolved: Resolved, wanted: Desired, observed: Observed) -> ScaleIn:
    """Keep groups of query nodes that the manifest has no more for as long as those left are too few.

    A group goes as a whole.
    """
    unwanted = _unwanted(resolved, wanted, observed)
    refs = frozenset(Ref("Deployment", view.key) for view in unwanted)
    left = sum(part.view.replicas for part in _parts(resolved, wanted, observed, _QUERY_NODE))
    names = ", ".join(view.key.name for view in unwanted)
    if refs and (why := _holds(left, resolved, observed)):
        return ScaleIn(held=f"{names}: wanted no more, and kept: {why}", stays=refs)
    if refs and _is_asking(resolved, observed):
        return ScaleIn(going=f"{names}: wanted no more; asks etcd how many the loaded data need", stays=refs)
    return ScaleIn()


def _unwanted(resolved: Resolved, wanted: Desired, observed: Observed) -> list[WorkloadView]:
    if resolved.stopped:
        return []
    found = observed.unwanted(resolved, wanted)
    return [view for view in found if view.component == _QUERY_NODE and view.replicas]


def _is_allowed(resolved: Resolved) -> bool:
    return resolved.milvus.metadata.annotations.get(UNSAFE) == "true"


def _is_asking(resolved: Resolved, observed: Observed) -> bool:
    return observed.loads is None and not _is_allowed(resolved)


def _holds(left: int, resolved: Resolved, observed: Observed) -> str:
    """Say why so many query nodes may not be all that are left; "" where they may, or it is not known yet."""
    loads = observed.loads
    if loads is None or _is_allowed(resolved):
        return ""
    if loads.nodes is None:
        return (
            f"how many the loaded data need cannot be told: {loads.why}. It goes on when that is known; "
            f'with the annotation {UNSAFE}: "true" it goes on without'
        )
    if left >= loads.nodes:
        return ""
    if loads.nodes == 1:
        return (
            f"collection {loads.collection} is loaded, which needs a query node. Release it: then it goes on"
        )
    return (
        f"collection {loads.collection} is loaded with {loads.nodes} in-memory replicas, and each needs a "
        "query node. Release it, or load it with fewer replicas: then it goes on"
    )


def _waits(
    component: str,
    parts: Sequence[_Part],
    resolved: Resolved,
    observed: Observed,
    states: Sequence[DependencyState],
) -> str:
    """Say what must be before the next pod may go; "" where one may go now."""
    pods = [pod for pod in observed.pods if pod.component == component]
    leaving = sorted(pod.key.name for pod in pods if pod.deleting)
    if leaving:
        return f"waits until pod {leaving[0]} has ended"
    if not all(part.view.current for part in parts):
        return "waits until its Deployment is looked at"
    held = bool(observed.gate)  # then it keeps its template, perhaps for days
    if not held and not all(part.view.template == part.template for part in parts if part.fewer):
        return "its pods are replaced first"
    ready = sum(pod.ready for pod in pods)
    wanted = sum(part.view.replicas for part in parts)
    if ready != wanted or not all(part.view.complete for part in parts):
        # A pod that cannot run holds nothing, and may be what leaves no room for others.
        return "" if observed.trouble(component) else f"waits until all {wanted} are available"
    for state in states:
        if state.ready is False and not _is_allowed(resolved):
            return f"waits for {state.dependency.type}: {state.message}"
    missing = _missing(resolved, observed)
    return f"waits until {missing} is available" if missing else ""


def _missing(resolved: Resolved, observed: Observed) -> str:
    """Name a component that serves clients or moves data and is asked for, and has no available pod."""
    for workload in resolved.workloads:
        needed = workload.component == "proxy" or workload.component.endswith("coord")
        view = observed.workload(Ref("Deployment", Key(resolved.namespace, workload.name)))
        if needed and workload.replicas != 0 and not (view and view.available):
            return field_of(workload.component)
    return ""
