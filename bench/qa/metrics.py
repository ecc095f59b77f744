"""Measures of a ranking and of a citation, and how sure they are.

A ranking is a list of section ids, best first, without repeats. Every measure lies between 0 and 1.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = Sequence[float] | NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its bootstrap interval."""

    mean: float
    low: float
    high: float


def ndcg(ranking: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gain 1 for each relevant section."""
    _require_relevant(relevant)
    gain = sum(1 / math.log2(rank + 2) for rank, item in enumerate(ranking[:depth]) if item in relevant)
    best = sum(1 / math.log2(rank + 2) for rank in range(min(depth, len(relevant))))
    return gain / best


def recall(ranking: Sequence[str], relevant: Collection[str], depth: int) -> float:
    """The share of the relevant sections among the first `depth`."""
    _require_relevant(relevant)
    return len(set(ranking[:depth]) & set(relevant)) / len(set(relevant))


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """One over the rank of the first relevant section, 0 when none is among the first `depth`."""
    _require_relevant(relevant)
    return next((1 / rank for rank, item in enumerate(ranking[:depth], start=1) if item in relevant), 0.0)


RANKING_MEASURES: dict[str, Callable[[Sequence[str], Collection[str]], float]] = {
    "nDCG@10": ndcg,
    "recall@1": lambda ranking, relevant: recall(ranking, relevant, 1),
    "recall@5": lambda ranking, relevant: recall(ranking, relevant, 5),
    "recall@10": lambda ranking, relevant: recall(ranking, relevant, 10),
    "MRR@10": reciprocal_rank,
}


def bootstrap(scores: Scores, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean over questions with the 2.5th and 97.5th percentile of the resampled means.

    Raises ValueError without scores.
    """
    values = _as_array(scores)
    means = _resampled_means(values, resamples, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def paired_difference(
    first: Scores, second: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The mean of first - second over the same questions; an interval without 0 is a real difference.

    Raises ValueError when the two do not have one score a question each.
    """
    if len(first) != len(second):
        raise ValueError(
            f"paired scores need the same questions: found {len(first)} and {len(second)} scores"
        )
    return bootstrap(_as_array(first) - _as_array(second), resamples=resamples, seed=seed)


def auroc(positives: Scores, negatives: Scores) -> float:
    """The chance that a positive scores higher than a negative, ties counting half.

    Raises ValueError when either is empty.
    """
    above, below = _as_array(positives), _as_array(negatives)
    wins = (above[:, None] > below[None, :]).sum() + 0.5 * (above[:, None] == below[None, :]).sum()
    return float(wins / (len(above) * len(below)))


def flatten(text: str) -> str:
    """The text as it is compared: compatibility forms folded, no white space, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def contains_answer(cited: str, answer: str) -> bool:
    """Whether the cited span holds the whole answer, white space aside."""
    _require_answer(answer)
    return flatten(answer) in flatten(cited)


def answer_overlap(cited: str, answer: str) -> float:
    """The share of the answer's characters found as one run in the cited span, or all of it in the answer.

    1.0 when either holds the other; else the longest run common to both over the shorter's length.
    """
    _require_answer(answer)
    span, wanted = flatten(cited), flatten(answer)
    shorter = min(len(span), len(wanted))
    return _longest_common_run(span, wanted) / shorter if shorter else 0.0


def _longest_common_run(first: str, second: str) -> int:
    longest, ending = 0, [0] * (len(second) + 1)
    for letter in first:
        previous, ending = ending, [0] * (len(second) + 1)
        for place, other in enumerate(second, start=1):
            if letter == other:
                ending[place] = previous[place - 1] + 1
                longest = max(longest, ending[place])
    return longest


def _resampled_means(values: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(values), size=(resamples, len(values)))
    means: NDArray[np.float64] = values[picks].mean(axis=1)
    return means


def _as_array(scores: Scores) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0:
        raise ValueError("found no scores, expected at least one question")
    return values


def _require_relevant(relevant: Collection[str]) -> None:
    if not relevant:
        raise ValueError("found no relevant section, expected at least one: the measure is undefined")


def _require_answer(answer: str) -> None:
    if not answer.strip():
        raise ValueError("found an empty answer, expected the words that a citation must hold")
