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
class Observed:
    """What the cluster holds of one Milvus, and what its external dependencies answered."""

    held: Mapping[Ref, Held]
    pods: tuple[PodView, ...] = ()
    answers: Mapping[DependencyKind, Answer] = field(default_factory=dict)

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
    """Whether a dependency serves (None: not known yet), whether all of it does, and in what words."""

    dependency: Dependency
    ready: bool | None
    whole: bool
    reason: str
    message: str


_NAMES: dict[DependencyKind, str] = {"etcd": "Etcd", "storage": "Storage", "log": "MsgStream"}


def dependency_state(namespace: str, dependency: Dependency, observed: Observed) -> DependencyState:
    """Tell the state of a dependency, by its StatefulSet where it is ours, else by its answer."""
    name = _NAMES[dependency.kind]
    if plan := dependency.in_cluster:
        view = observed.workload(Ref("StatefulSet", Key(namespace, plan.workload)))
        trouble = observed.trouble(view.component) if view else ""
        return _in_cluster(dependency, plan, view, trouble)
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
    dependency: Dependency, plan: InClusterPlan, view: WorkloadView | None, trouble: str
) -> DependencyState:
    name = _NAMES[dependency.kind]
    ready = view.ready if view else 0
    majority = plan.replicas // 2 + 1
    words = f"{ready} of {plan.replicas} pods of StatefulSet {plan.workload} are ready"
    if trouble:
        words = f"{words}: {trouble}"
    serves = view is not None and ready >= majority
    return DependencyState(
        dependency, serves, ready >= plan.replicas, f"{name}Ready" if serves else f"{name}NotReady", words
    )
