"""What each component asks of its node where the manifest says nothing."""

from dataclasses import dataclass
from typing import Any

# No limit of CPU: a throttled query node answers late, and Milvus takes no more than it finds.
# A whole cluster (three query nodes, streaming nodes and proxies, two of each other) asks for 1.75 cores.
_DEFAULTS = {
    "proxy": ("100m", "256Mi", "2Gi"),
    "mixcoord": ("100m", "512Mi", "4Gi"),
    "rootcoord": ("50m", "256Mi", "2Gi"),
    "datacoord": ("50m", "256Mi", "2Gi"),
    "indexcoord": ("50m", "256Mi", "2Gi"),
    "querycoord": ("50m", "256Mi", "2Gi"),
    "datanode": ("100m", "512Mi", "4Gi"),
    "querynode": ("200m", "1Gi", "4Gi"),
    "indexnode": ("100m", "512Mi", "4Gi"),
    "streamingnode": ("150m", "512Mi", "4Gi"),
    "cdc": ("50m", "256Mi", "2Gi"),
    "standalone": ("500m", "1Gi", "8Gi"),
}


@dataclass(frozen=True, slots=True)
class DefaultResources:
    """Requests and limits, and their one line of words."""

    values: dict[str, Any]
    words: str


def default_resources(component: str) -> DefaultResources:
    """Give a component's requests and limits. Raises KeyError."""
    cpu, memory, limit = _DEFAULTS[component]
    values = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}
    return DefaultResources(values, f"requests cpu {cpu}, memory {memory}; limits memory {limit}")
