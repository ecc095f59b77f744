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

    @property
    def beside_watches(self) -> int:
        """Count the requests for the work that are no watches."""
        both = (self.chosen(writes=writes) for writes in (True, False))
        return sum(n for counts in both for (verb, _), n in counts.items() if verb != "watch")


WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
BEST_EFFORT = frozenset({"events", "leases"})


@dataclass(frozen=True, slots=True)
class Wave:
    """Milvuses that were created at once, beside those that were there.

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
class Rest:
    """A time in which nothing happened: what was asked for, and processor seconds by program."""

    requests: Requests
    cpu: Mapping[str, float]

    def share(self, *programs: str) -> float:
        """Give what programs took, all where none is named, as a share of one core."""
        taken = [seconds for name, seconds in self.cpu.items() if not programs or name in programs]
        return sum(taken) / self.requests.seconds


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


@dataclass(frozen=True, slots=True)
class Stage:
    """All that was measured with ``count`` Milvuses; ``wave`` made the last of them; ``rss`` is in MiB."""

    count: int
    wave: Wave
    rest: Rest
    edits: Samples
    repairs: Mapping[str, Samples]
    restart: Restart
    rss: float

    def repaired(self, *, deployments: bool) -> Samples:
        """Give the times in which Deployments were repaired, or all else."""
        chosen = [s for name, s in self.repairs.items() if name.startswith("Deployment") == deployments]
        return Samples([second for samples in chosen for second in samples.seconds])


@dataclass(slots=True)
class Results:
    """All of a run; ``others`` is the share of the machine's cores that others used, by step.

    ``stages`` are by growing numbers of Milvuses; all are deleted after the first, and after the last.
    """

    command: str
    load: float
    rss_empty: float = 0.0
    stages: list[Stage] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    others: dict[str, float] = field(default_factory=dict)
