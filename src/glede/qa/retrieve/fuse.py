"""Reciprocal rank fusion."""

from collections.abc import Sequence

from glede.qa.store.base import Hit

RRF_K = 60


def fuse(legs: Sequence[Sequence[Hit]], weights: Sequence[float] | None = None) -> list[Hit]:
    """Merge ranked lists: a chunk's score is the sum over legs of weight / (60 + rank), ranks from 1.

    Only ranks count, so legs may score on any scale. Source: Cormack, Clarke, Buettcher, Reciprocal
    Rank Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for leg, weight in zip(legs, weights or [1.0] * len(legs), strict=True):
        for rank, hit in enumerate(leg, start=1):
            scores[hit.key] = scores.get(hit.key, 0.0) + weight / (RRF_K + rank)
    # Ties are broken by key, so that equal questions give equal answers.
    return [Hit(key, score) for key, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]
