"""How settings of Milvus are laid over one another.

Imported by the container that merges settings: the standard library only.
"""

from collections.abc import Mapping
from typing import Any

# Where the ConfigMap is mounted below the folder that Milvus reads; links keep user.yaml fresh while it runs.
OPERATOR_FOLDER = "operator"

_QUEUES = ("kafka", "natsmq", "pulsar", "rocksmq")


def laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings key by key, at every depth; any other value of ``over`` replaces that of ``base``."""
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = laid_over(below, value)
        else:
            merged[name] = value
    return merged


def with_one_queue(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the sections of all message queues but the one in use, so that Milvus finds no other.

    Without ``messageQueue`` all stay: it is then for Milvus to choose.
    """
    used = settings.get("messageQueue")
    if not used:
        return dict(settings)
    return {name: value for name, value in settings.items() if name not in _QUEUES or name == used}
