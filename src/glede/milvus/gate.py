"""Whether what is whole may be replaced now, by the maintenance windows of a manifest.

A rollout that began in a window is finished though it closes. What tells that it began is kept in the status:
what was to be replaced, each with the template (of a Deployment) or revision (of a member) that it had. It is
written there before the first one is replaced, and counts when one of them has another. So an operator that
ends between the two finds a rollout that has not begun, and one that ends later finds one that has. An edit
that comes before it is finished joins it: half of each would be neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.desired import Desired, template_of
from glede.milvus.hours import Hours, is_open, next_opening
from glede.milvus.moments import written
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back

# Lets a rollout begin at once: "true", or the generation of the manifest that is meant.
NOW = "glede.io/rollout-now"
# In the status.
BEGUN = "rolloutBegun"
# So soon a rollout begins that has been noted, if no watch tells of the note before.
_NOTED_SECONDS = 0.5
# A clock that is set meanwhile is noticed within this.
_LONGEST_SLEEP = 3600.0
# Of a Deployment that is to go for another mode, instead of its template.
_LEAVES = "leaves"


def gated(
    resolved: Resolved,
    wanted: Desired,
    observed: Observed,
    states: Sequence[DependencyState],
    moment: datetime,
) -> Observed:
    """Give a snapshot with what the windows of a manifest say of it at a moment, which has a zone."""
    milvus = resolved.milvus
    windows = milvus.spec.components.rollout.windows
    if not windows or not milvus.status.get("currentImage"):
        return observed
    leaving = {view.key.name: _LEAVES for view in observed.of_other_mode(resolved)[0]}
    before = {**dict(_before(wanted, observed, states)), **leaving}
    noted = milvus.status.get(BEGUN) or {}
    begun = bool(before) and _has_begun(noted, wanted, observed, leaving)
    if came_back(milvus) or begun or not before:
        return replace(observed, hours=Hours(begun=noted if begun else {}))
    if not (is_open(windows, moment) or _is_asked_for(milvus)):
        return _shut(milvus, observed, next_opening(windows, moment), moment)
    if noted.get("before") == before:
        return replace(observed, hours=Hours(begun=noted))
    note = {"generation": milvus.metadata.generation, "before": before}
    return _with(observed, Hours("begins when that is noted in the status", _NOTED_SECONDS, note))


def _shut(milvus: Milvus, observed: Observed, opens: datetime | None, moment: datetime) -> Observed:
    when = f"opens {written(opens)}" if opens else "is not known"
    generation = milvus.metadata.generation
    words = (
        f"waits for a maintenance window; the next one {when}. "
        f'The annotation {NOW}: "{generation}" lets it begin at once'
    )
    if (asked := milvus.metadata.annotations.get(NOW)) is not None:
        words = f"{words} ({asked[:20]!r} is not this generation)"
    seconds = (opens - moment).total_seconds() if opens else _LONGEST_SLEEP
    return _with(observed, Hours(words, min(seconds, _LONGEST_SLEEP)))


def _with(observed: Observed, hours: Hours) -> Observed:
    """Put what the windows say beside what else keeps Deployments from beginning."""
    return replace(observed.kept_by(hours.waits), hours=hours)


def _is_asked_for(milvus: Milvus) -> bool:
    return milvus.metadata.annotations.get(NOW) in {"true", str(milvus.metadata.generation)}


def _before(
    wanted: Desired, observed: Observed, states: Sequence[DependencyState]
) -> Iterator[tuple[str, str]]:
    """Give what is to be replaced, by name, with the template or revision that it has.

    What is missing, or has no pods, replaces nothing.
    """
    for _, ref, obj in wanted.deployments():
        view = observed.workload(ref)
        if view and not view.empty and view.template != template_of(obj):
            yield ref.key.name, view.template
    for state in states:
        yield from ((pod.key.name, pod.revision) for pod in state.outdated)


def _has_begun(
    noted: Mapping[str, Any], wanted: Desired, observed: Observed, leaving: Mapping[str, str]
) -> bool:
    """Tell whether one of what is noted has another template or revision, or has gone for another mode."""
    now = {
        ref.key.name: view.template for _, ref, _ in wanted.deployments() if (view := observed.workload(ref))
    }
    now |= {pod.key.name: pod.revision for pod in observed.pods if pod.revision}
    now |= leaving
    before = (noted.get("before") or {}).items()
    return any(now.get(name, "" if was == _LEAVES else was) != was for name, was in before)
