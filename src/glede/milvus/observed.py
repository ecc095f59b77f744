"""One snapshot of what there is of a Milvus."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.canary import Watched
from glede.kube.objects import Key
from glede.milvus.deadline import Overdue
from glede.milvus.desired import Desired, Ref
from glede.milvus.hours import Hours
from glede.milvus.kinds import MILVUS
from glede.milvus.podviews import PodView
from glede.milvus.resolved import Dependency, DependencyKind, InClusterPlan, Resolved
from glede.milvus.versions import is_of_mode
from glede.milvus.views import EntryView, Held, WorkloadView

_NAMES: dict[DependencyKind, str] = {"etcd": "Etcd", "storage": "Storage", "log": "MsgStream"}
# In the status: the names of the pods that are fenced, or not freed yet.
NOTED = "fencedPods"
# And what the operator's own search came to.
TOLD = "canarySearch"
# So many of what is left are named.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What an external dependency said when it was asked: None where it has not been yet."""

    ok: bool | None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Loads:
    """How many query nodes the loaded data need, and which collection needs the most.

    ``nodes`` is None where that is not known; ``why`` then says why not.
    """

    nodes: int | None
    collection: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the upkeep of etcd is to the replacement of its members, in words; "" for nothing.

    ``holds``: those that serve stay. ``busy``: all of them do, since one that is not ready may be at work.
    """

    words: str = ""
    holds: bool = False
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Searched:
    """What the operator's own search tells of a rollout.

    ``shut`` is why no step may begin now, ``probation`` why a change that all pods have has not proved
    itself, ``failing`` why a change is to be taken back, and from when on; each empty where there is nothing
    to tell. ``told`` is what the status has of it.
    """

    shut: str = ""
    probation: str = ""
    failing: Overdue = field(default_factory=Overdue)
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fences:
    """Where the fencing of query nodes is, as a condition tells it; ``pods`` are those to keep noted."""

    reason: str
    message: str
    pods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What the cluster holds of one Milvus, and what its external dependencies answered.

    ``loads`` is what its etcd tells of loaded data: None where it was not asked, or has not answered yet.
    ``upkeep`` is what the members of its etcd have to wait for. ``remains`` names what is left of an earlier
    Milvus of the same name; nothing else here knows of it. ``gate`` is why no Deployment that is whole may
    begin with its new template now; "": nothing keeps one.
    ``searched`` is what the operator's own search tells, where it is wanted.
    ``hours`` is what maintenance windows say of changes, which members of dependencies heed too.
    ``fences`` is None where no query node is fenced, nor is to be freed.
    ``watched`` is what a canary's own metrics have shown; None where none is watched.
    """

    held: Mapping[Ref, Held]
    pods: tuple[PodView, ...] = ()
    answers: Mapping[DependencyKind, Answer] = field(default_factory=dict)
    loads: Loads | None = None
    upkeep: Upkeep = field(default_factory=Upkeep)
    remains: str = ""
    gate: str = ""
    searched: Searched = field(default_factory=Searched)
    hours: Hours = field(default_factory=Hours)
    fences: Fences | None = None
    watched: Watched | None = None

    def kept_by(self, why: str) -> "Observed":
        """Add to what keeps Deployments from beginning; "" adds nothing."""
        return replace(self, gate="; ".join(filter(None, (self.gate, why))))

    def workload(self, ref: Ref) -> WorkloadView | None:
        """Give a Deployment or StatefulSet."""
        found = self.held.get(ref)
        return found if isinstance(found, WorkloadView) else None

    def entry(self, ref: Ref) -> EntryView | None:
        """Give a Service or Ingress."""
        found = self.held.get(ref)
        return found if isinstance(found, EntryView) else None

    def deployments(self) -> list[WorkloadView]:
        """Give all Deployments of Milvus, by name; no canary."""
        return [view for view in self._deployments() if not view.canary]

    def canaries(self) -> list[WorkloadView]:
        """Give the Deployments beside those, while changes are watched."""
        return [view for view in self._deployments() if view.canary and not view.owned.deleting]

    @property
    def has_canary(self) -> bool:
        """Whether anything of a canary is there, be it a pod that is about to go."""
        return bool(self.canaries()) or any(pod.canary for pod in self.pods)

    def _deployments(self) -> list[WorkloadView]:
        found = [
            view
            for ref, view in self.held.items()
            if ref.kind == "Deployment" and isinstance(view, WorkloadView)
        ]
        return sorted(found, key=lambda view: view.key)

    def unwanted(self, resolved: Resolved, wanted: Desired) -> Iterator[WorkloadView]:
        """Give this very Milvus's Deployments that are wanted no longer and not yet deleted.

        Those of another mode are not among them.
        """
        refs = {ref for _, ref, _ in wanted.deployments()}
        refs |= {Ref("Deployment", view.key) for view in self.of_other_mode(resolved)[0]}
        for view in self.deployments():
            ours = view.owned.owner == resolved.milvus.metadata.uid and not view.owned.deleting
            if ours and Ref("Deployment", view.key) not in refs:
                yield view

    def of_other_mode(self, resolved: Resolved) -> tuple[list[WorkloadView], list[PodView]]:
        """Give this very Milvus's Deployments of the mode that is not wanted, and the pods of these."""
        cluster, uid = resolved.milvus.spec.mode == "cluster", resolved.milvus.metadata.uid
        views = [
            view
            for view in self.deployments()
            if view.owned.owner == uid and not view.empty and not is_of_mode(view.component, cluster=cluster)
        ]
        theirs = [pod for pod in self.pods if pod.component and pod.component not in _NAMES]
        return views, [pod for pod in theirs if not is_of_mode(pod.component, cluster=cluster)]

    def keeps_mode(self, resolved: Resolved) -> bool:
        """Tell whether a Milvus still runs whole in the mode that is not wanted."""
        views, _ = self.of_other_mode(resolved)
        cluster = resolved.milvus.spec.mode == "cluster"
        begun = any(
            is_of_mode(view.component, cluster=cluster) and view.component != "cdc"
            for view in self.deployments()
        )
        return bool(views) and not begun and not any(view.owned.deleting for view in views)

    def trouble(self, component: str) -> str:
        """Say what is wrong with a component's pods, in one line; "" for nothing."""
        lines = [
            f"pod {pod.key.name} {pod.trouble}"
            for pod in self.pods
            if pod.component == component and pod.trouble
        ]
        return lines[0] if lines else ""


