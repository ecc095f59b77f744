"""How well a Milvus is: pure judgements on one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from glede.kube.objects import Key
from glede.milvus.conditions import Condition, flag
from glede.milvus.desired import Ref
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.resolved import Resolved
from glede.milvus.versions import components_of, parse_version
from glede.milvus.views import WorkloadView

_CONDITION = {"etcd": "EtcdReady", "storage": "StorageReady", "log": "MsgStreamReady"}
_DOORS = frozenset({"proxy", "standalone"})


@dataclass(frozen=True, slots=True)
class Part:
    """One Deployment of Milvus: what is asked for, and what is there."""

    component: str
    wanted: int
    available: int
    serving: bool
    complete: bool
    image: str
    words: str


@dataclass(frozen=True, slots=True)
class Health:
    """The parts of a Milvus and its dependencies at one moment."""

    parts: tuple[Part, ...]
    dependencies: tuple[DependencyState, ...]
    leaving: int

    @property
    def ready(self) -> str:
        """Available pods of those asked for, for example ``9/9``."""
        available = sum(min(part.available, part.wanted) for part in self.parts)
        return f"{available}/{sum(part.wanted for part in self.parts)}"

    @property
    def serving(self) -> bool:
        """Whether every Deployment is available as asked for, and a client finds a door."""
        return self.answering and all(part.serving for part in self.parts)

    @property
    def answering(self) -> bool:
        """Whether a client finds a door, be the rest whole or not."""
        return any(part.component in _DOORS and part.available for part in self.parts)

    @property
    def updated(self) -> bool:
        """Whether every pod is as the manifest wants it and none of another time is left."""
        parts = bool(self.parts) and all(part.complete for part in self.parts) and not self.leaving
        return parts and not self.outdated

    @property
    def outdated(self) -> list[str]:
        """Which members of dependencies are not of the newest template; a line for each dependency."""
        found = []
        for state in self.dependencies:
            names = [pod.key.name for pod in state.outdated] or ["pods are being made"]
            if not state.renewed:
                found.append(f"{state.dependency.type}: {', '.join(names)}")
        return found

    @property
    def broken(self) -> list[DependencyState]:
        """The dependencies that are known not to serve."""
        return [state for state in self.dependencies if state.ready is False]

    @property
    def lacking(self) -> str:
        """What is missing, the dependencies first; "" for nothing."""
        words = [f"{s.dependency.type}: {s.message}" for s in self.dependencies if s.ready is not True]
        words += [part.words for part in self.parts if not part.serving]
        return "; ".join(words)


def examine(
    resolved: Resolved | None,
    states: Sequence[DependencyState],
    observed: Observed,
    kept: Mapping[Ref, int] | None = None,
) -> Health:
    """Judge a snapshot. Without ``resolved`` (a manifest that is refused) what runs is judged by itself.

    So is what still runs in a mode that is not wanted, and has not begun to go.

    ``kept`` are the Deployments that have more pods than the manifest wants, and shall.
    """
    if resolved is None:
        parts = [_running(view, observed) for view in observed.deployments()]
    elif observed.keeps_mode(resolved):
        views, _ = observed.of_other_mode(resolved)
        parts = [replace(_running(view, observed), complete=False) for view in views]
    else:
        parts, arriving = [], _arriving(resolved)
        for workload in resolved.workloads:
            ref = Ref("Deployment", Key(resolved.namespace, workload.name))
            view, wanted = observed.workload(ref), (kept or {}).get(ref, workload.replicas)
            part = _part(workload.component, wanted, workload.image, view, observed)
            awaited = workload.component in arriving and not (view and view.rolled)
            parts.append(replace(part, wanted=0, serving=True) if awaited else part)
    names = {part.component for part in parts}
    leaving = sum(pod.deleting for pod in observed.pods if pod.component in names)
    return Health(tuple(parts), tuple(states), leaving)


def _arriving(resolved: Resolved) -> frozenset[str]:
    """Give the components that the version which serves does not have: what serves can do without them."""
    before = resolved.milvus.status.get("currentVersion")
    if not before:
        return frozenset()
    spec = resolved.milvus.spec
    # That this manifest names streaming nodes does not tell that there were some before 2.6.
    named = [name for name in spec.components.named() if name != "streamingnode"]
    had = components_of(parse_version(before, None), cluster=spec.mode == "cluster", written=named)
    return frozenset(workload.component for workload in resolved.workloads).difference(had)


def _running(view: WorkloadView, observed: Observed) -> Part:
    return _part(view.component, view.replicas, view.image, view, observed)


def _part(
    component: str, replicas: int | None, image: str, view: WorkloadView | None, observed: Observed
) -> Part:
    if view is None:
        return Part(component, replicas or 1, 0, False, False, "", f"{component}: not made yet")
    wanted = view.replicas if replicas is None else replicas
    trouble = view.failure or observed.trouble(component)
    words = f"{component}: {view.available} of {wanted} pods are available"
    agrees = view.replicas == wanted and view.image == image
    return Part(
        component,
        wanted,
        view.available,
        # Counted by what was there before the last change too: a change alone takes no pod away.
        view.available >= wanted,
        agrees and view.complete,
        view.image,
        f"{words}: {trouble}" if trouble else words,
    )


def dependency_conditions(states: Sequence[DependencyState]) -> list[Condition]:
    """Give a condition for each dependency, by upstream's names."""
    return [Condition(_CONDITION[s.dependency.kind], flag(s.ready), s.reason, s.message) for s in states]
