"""Whether pods with a new template serve as well as the others: pure, from what came to both meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass

from glede.canary.counts import Counts
from glede.canary.quantile import count_of, quantile

SHARE = 0.99
# Pods that answer fewer than this share of what they began hang.
ANSWERED = 0.5
# Nobody notices less than this, in ms; a ratio of two very short times says little.
NOTICED_MS = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is borne. Fewer than ``requests`` tell nothing.

    ``error_rate`` is by how much the share of failed requests (0 to 1) may exceed the others', and
    ``latency_ratio`` how many times theirs the P99 may be.
    """

    error_rate: float
    latency_ratio: float
    requests: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the pods are not to be followed, "" where nothing is against them; and the figures in words."""

    bad: str
    figures: str


def judge(canary: Counts, others: Counts, limits: Limits, *, done: bool) -> Verdict:
    """Compare the canary's pods with the others.

    Errors are told as soon as there are enough requests; latency only when it is ``done``, since a process
    that has just begun is slow at first.
    """
    bad = [*_hanging(canary, limits), *_failing(canary, others, limits)]
    bad += _slow(canary, others, limits) if done else []
    return Verdict("; ".join(bad), _figures(canary, others, limits))


def _hanging(canary: Counts, limits: Limits) -> Iterator[str]:
    if canary.begun >= limits.requests and canary.answered < ANSWERED * canary.begun:
        yield f"{canary.answered:.0f} of {canary.begun:.0f} requests were answered"


def _failing(canary: Counts, others: Counts, limits: Limits) -> Iterator[str]:
    if canary.answered < limits.requests:
        return
    theirs = _rate(others) if others.answered >= limits.requests else 0.0
    if _rate(canary) - theirs > limits.error_rate:
        yield (
            f"{_percent(_rate(canary))} of {canary.answered:.0f} requests failed, of the others' "
            f"{others.answered:.0f} {_percent(_rate(others))}; borne is {_percent(limits.error_rate)} more"
        )


def _slow(canary: Counts, others: Counts, limits: Limits) -> Iterator[str]:
    for kind, ours, theirs in _compared(canary, others, limits):
        if ours > max(limits.latency_ratio * theirs, NOTICED_MS):
            yield (
                f"P99 of {kind} is {ours:.1f} ms, the others' {theirs:.1f} ms; borne is "
                f"{limits.latency_ratio:g} times as long"
            )


def _compared(canary: Counts, others: Counts, limits: Limits) -> Iterator[tuple[str, float, float]]:
    """Give each kind of request of which both sides had enough, with the P99 of both in ms."""
    for kind, histogram in sorted(canary.latency.items()):
        other = others.latency.get(kind, {})
        ours, theirs = quantile(SHARE, histogram), quantile(SHARE, other)
        enough = min(count_of(histogram), count_of(other)) >= limits.requests
        if enough and ours is not None and theirs is not None:
            yield kind, ours, theirs


def _figures(canary: Counts, others: Counts, limits: Limits) -> str:
    if canary.answered < limits.requests:
        return (
            f"{canary.answered:.0f} requests came to the canary, too few to judge by ({limits.requests}), "
            f"and {others.answered:.0f} to the others"
        )
    theirs = f"others: {_percent(_rate(others))} of {others.answered:.0f}"
    rates = f"{_percent(_rate(canary))} of {canary.answered:.0f} requests failed ({theirs})"
    times = [
        f"P99 of {kind} {own:.1f} ms (others: {other:.1f} ms)"
        for kind, own, other in _compared(canary, others, limits)
    ]
    return "; ".join([rates, *(times or ["no kind came to both often enough to compare its P99"])])


def _rate(counts: Counts) -> float:
    return counts.failed / counts.answered if counts.answered else 0.0


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %"
