"""One snapshot of what there is of a Milvus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.desired import Ref
from glede.milvus.resolved import Dependency, DependencyKind, InClusterPlan
from glede.milvus.views import EntryView, Held, PodView, WorkloadView


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
class Observed:
    """What the cluster holds of one Milvus, and what its external dependencies answered.

    ``loads`` is what its etcd tells of loaded data: None where it was not asked, or has not answered yet.
    """

    held: Mapping[Ref, Held]
    pods: tuple[PodView, ...] = ()
    answers: Mapping[DependencyKind, Answer] = field(default_factory=dict)
    loads: Loads | None = None

    def workload(self, ref: Ref) -> WorkloadView | None:
        """Give a Deployment or StatefulSet."""
        found = self.held.get(ref)
        return found if isinstance(found, WorkloadView) else None

    def entry(self, ref: Ref) -> EntryView | None:
        """Give a Service or Ingress."""
        found = self.held.get(ref)
        return found if isinstance(found, EntryView) else None

    def deployments(self) -> list[WorkloadView]:
        """Give all Deployments of Milvus, by name."""
        found = [
            view
            for ref, view in self.held.items()
            if ref.kind == "Deployment" and isinstance(view, WorkloadView)
        ]
        return sorted(found, key=lambda view: view.key)

    def trouble(self, component: str) -> str:
        """Say what is wrong with a component's pods, in one line; "" for nothing."""
        lines = [
            f"pod {pod.key.name} {pod.trouble}"
            for pod in self.pods
            if pod.component == component and pod.trouble
        ]
        return lines[0] if lines else ""


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


_NAMES: dict[DependencyKind, str] = {"etcd": "Etcd", "storage": "Storage", "log": "MsgStream"}


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