def observed_of(milvus: Milvus, held: Mapping[Ref, Held], pods: Sequence[PodView]) -> Observed:
    """Tell what of all that has a Milvus's label is its own, and what an earlier one of its name has left.

    Kubernetes deletes what a dead Milvus owns, but later, and its pods after their Deployment: where a Milvus
    has not served yet and has no Deployment, pods of Milvus are of the earlier one. What has no owner was to
    stay, and is the new one's now.
    """
    theirs = {ref for ref, one in held.items() if _is_of_another(milvus, one)}
    own = {ref: one for ref, one in held.items() if ref not in theirs}
    begun = milvus.status.get("currentImage") or any(ref.kind == "Deployment" for ref in own)
    leaving = [] if begun else [pod for pod in pods if pod.component and pod.component not in _NAMES]
    names = [f"{ref.kind} {ref.key.name}" for ref in sorted(theirs, key=lambda ref: (ref.kind, ref.key))]
    names += [f"Pod {pod.key.name}" for pod in leaving]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    kept = tuple(pod for pod in pods if pod not in leaving)
    return Observed(own, kept, remains=", ".join([*names[:_NAMED], *more]))


def _is_of_another(milvus: Milvus, held: Held) -> bool:
    return held.owned.owner_kind == MILVUS.kind and held.owned.owner != milvus.metadata.uid


@dataclass(frozen=True, slots=True)
class DependencyState:
    """Whether a dependency serves (None: not known yet), whether all of it does, and in what words.

    Of one that the operator runs, ``renewed`` tells that every pod has been made from its newest template,
    ``outdated`` are the pods of an older one, the last ordinal first, and ``steady`` that every pod is there,
    has been ready for its time, and stays.
    """

    dependency: Dependency
    ready: bool | None
    whole: bool
    reason: str
    message: str
    renewed: bool = True
    outdated: tuple[PodView, ...] = ()
    steady: bool = True


def missing(states: Sequence[DependencyState]) -> str:
    """Say what pods of Milvus that are about to start would miss; "" for nothing."""
    lacking = [state for state in states if not (state.ready and state.whole)]
    return "; ".join(f"{state.dependency.type}: {state.message}" for state in lacking)


def dependency_state(namespace: str, dependency: Dependency, observed: Observed) -> DependencyState:
    """Tell the state of a dependency, by its StatefulSet where it is ours, else by its answer."""
    name = _NAMES[dependency.kind]
    if plan := dependency.in_cluster:
        view = observed.workload(Ref("StatefulSet", Key(namespace, plan.workload)))
        return _in_cluster(dependency, plan, view, observed)
    if dependency.embedded:
        return DependencyState(
            dependency, True, True, f"{name}Ready", f"{dependency.type} is a part of Milvus"
        )
    answer = observed.answers.get(dependency.kind, Answer(None))
    if answer.ok is None:
        words = f"asking {', '.join(dependency.endpoints)}"
        return DependencyState(dependency, None, False, "Checking", words)
    return DependencyState(dependency, answer.ok, answer.ok, answer.reason, answer.message)


def _in_cluster(
    dependency: Dependency, plan: InClusterPlan, view: WorkloadView | None, observed: Observed
) -> DependencyState:
    name = _NAMES[dependency.kind]
    members = _members(dependency, plan, observed)
    there = [pod for pod in members if pod.ready and not pod.deleting]
    # What it tells before its controller has looked at it is about another template.
    known = view if view and view.current else None
    # While its StatefulSet is made anew its pods go on.
    ready = known.ready if known else len(there)
    majority = plan.replicas // 2 + 1
    words = f"{ready} of {plan.replicas} pods of StatefulSet {plan.workload} are ready"
    if trouble := observed.trouble(dependency.kind):
        words = f"{words}: {trouble}"
    outdated = [pod for pod in members if known and pod.revision != known.revision]
    renewed = known is not None and known.updated >= plan.replicas and not outdated
    steady = known is not None and min(len(there), known.available) >= plan.replicas
    serves = ready >= majority
    return DependencyState(
        dependency,
        serves,
        ready >= plan.replicas,
        f"{name}Ready" if serves else f"{name}NotReady",
        words,
        renewed,
        tuple(pod for pod in outdated if not pod.deleting),
        steady,
    )


def _members(dependency: Dependency, plan: InClusterPlan, observed: Observed) -> list[PodView]:
    """Give a dependency's pods, the last ordinal first."""
    found = {}
    for pod in observed.pods:
        stem, _, ordinal = pod.key.name.rpartition("-")
        if pod.component == dependency.kind and stem == plan.workload and ordinal.isdecimal():
            found[int(ordinal)] = pod
    return [found[ordinal] for ordinal in sorted(found, reverse=True)]
