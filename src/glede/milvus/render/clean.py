"""Leave out what says nothing: the API server drops it, so an object with it never equals its copy there."""

from typing import Any

# An empty mapping is a value here: a volume, or a selector of everything.
_MEANINGFUL = {"emptyDir", "podSelector", "namespaceSelector", "labelSelector", "preference"}


def without_empty(value: Any) -> Any:
    """Drop nulls, and empty mappings and lists but the meaningful ones, at every depth."""
    if isinstance(value, dict):
        cleaned = {name: without_empty(child) for name, child in value.items()}
        return {
            name: child
            for name, child in cleaned.items()
            if child not in (None, {}, []) or _kept(name, child)
        }
    if isinstance(value, list | tuple):
        return [child for child in map(without_empty, value) if child is not None]
    return value


def _kept(name: str, child: Any) -> bool:
    return name in _MEANINGFUL and child == {}
