"""What came to pods while they were looked at."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from glede.canary import Counts, Tally

NUMBERS = st.lists(st.integers(0, 50), min_size=2, max_size=8)


def counts(number: float) -> Counts:
    return Counts(number, number, 0.0, {"search": {8.0: number, math.inf: number}})


def test_only_what_came_since_counts() -> None:
    assert counts(7).since(counts(5)) == counts(2)
    assert Counts(3.0).since(Counts()) == Counts(3.0)


def test_a_counter_that_fell_began_anew_and_the_others_with_it() -> None:
    later = Counts(9.0, 1.0, 0.0)
    assert later.since(Counts(8.0, 5.0, 5.0)) == later
    began = Counts(9.0, 9.0, 0.0, {"search": {8.0: 0.0, math.inf: 2.0}})
    assert began.since(counts(9)) == began


def test_a_kind_of_request_that_is_new_counts_from_nothing() -> None:
    assert counts(4).since(Counts()).latency == counts(4).latency
    assert Counts().and_also(counts(4)) == counts(4)


def test_histograms_of_other_bounds_are_compared_where_both_have_them() -> None:
    finer = Counts(latency={"search": {4.0: 1.0, 8.0: 2.0, math.inf: 3.0}})
    assert finer.and_also(counts(1)).latency == {"search": {8.0: 3.0, math.inf: 4.0}}


@given(st.dictionaries(st.sampled_from("abcd"), NUMBERS))
def test_a_tally_has_the_increase_of_each_pod_whoever_comes_and_goes(pods: dict[str, list[int]]) -> None:
    tally = Tally()
    for number in range(8):
        tally.take({name: counts(seen[number]) for name, seen in pods.items() if number < len(seen)})
    steps = [(then, now) for seen in pods.values() for then, now in pairwise(seen)]
    assert tally.total.begun == sum(now - then if now >= then else now for then, now in steps)
