"""How many pods each component has: what is written, else by the number of nodes."""

from collections.abc import Mapping
from dataclasses import dataclass

from glede.api.milvus.components import Component, field_of
from glede.milvus.resolved import Derived

# Where the number of nodes is not known, as many as an ordinary cluster carries.
UNKNOWN_NODES = 3
# Two are enough where one works and the other stands by, or where the work can wait for a restart.
_PAIRS = {"rootcoord", "datacoord", "indexcoord", "querycoord", "mixcoord", "datanode", "indexnode"}
_SINGLE = {"standalone", "cdc"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What replicas are derived from. ``standby`` are the coordinators that may run twice."""

    nodes: int | None
    most: int
    standby: frozenset[str]
    earlier: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Count:
    """How many pods; ``replicas`` None where an autoscaler says, then from ``least`` to ``most``."""

    replicas: int | None
    least: int
    most: int | None
    derived: Derived | None = None


def count_of(component: str, settings: Component, setting: Setting) -> Count:
    """Give the pods of a component, or of a group of one, whose settings these are."""
    field = f"spec.components.{field_of(component)}"
    if settings.replicas == 0:
        return Count(0, 0, 0)
    if settings.hpa is not None:
        most = settings.hpa.max_replicas
        if settings.hpa.min_replicas is not None:
            return Count(None, settings.hpa.min_replicas, most)
        least = _derive(component, f"{field}.hpa.minReplicas", setting, most)
        return Count(None, int(least.value), most, least)
    if settings.replicas is None:
        derived = _derive(component, f"{field}.replicas", setting, setting.most)
        number = int(derived.value)
        return Count(number, number, number, derived)
    if settings.replicas < 0:
        return Count(None, 1, None)
    return Count(settings.replicas, settings.replicas, settings.replicas)


def _derive(component: str, field: str, setting: Setting, most: int) -> Derived:
    if words := _alone(component, setting):
        # Whatever ran before: a second one would restart for ever.
        return Derived(field, 1, words)
    wanted, reason = _wanted(component, setting)
    wanted = max(1, min(wanted, most))
    earlier = setting.earlier.get(field, 0)
    if wanted < earlier <= most:
        return Derived(field, earlier, f"derived earlier, and never lowered; today it would be {wanted}")
    return Derived(field, wanted, reason)


def _alone(component: str, setting: Setting) -> str:
    """Tell why a component runs once only; "" where it may run more often."""
    if component in _SINGLE:
        return "it cannot run twice"
    if component.endswith("coord") and component not in setting.standby:
        return "it has no active standby (enableActiveStandby)"
    return ""


def _wanted(component: str, setting: Setting) -> tuple[int, str]:
    top = min(2, setting.most) if component in _PAIRS else setting.most
    if setting.nodes is None:
        return min(top, UNKNOWN_NODES), "the number of nodes is not known"
    nodes = f"{setting.nodes} node{'s' if setting.nodes != 1 else ''} may take pods"
    if component.endswith("coord") and setting.nodes > 1:
        return min(top, setting.nodes), f"{nodes}; one works, the other stands by"
    return min(top, setting.nodes), f"{nodes}; one on each, up to {top}"
