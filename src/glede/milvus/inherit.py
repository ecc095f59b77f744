"""What a component takes over from the settings for all, and a group from its component."""

from collections.abc import Iterable
from typing import TypeVar

from glede.api.milvus.base import PodPart
from glede.api.milvus.components import Component, Group, PodSettings

AnyComponent = TypeVar("AnyComponent", bound=Component)

# An empty value of these is a value; an empty value of the others leaves the global one in force.
_EMPTY_COUNTS = {"resources", "volumes", "probes", "security_context"}
_MERGED = {"pod_labels", "pod_annotations", "env", "volume_mounts"}


def inherited(everywhere: PodSettings, own: AnyComponent) -> AnyComponent:
    """Give a component's settings over those for all.

    A component's value replaces the global one; variables and mounts merge by name and mountPath; for a label
    or annotation that is set twice the global value wins, as milvus-operator has it.
    """
    values = {
        name: getattr(everywhere, name)
        for name in PodSettings.model_fields
        if name not in _MERGED and _absent(name, getattr(own, name))
    }
    return own.changed(
        **values,
        pod_labels=own.pod_labels | everywhere.pod_labels,
        pod_annotations=own.pod_annotations | everywhere.pod_annotations,
        env=by_key("name", everywhere.env or (), own.env or ()),
        volume_mounts=by_key("mountPath", everywhere.volume_mounts or (), own.volume_mounts or ()),
    )


def _absent(name: str, value: object) -> bool:
    return value is None or (name not in _EMPTY_COUNTS and value in ([], {}, ""))


def grouped(settings: AnyComponent, group: Group) -> AnyComponent:
    """Give a group's settings over its component's; an empty value clears, an absent one inherits."""
    scheduling = {
        name: value
        for name in ("node_selector", "affinity", "tolerations", "topology_spread_constraints")
        if (value := getattr(group, name)) is not None
    }
    return settings.changed(
        **scheduling,
        replicas=group.replicas,
        pod_labels=settings.pod_labels | (group.labels or {}),
        pod_annotations=settings.pod_annotations | (group.annotations or {}),
        env=by_key("name", settings.env or (), group.extra_env or ()),
    )


def by_key(key: str, *layers: Iterable[PodPart]) -> list[PodPart]:
    """Merge lists of parts; one of a later layer takes the place of an earlier one with the same key."""
    merged: dict[object, PodPart] = {}
    for layer in layers:
        for part in layer:
            merged[part.get(key)] = part
    return list(merged.values())
