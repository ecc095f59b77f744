"""A Milvus that is stopped or started again as a whole: its components go, and come, one after another.

Proxies go first, so that no client is let in any more, and coordinators last: what is flushed while others
stop is reported to them. They come the other way round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from glede.api.milvus.components import field_of
from glede.milvus.desired import Desired, Ref
from glede.milvus.observed import Observed
from glede.milvus.resolved import Resolved
from glede.milvus.views import WorkloadView

# By component: when it goes. What is not here goes with query nodes, data nodes and index nodes.
_GOES = {"proxy": 0, "streamingnode": 2}
_NODES, _COORDINATORS = 1, 3
# When it comes. Since 2.6 coordinators and streaming nodes may ask for each other while they start.
_COMES = {0: 2, _NODES: 1, 2: 0, _COORDINATORS: 0}


@dataclass(frozen=True, slots=True)
class Halt:
    """How many pods the Deployments have that wait for others, and what for ("" where nothing waits)."""

    replicas: Mapping[Ref, int] = field(default_factory=dict)
    going: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    component: str
    ref: Ref
    view: WorkloadView
    wanted: bool

    @property
    def goes(self) -> int:
        late = _COORDINATORS if self.component.endswith("coord") else _NODES
        return _GOES.get(self.component, late)

    @property
    def comes(self) -> int:
        return _COMES[self.goes]


def halt(resolved: Resolved, wanted: Desired, observed: Observed) -> Halt:
    """Tell which Deployments keep their pods, or have none yet, until others have gone or come."""
    parts = list(_parts(wanted, observed))
    return _stopping(parts, observed) if resolved.stopped else _starting(parts, observed)


def _parts(wanted: Desired, observed: Observed) -> Iterator[_Part]:
    for component, ref, obj in wanted.deployments():
        view = observed.workload(ref)
        if view and not view.owned.deleting:
            yield _Part(component, ref, view, obj["spec"].get("replicas") != 0)


def _stopping(parts: Sequence[_Part], observed: Observed) -> Halt:
    left = {pod.component: pod.key.name for pod in observed.pods}
    at = [p for p in parts if p.view.replicas or p.view.total or p.component in left]
    if not at:
        return Halt()
    first = min(part.goes for part in at)
    later = {part.ref: part.view.replicas for part in at if part.goes > first and part.view.replicas}
    names = _names(part for part in at if part.goes == first)
    pods = sorted(left[part.component] for part in at if part.goes == first and part.component in left)
    words = f"waits until pod {pods[0]} has ended" if pods else "its pods stop"
    return Halt(later, f"is being stopped: {names} first; {words}" if later else "")


def _starting(parts: Sequence[_Part], observed: Observed) -> Halt:
    """Keep at zero what has no pod while what comes before it has none that serves.

    Pods that are in trouble are not waited for: others may be what they lack.
    """
    asked = [part for part in parts if part.wanted]
    lacking = [p for p in asked if not p.view.available and not observed.trouble(p.component)]
    waiting = {
        part.ref: 0
        for part in asked
        if not part.view.replicas and any(other.comes < part.comes for other in lacking)
    }
    if not waiting:
        return Halt()
    first = min(part.comes for part in lacking)
    return Halt(waiting, f"is being started: {_names(p for p in lacking if p.comes == first)} first")


def _names(parts: Iterator[_Part]) -> str:
    return ", ".join(sorted({field_of(part.component) for part in parts}))
