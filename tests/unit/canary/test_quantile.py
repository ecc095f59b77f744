"""Quantiles, against Prometheus's own steps (promql/quantile.go, bucketQuantile) written down plainly."""

import math
from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.canary.quantile import quantile

BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, math.inf)
# How many values each bucket holds by itself.
HELD = st.lists(st.integers(0, 1000), min_size=len(BOUNDS), max_size=len(BOUNDS))
SHARES = st.floats(0, 1)


def cumulative(held: list[int]) -> dict[float, float]:
    return dict(zip(BOUNDS, map(float, accumulate(held)), strict=True))


def prometheus(share: float, buckets: list[tuple[float, float]]) -> float:
    observations = buckets[-1][1]
    rank = share * observations
    chosen = bisect_left([count for _, count in buckets[:-1]], rank)
    if chosen == len(buckets) - 1:
        return buckets[-2][0]
    if chosen == 0 and buckets[0][0] <= 0:
        return buckets[0][0]
    start, end, count = 0.0, *buckets[chosen]
    if chosen > 0:
        start = buckets[chosen - 1][0]
        count -= buckets[chosen - 1][1]
        rank -= buckets[chosen - 1][1]
    return start + (end - start) * (rank / count) if count else math.nan


@given(SHARES, HELD)
def test_it_is_prometheus_rule(share: float, held: list[int]) -> None:
    found = quantile(share, cumulative(held))
    if not sum(held):
        assert found is None
        return
    expected = prometheus(share, sorted(cumulative(held).items()))
    if not math.isnan(expected):
        assert found == pytest.approx(expected)


@given(SHARES, st.lists(st.floats(0.001, 15.9), min_size=1, max_size=300))
def test_it_lies_in_the_bucket_of_the_value_itself(share: float, values: list[float]) -> None:
    histogram = {bound: float(sum(value <= bound for value in values)) for bound in BOUNDS}
    found = quantile(share, histogram)
    value = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    upper = BOUNDS[bisect_left(BOUNDS, value)]
    assert found is not None
    assert found <= upper
    assert share == 0 or found >= (BOUNDS[BOUNDS.index(upper) - 1] if upper > 1 else 0)


@given(HELD)
def test_it_never_falls_with_its_share(held: list[int]) -> None:
    found = [quantile(share / 20, cumulative(held)) for share in range(21)]
    told = [value for value in found if value is not None]
    assert told == sorted(told)


def test_what_takes_longer_than_all_bounds_counts_as_the_longest() -> None:
    assert quantile(0.99, {1.0: 0.0, 16.0: 0.0, math.inf: 10.0}) == 16.0


def test_without_a_whole_histogram_nothing_is_told() -> None:
    assert quantile(0.99, {}) is None
    assert quantile(0.99, {math.inf: 10.0}) is None
    assert quantile(0.99, {1.0: 3.0, 2.0: 10.0}) is None
