import math

import numpy as np
import pytest
from bench.qa.metrics import (
    answer_overlap,
    auroc,
    bootstrap,
    contains_answer,
    ndcg,
    paired_difference,
    recall,
    reciprocal_rank,
)


def test_ndcg_of_one_relevant_falls_with_its_rank() -> None:
    assert ndcg(["a", "b", "c"], {"a"}) == 1.0
    assert ndcg(["b", "a", "c"], {"a"}) == pytest.approx(1 / math.log2(3))
    assert ndcg(["b", "c"], {"a"}) == 0.0


def test_ndcg_of_two_relevant_by_hand() -> None:
    # Ranks 1 and 3: gain 1 + 1/2; the best possible, ranks 1 and 2: 1 + 0.63093.
    assert ndcg(["a", "x", "b"], {"a", "b"}) == pytest.approx(1.5 / 1.63093, abs=1e-5)


def test_ndcg_ignores_what_lies_below_the_depth() -> None:
    assert ndcg(["x", "y", "a"], {"a"}, depth=2) == 0.0
    assert ndcg(["a", "b"], {"a", "b", "c"}, depth=2) == 1.0


def test_recall_counts_the_share_of_relevant_sections_found() -> None:
    ranking = ["a", "x", "b", "y"]
    assert recall(ranking, {"a", "b", "c", "d"}, 1) == 0.25
    assert recall(ranking, {"a", "b", "c", "d"}, 3) == 0.5
    assert recall(ranking, {"x"}, 1) == 0.0


def test_reciprocal_rank_takes_the_first_hit_only() -> None:
    assert reciprocal_rank(["x", "y", "b", "a"], {"a", "b"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "b"], {"b"}, depth=2) == 0.0


def test_measures_without_a_relevant_section_are_refused() -> None:
    with pytest.raises(ValueError, match="no relevant section"):
        ndcg(["a"], set())
    with pytest.raises(ValueError, match="no relevant section"):
        recall(["a"], set(), 5)


def test_bootstrap_of_equal_scores_has_no_width() -> None:
    interval = bootstrap([0.5] * 20)
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)


def test_bootstrap_interval_is_near_the_normal_approximation() -> None:
    scores = [0.0, 1.0] * 200
    interval = bootstrap(scores, resamples=4000)
    half = 1.96 * 0.5 / math.sqrt(len(scores))
    assert interval.mean == 0.5
    assert interval.low == pytest.approx(0.5 - half, abs=0.01)
    assert interval.high == pytest.approx(0.5 + half, abs=0.01)


def test_bootstrap_is_fixed_by_its_seed() -> None:
    scores = list(np.linspace(0, 1, 30))
    assert bootstrap(scores, seed=7) == bootstrap(scores, seed=7)
    assert bootstrap(scores, seed=7) != bootstrap(scores, seed=8)


def test_bootstrap_without_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        bootstrap([])


def test_paired_difference_sees_a_small_but_steady_gain_that_intervals_overlap_on() -> None:
    base = list(np.linspace(0, 1, 50))
    better = [score + 0.02 for score in base]
    assert bootstrap(better).low < bootstrap(base).high
    difference = paired_difference(better, base)
    assert difference.mean == pytest.approx(0.02)
    assert difference.low > 0


def test_paired_difference_needs_the_same_questions() -> None:
    with pytest.raises(ValueError, match="found 2 and 1 scores"):
        paired_difference([1.0, 0.0], [1.0])


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.0),
        ([0.0, 1.0], [2.0, 3.0], 0.0),
        ([1.0, 1.0], [1.0], 0.5),
        # Pairs won: 3>2, 3>1, 1.5>1; tied: none; lost: 1.5<2. Three of four.
        ([3.0, 1.5], [2.0, 1.0], 0.75),
        # One tie among two pairs, the other won.
        ([1.0, 2.0], [1.0], 0.75),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(
    positives: list[float], negatives: list[float], expected: float
) -> None:
    assert auroc(positives, negatives) == expected


def test_auroc_of_an_empty_side_is_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        auroc([], [1.0])


def test_a_citation_holds_its_answer_whatever_the_white_space_case_and_width() -> None:
    assert contains_answer("It needs about\n  40 seconds　to notice.", "about 40 Seconds to")
    assert contains_answer("法定人数是三，\n同样只能丢一个。", "法定人数是三,同样")
    assert not contains_answer("It needs about 50 seconds.", "about 40 seconds")


def test_answer_overlap_is_the_longest_common_run_over_the_shorter() -> None:
    assert answer_overlap("xx abcd yy", "abcd") == 1.0
    assert answer_overlap("bc", "abcd") == 1.0
    # "cdef" of "abcdef" is in the span "cdefzz": four of six characters.
    assert answer_overlap("cdefzz", "abcdef") == pytest.approx(4 / 6)
    assert answer_overlap("", "abcd") == 0.0


def test_an_empty_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="empty answer"):
        contains_answer("anything", " \n")
