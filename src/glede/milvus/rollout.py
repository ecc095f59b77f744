"""Whose turn it is in a rollout: Deployments take their new pods one after another, in the version's order.

A Deployment is compared by the digest of its pod template, which it carries as an annotation: the template
itself may come back from the API server with values that nobody sent. A change that leaves the template
alone, of the number of pods for example, waits for nothing.

A Deployment that is wanted no longer has its turn too: after those that take over its work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from glede.milvus.deadline import Overdue
from glede.milvus.desired import Desired, Object, Ref, template_of
from glede.milvus.observed import Observed
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back
from glede.milvus.trial import Trial, trial
from glede.milvus.versions import Version, after, parse_version, upgrade_order
from glede.milvus.views import WorkloadView

_ONE_BY_ONE = frozenset({"rollingUpgrade", "rollingDowngrade"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """Where a rollout is: the component that is being replaced, and the Deployments that wait for it.

    ``at`` is "" where nothing is being replaced. ``overdue`` tells why it is not done within its deadline,
    and from when on that counts. ``leaving`` are the Deployments that are wanted no longer and whose turn has
    come; None where there are no turns. ``held`` is why the next Deployment may not begin yet.

    ``trial`` is the canary of the Deployment whose turn it is, and ``canary`` how many pods it has now; None
    where it is to go, if it is there.
    """

    at: str = ""
    waiting: tuple[Ref, ...] = ()
    overdue: Overdue = field(default_factory=Overdue)
    leaving: tuple[Ref, ...] | None = None
    held: str = ""
    trial: Trial = field(default_factory=Trial)
    canary: int | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """A Deployment, as it is (None: missing) and as it is wanted (None: no longer)."""

    component: str
    ref: Ref
    view: WorkloadView | None
    wanted: Object | None

    @property
    def is_new(self) -> bool:
        """Whether it has its new template."""
        if self.view is None or self.wanted is None:
            return False
        return template_of(self.wanted) == self.view.template

    @property
    def is_done(self) -> bool:
        """Whether it keeps nobody waiting."""
        return self.view is not None and self.is_new and (self.view.rolled or self.view.paused)


def rollout(resolved: Resolved, wanted: Desired, observed: Observed) -> Rollout:
    """Tell where the rollout of a manifest is.

    Nothing waits where Milvus has not served yet, since its parts start side by side, nor where the manifest
    wants all at once (imageUpdateMode all or force, enableRollingUpdate false). A Deployment that is missing
    comes in its turn where the release line changes, since it may be new in that one; else it was deleted.
    """
    earlier = _earlier(resolved)
    crossing = earlier.line != resolved.version.line
    steps = list(_wanted(wanted, observed))
    places = _places(resolved, earlier, [step.component for step in steps])
    ordered = _one_by_one(resolved) and (crossing or any(_is_to_come(step, crossing) for step in steps))
    steps += _unwanted(resolved, wanted, observed) if ordered else ()
    steps.sort(key=lambda step: _place(step, places))
    forward = _served(resolved) and not came_back(resolved.milvus)
    gate = observed.gate if forward else ""
    failing = observed.searched.failing if forward else Overdue()
    tried = trial(resolved, wanted, observed) if _one_by_one(resolved) else Trial()
    if ordered:
        found = _in_turn(steps, crossing, gate, observed, tried)
    else:
        found = replace(_at_once(steps, crossing, gate, observed), trial=tried, canary=tried.now())
    return found if found.overdue.words else replace(found, overdue=failing)


def _in_turn(steps: Sequence[_Step], crossing: bool, gate: str, observed: Observed, tried: Trial) -> Rollout:
    """Tell where a rollout is whose Deployments wait for each other, and one of them for its canary."""
    at, overdue, now, canary = "", Overdue(), Trial(), None
    waiting: list[Ref] = []
    leaving: list[_Step] = []
    for step in steps:
        gated = bool(gate) and _begins(step, crossing)
        free = not (at or leaving or (waiting and not _is_mended(step, crossing)))
        if free and step.ref == tried.main:
            now, canary = tried, tried.now(gated=gated)
        if step.wanted is None:
            leaving += [] if at or waiting else [step]
        elif not free:
            waiting += [step.ref] if _is_to_come(step, crossing) else []
        elif now.holds(step.ref, gated=gated):
            at, overdue = step.component, now.overdue
            waiting.append(step.ref)
        elif gated:
            waiting.append(step.ref)
        elif not step.is_done:
            at, overdue = step.component, _overdue(step, observed)
    if leaving and not at:
        at = leaving[0].component
    held = now.words if now.main in waiting and at else gate if waiting and not at else ""
    gone = tuple(step.ref for step in leaving)
    return Rollout(at, tuple(waiting), overdue, gone, held, now, canary)


def _at_once(steps: Sequence[_Step], crossing: bool, gate: str, observed: Observed) -> Rollout:
    """Tell where a rollout is whose Deployments do not wait for each other."""
    held = [step.ref for step in steps if gate and _begins(step, crossing)]
    late = [step for step in steps if not step.is_done and step.ref not in held]
    if not late:
        return Rollout(waiting=tuple(held), held=gate if held else "")
    return Rollout(late[0].component, tuple(held), _overdue(late[0], observed))


def _begins(step: _Step, crossing: bool) -> bool:
    """Tell whether a Deployment would leave a state in which it is whole.

    One that is not, or has no available pod, may be mended by its new template, and has nothing to lose.
    """
    whole = step.view is None or (step.view.settled and bool(step.view.available))
    return whole and _is_to_come(step, crossing)


def _is_mended(step: _Step, crossing: bool) -> bool:
    """Tell whether a Deployment need not wait for others that a gate keeps: not between release lines."""
    return not crossing and _is_to_come(step, crossing) and not _begins(step, crossing)


def _is_to_come(step: _Step, crossing: bool) -> bool:
    return not step.is_new and (step.view is not None or crossing)


def _earlier(resolved: Resolved) -> Version:
    before = resolved.milvus.status.get("currentVersion")
    return parse_version(before, None) if before else resolved.version


def _wanted(wanted: Desired, observed: Observed) -> Iterator[_Step]:
    for component, ref, obj in wanted.deployments():
        yield _Step(component, ref, observed.workload(ref), obj)


def _unwanted(resolved: Resolved, wanted: Desired, observed: Observed) -> Iterator[_Step]:
    for view in observed.unwanted(resolved, wanted):
        yield _Step(view.component, Ref("Deployment", view.key), view, None)


def _places(resolved: Resolved, earlier: Version, names: list[str]) -> Mapping[str, int]:
    """Give the places at which components are replaced, reversed on the way back."""
    milvus, later = resolved.milvus, resolved.version
    down = later < earlier or milvus.spec.components.image_update_mode == "rollingDowngrade"
    back = down or came_back(milvus)
    order = upgrade_order(*((later, earlier) if later < earlier else (earlier, later)), dict.fromkeys(names))
    return {name: place for place, name in enumerate(reversed(order) if back else order)}


def _place(step: _Step, places: Mapping[str, int]) -> tuple[int, bool]:
    if step.wanted is not None:
        return places[step.component], False
    return max(places[name] for name in after(step.component, places)), True


def _overdue(step: _Step, observed: Observed) -> Overdue:
    found = step.view.overdue if step.view and step.is_new else Overdue()
    if not found.words:
        return found
    return replace(found, words=f"{step.component}: {observed.trouble(step.component) or found.words}")


def _one_by_one(resolved: Resolved) -> bool:
    components = resolved.milvus.spec.components
    rolling = components.enable_rolling_update is not False
    return _served(resolved) and rolling and components.image_update_mode in _ONE_BY_ONE


def _served(resolved: Resolved) -> bool:
    return bool(resolved.milvus.status.get("currentImage"))
