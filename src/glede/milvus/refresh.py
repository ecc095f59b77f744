"""Which settings Milvus takes from user.yaml while it runs, and which pods another setting concerns.

Imported by the container that merges settings: the standard library only.
"""

from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

# As documented by Milvus ("Configure Milvus on the Fly", 2.4 to 2.6), and log.level, which it watches. A
# section stands for all below it.
_REFRESHED: tuple[Path, ...] = (
    ("log", "level"),
    ("common", "retentionDuration"),
    ("common", "entityExpiration"),
    ("common", "gracefulTime"),
    ("quotaAndLimits", "ddl"),
    ("quotaAndLimits", "indexRate"),
    ("quotaAndLimits", "flushRate"),
    ("quotaAndLimits", "compactionRate"),
    ("quotaAndLimits", "dml"),
    ("quotaAndLimits", "dql"),
    ("quotaAndLimits", "limitWriting"),
    ("quotaAndLimits", "limitReading"),
    ("proxy", "maxNameLength"),
    ("proxy", "maxUsernameLength"),
    ("proxy", "minPasswordLength"),
    ("proxy", "maxPasswordLength"),
    ("proxy", "maxFieldNum"),
    ("proxy", "maxShardNum"),
    ("proxy", "maxDimension"),
    ("proxy", "maxUserNum"),
    ("proxy", "maxRoleNum"),
    ("dataCoord", "compaction", "enableAutoCompaction"),
)

_COORDINATORS = ("rootcoord", "datacoord", "indexcoord", "querycoord", "mixcoord")

# A streaming node has a query node within it and flushes as a data node does; since 2.6 data nodes build
# indexes, and they read the coordinator's sizes of segments when they compact.
_READERS: Mapping[str, tuple[str, ...]] = {
    "proxy": ("proxy",),
    "rootCoord": ("rootcoord", "mixcoord"),
    "queryCoord": ("querycoord", "mixcoord"),
    "indexCoord": ("indexcoord", "datacoord", "mixcoord"),
    "mixCoord": ("mixcoord",),
    "dataCoord": ("datacoord", "mixcoord", "datanode", "indexnode", "streamingnode"),
    "queryNode": ("querynode", "streamingnode"),
    "dataNode": ("datanode", "streamingnode"),
    "indexNode": ("indexnode", "datanode"),
    "cdc": ("cdc",),
    "quotaAndLimits": ("proxy", *_COORDINATORS),
}


def without_refreshed(settings: Mapping[str, Any], at: Path = ()) -> dict[str, Any]:
    """Leave out the settings that take effect without a restart."""
    left: dict[str, Any] = {}
    for name, value in settings.items():
        path = (*at, name)
        if path in _REFRESHED:
            continue
        inner = without_refreshed(value, path) if isinstance(value, Mapping) else value
        if inner or not isinstance(value, Mapping) or not value:
            left[name] = inner
    return left


def concerning(settings: Mapping[str, Any], component: str) -> dict[str, Any]:
    """Give the settings that a component reads; a section that is not known here concerns all."""
    return {
        section: value
        for section, value in settings.items()
        if component == "standalone" or component in _READERS.get(section, (component,))
    }
