"""What was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds that something took, time after time."""

    seconds: Sequence[float]

    def percentile(self, share: float) -> float:
        """Give the seconds that ``share`` per cent of the samples did not exceed."""
        return float(np.percentile(np.asarray(self.seconds), share))


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of the operator to the API server in some time, by verb and resource."""

    counts: Counter[tuple[str, str]]
    seconds: float

    def chosen(self, *, writes: bool, best_effort: bool = False) -> Counter[tuple[str, str]]:
        """Give the writes or the reads; Events and the lease apart from all else."""
        return Counter(
            {
                (verb, resource): count
                for (verb, resource), count in self.counts.items()
                if (verb in WRITING) == writes and (resource in BEST_EFFORT) == best_effort
            }
        )


WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
BEST_EFFORT = frozenset({"events", "leases"})


@dataclass(frozen=True, slots=True)
class Wave:
    """Milvuses that were created at once.

    ``exist``: from a Milvus's creation request until all of its objects are there. ``healthy``: from the
    moment that its Deployment is available, ``healthy_pod``: that its pod is Ready. ``whole`` seconds until
    the last is Healthy; ``cpu`` are processor seconds until all is quiet, by program.
    """

    count: int
    exist: Samples
    healthy: Samples
    healthy_pod: Samples
    requests: Requests
    whole: float
    cpu: Mapping[str, float]
    rss: float
    kinds: Counter[str]


@dataclass(frozen=True, slots=True)
class Restart:
    """A restart with nothing to do, its requests, and restarts after an edit: process start to its effect."""

    requests: Requests
    acting: Samples
    ready: Samples


@dataclass(frozen=True, slots=True)
class Deletion:
    """Seconds until Milvuses are gone, and until all that they had is: the garbage collector's work."""

    count: int
    milvuses: float
    everything: float


@dataclass(slots=True)
class Results:
    """All of a run; ``others`` is the share of the machine's cores that others used, by step."""

    command: str
    load: float
    rss_empty: float = 0.0
    waves: list[Wave] = field(default_factory=list)
    edits: Samples = Samples([])
    repairs: dict[str, Samples] = field(default_factory=dict)
    rest: Requests | None = None
    restart: Restart | None = None
    deletion: Deletion | None = None
    rss_end: float = 0.0
    others: dict[str, float] = field(default_factory=dict)
