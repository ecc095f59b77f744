"""What a pod has counted since it began, and what came to several of them while somebody looked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

# By upper bound, in ms and with infinity: how many requests took at most so long.
Histogram = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests that a pod began, answered, and answered with an error; how long they took, by kind.

    Requests of different kinds, a search and an insert for example, take their own time: of each the
    histogram is apart.
    """

    begun: float = 0.0
    answered: float = 0.0
    failed: float = 0.0
    latency: Mapping[str, Histogram] = field(default_factory=dict)

    def since(self, earlier: "Counts") -> "Counts":
        """Give what came after ``earlier``.

        A counter that has become smaller began anew, and the others with it; so does Prometheus's increase().
        """
        if _fell(earlier, self):
            return self
        return _combined(self, earlier, lambda now, then: now - then)

    def and_also(self, other: "Counts") -> "Counts":
        """Give the counts of both."""
        return _combined(self, other, lambda one, two: one + two)


def _fell(earlier: Counts, later: Counts) -> bool:
    pairs = [
        (earlier.begun, later.begun),
        (earlier.answered, later.answered),
        (earlier.failed, later.failed),
        *(
            (count, later.latency.get(kind, {}).get(bound, 0.0))
            for kind, histogram in earlier.latency.items()
            for bound, count in histogram.items()
        ),
    ]
    return any(now < then for then, now in pairs)


def _combined(one: Counts, other: Counts, by: Callable[[float, float], float]) -> Counts:
    return Counts(
        by(one.begun, other.begun),
        by(one.answered, other.answered),
        by(one.failed, other.failed),
        {
            kind: _histogram(one.latency.get(kind), other.latency.get(kind), by)
            for kind in dict.fromkeys([*one.latency, *other.latency])
        },
    )


def _histogram(
    one: Histogram | None, other: Histogram | None, by: Callable[[float, float], float]
) -> Histogram:
    """Combine two histograms at the bounds that both have; one that is missing has counted nothing."""
    bounds: Iterable[float] = (one or other or {}).keys()
    if one and other:
        bounds = one.keys() & other.keys()
    return {bound: by((one or {}).get(bound, 0.0), (other or {}).get(bound, 0.0)) for bound in bounds}


@dataclass(slots=True)
class Tally:
    """What came to a set of pods while they were looked at, whoever joins or leaves them meanwhile.

    The first look at a pod only tells where it stands.
    """

    total: Counts = field(default_factory=Counts)
    _last: dict[str, Counts] = field(default_factory=dict)

    def take(self, seen: Mapping[str, Counts]) -> None:
        """Take in a look at the pods, by whatever tells one process from another."""
        for name, counts in seen.items():
            before = self._last.get(name)
            if before is not None:
                self.total = self.total.and_also(counts.since(before))
            self._last[name] = counts
