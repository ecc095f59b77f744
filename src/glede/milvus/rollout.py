"""Whose turn it is in a rollout: Deployments take their new pods one after another, in the version's order.

A Deployment is compared by the digest of its pod template, which it carries as an annotation: the template
itself may come back from the API server with values that nobody sent. A change that leaves the template
alone, of the number of pods for example, waits for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glede.milvus.desired import Desired, Object, Ref, ref_of
from glede.milvus.labels import COMPONENT_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.observed import Observed
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back
from glede.milvus.versions import Version, parse_version, upgrade_order
from glede.milvus.views import WorkloadView

_ONE_BY_ONE = frozenset({"rollingUpgrade", "rollingDowngrade"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """Where a rollout is: the component that is being replaced, and the Deployments that wait for it.

    ``at`` is "" where nothing is being replaced. ``overdue`` tells why it is not done within its deadline, ""
    while it may still be. ``begun`` tells whether another component has its new pods already.
    """

    at: str = ""
    waiting: tuple[Ref, ...] = ()
    overdue: str = ""
    begun: bool = False


def rollout(resolved: Resolved, wanted: Desired, observed: Observed) -> Rollout:
    """Tell where the rollout of a manifest is.

    Nothing waits where Milvus has not served yet, since its parts start side by side, nor where the manifest
    wants all at once (imageUpdateMode all or force, enableRollingUpdate false). A Deployment that is missing
    comes in its turn where the release line changes, since it may be new in that one; else it was deleted.
    """
    earlier = _earlier(resolved)
    steps = [(obj, observed.workload(ref_of(obj))) for obj in _in_order(resolved, earlier, wanted)]
    changing = any(view and not _is_new(obj, view) for obj, view in steps)
    at, overdue, begun, waiting = "", "", False, []
    for obj, view in steps:
        component = obj["metadata"]["labels"][COMPONENT_LABEL]
        is_new = view is not None and _is_new(obj, view)
        if at and not is_new:
            if view or earlier.line != resolved.version.line:
                waiting.append(ref_of(obj))
        elif not at and not (view and is_new and (view.rolled or view.paused)):
            at = component
            overdue = _overdue(component, view, observed) if view and is_new else ""
        elif not at:
            begun = True
    if not (changing and _one_by_one(resolved)):
        waiting = []
    return Rollout(at, tuple(waiting), overdue, begun)


def _earlier(resolved: Resolved) -> Version:
    before = resolved.milvus.status.get("currentVersion")
    return parse_version(before, None) if before else resolved.version


def _in_order(resolved: Resolved, earlier: Version, wanted: Desired) -> Sequence[Object]:
    """Give the Deployments in the order in which they are replaced, reversed on the way back."""
    found = [obj for obj in wanted.milvus if obj["kind"] == "Deployment"]
    names = [obj["metadata"]["labels"][COMPONENT_LABEL] for obj in found]
    milvus, later = resolved.milvus, resolved.version
    down = later < earlier or milvus.spec.components.image_update_mode == "rollingDowngrade"
    back = down or came_back(milvus)
    order = upgrade_order(*((later, earlier) if later < earlier else (earlier, later)), dict.fromkeys(names))
    places = {name: place for place, name in enumerate(reversed(order) if back else order)}
    return sorted(found, key=lambda obj: places[obj["metadata"]["labels"][COMPONENT_LABEL]])


def _is_new(obj: Object, view: WorkloadView) -> bool:
    return bool(obj["metadata"]["annotations"][TEMPLATE_ANNOTATION] == view.template)


def _overdue(component: str, view: WorkloadView, observed: Observed) -> str:
    if not view.overdue:
        return ""
    return f"{component}: {observed.trouble(component) or view.overdue}"


def _one_by_one(resolved: Resolved) -> bool:
    components = resolved.milvus.spec.components
    rolling = components.enable_rolling_update is not False
    served = bool(resolved.milvus.status.get("currentImage"))
    return served and rolling and components.image_update_mode in _ONE_BY_ONE
