"""Whether pods serve as well as the others, by what came to both."""

import math
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.canary import Counts, Limits
from glede.canary.verdict import NOTICED_MS, judge

BOUNDS = tuple(float(2**power) for power in range(18))
LIMITS = Limits(error_rate=0.02, latency_ratio=3.0, requests=100)


def of(
    number: int, failed: int = 0, ms: float = 20.0, kind: str = "search", begun: int | None = None
) -> Counts:
    good = number - failed
    histogram = {bound: float(good if ms <= bound else 0) for bound in BOUNDS} | {math.inf: float(good)}
    return Counts(float(number if begun is None else begun), float(number), float(failed), {kind: histogram})


@pytest.mark.parametrize(
    ("canary", "others", "words"),
    [
        (of(1000), of(3000), ""),
        (of(1000, failed=20), of(3000), ""),
        (
            of(1000, failed=21),
            of(3000),
            "2.10 % of 1000 requests failed, of the others' 3000 0.00 %; borne is",
        ),
        # What fails everywhere is not the change's fault.
        (of(1000, failed=500), of(3000, failed=1500), ""),
        (of(1000, failed=530), of(3000, failed=1500), "53.00 % of 1000 requests failed"),
        # Others that nobody asks tell nothing: the canary is judged by itself.
        (of(1000, failed=500), of(50, failed=50), "50.00 % of 1000 requests failed"),
        (of(1000, ms=40), of(3000, ms=20), ""),
        (
            of(1000, ms=200),
            of(3000, ms=20),
            "P99 of search is 254.7 ms, the others' 31.8 ms; borne is 3 times",
        ),
        (of(1000, ms=200), of(3000, ms=200), ""),
        # Nobody notices 8 ms instead of 1.
        (of(1000, ms=8), of(3000, ms=0.5), ""),
        # Of other kinds of request the others' time is another.
        (of(1000, ms=200, kind="insert"), of(3000, ms=20), ""),
        (of(1000, ms=200), of(99, ms=20), ""),
        (of(99, failed=99, ms=900), of(3000), ""),
        (of(10, begun=400), of(3000), "10 of 400 requests were answered"),
        (of(390, begun=400), of(3000), ""),
    ],
)
def test_it_is_bad_where_it_is_worse_than_is_borne(canary: Counts, others: Counts, words: str) -> None:
    found = judge(canary, others, LIMITS, done=True)
    assert found.bad.startswith(words) if words else found.bad == ""


def test_a_process_that_has_just_begun_may_be_slow() -> None:
    assert not judge(of(1000, ms=200), of(3000), LIMITS, done=False).bad
    assert judge(of(1000, failed=900), of(3000), LIMITS, done=False).bad


def test_the_figures_are_told() -> None:
    found = judge(of(1000, failed=1), of(3000), LIMITS, done=True)
    assert found.figures == (
        "0.10 % of 1000 requests failed (others: 0.00 % of 3000); P99 of search 31.8 ms (others: 31.8 ms)"
    )
    few = judge(of(7), of(3000), LIMITS, done=True)
    assert few.figures == "7 requests came to the canary, too few to judge by (100), and 3000 to the others"


NUMBER = st.integers(0, 400)
RATE = st.floats(0, 1)


@given(NUMBER, NUMBER, RATE, RATE, RATE)
def test_errors_are_judged_by_their_share(
    ours: int, theirs: int, failing: float, usual: float, borne: float
) -> None:
    limits = Limits(borne, 100.0, 100)
    failed, others = int(ours * failing), int(theirs * usual)
    found = judge(of(ours, failed), of(theirs, others), limits, done=True)
    excess = (failed / ours if ours else 0) - (others / theirs if theirs >= 100 else 0)
    assert bool(found.bad) == (ours >= 100 and excess > borne)


@given(st.floats(0.1, 1e5), st.floats(0.1, 1e5), st.floats(1, 100))
def test_time_is_judged_by_its_ratio_to_within_a_bucket(ours: float, theirs: float, borne: float) -> None:
    found = judge(of(1000, ms=ours), of(1000, ms=theirs), Limits(0.0, borne, 100), done=True)
    own, other = (p99_of_one(ms) for ms in (ours, theirs))
    assert bool(found.bad) == (own > max(borne * other, NOTICED_MS))


def p99_of_one(ms: float) -> float:
    """Give the P99 of many that all take the same time: 99 % of the way through its bucket."""
    place = bisect_left(BOUNDS, ms)
    lower = BOUNDS[place - 1] if place else 0.0
    return lower + 0.99 * (BOUNDS[place] - lower)
