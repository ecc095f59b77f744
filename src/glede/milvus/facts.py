"""What the pure parts may know of the world beside the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """A Secret without its values: which keys it has, and a digest that changes with any of them."""

    keys: frozenset[str]
    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The world around one Milvus.

    ``nodes`` and ``zones`` count the nodes that may take pods, also those that are being drained; None where
    the operator may not look. ``earlier`` are derived replicas of earlier times by field, which are never
    lowered. ``secrets`` are those that the manifest names and that exist. ``images`` are default images by
    field: those of earlier times first, so that a newer operator restarts nothing. ``volumes`` are the sizes
    that the dependencies' volumes have, by kind. ``taken_back`` tells that the manifest is the one of before.
    """

    nodes: int | None = None
    zones: int = 1
    tool_image: str = ""
    pod_monitors: bool = False
    earlier: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    taken_back: bool = False
    secrets: Mapping[str, SecretFacts] = field(default_factory=dict)
