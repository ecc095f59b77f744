"""The rerank: what the legs said of a passage, and how the question's words stand in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise

from glede.qa.registry.terms import TermWeights
from glede.qa.retrieve.passages import Passage
from glede.qa.store.base import Hit
from glede.qa.text.index import context_line
from glede.qa.text.script import Script
from glede.qa.text.tokens import tokenize

# Tables of contents repeat every title, and answer nothing.
LISTING_FACTOR = 0.5


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a passage, each from 0 to 1.

    ``rank``: fused rank score over the best one. ``similarity``: cosine over the best cosine.
    ``words``: BM25 score over the best one. ``coverage``: IDF-weighted share of the question's tokens in
    the passage and its titles; ``heading``: in its titles alone. ``proximity``: share of the question's
    neighbouring pairs that are neighbours in the passage.
    """

    rank: float
    similarity: float
    words: float
    coverage: float
    heading: float
    proximity: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage in its final place."""

    passage: Passage
    score: float
    features: Features


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature counts."""

    rank: float
    similarity: float
    words: float
    coverage: float
    heading: float
    proximity: float

    def score(self, features: Features, passage: Passage) -> float:
        """Weigh a passage's features."""
        total = sum(getattr(self, field.name) * getattr(features, field.name) for field in fields(self))
        return float(total * (LISTING_FACTOR if passage.listing else 1.0))


# Fitted on the tune sets by `python -m bench.qa.tune`, with and without the dense leg.
HYBRID = Weights(rank=1.0, similarity=1.0, words=0.5, coverage=0.5, heading=0.0, proximity=0.2)
LEXICAL = Weights(rank=1.0, similarity=0.0, words=0.5, coverage=0.0, heading=0.0, proximity=0.3)
# Chinese is left in BM25's order: overlapping bigrams hold the proximity already, and no weight did better.
CJK = Weights(rank=1.0, similarity=0.0, words=0.0, coverage=0.0, heading=0.0, proximity=0.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the legs and the registry say about one question's candidates."""

    tokens: Sequence[str]
    weights: TermWeights
    lexical: Mapping[int, float]
    dense: Mapping[int, float]
    script: Script = "latin"


def leg_scores(hits: Sequence[Hit]) -> dict[int, float]:
    """Give each hit's score as a share of the best one's, which frees it from the engine's scale."""
    best = max((hit.score for hit in hits), default=0.0)
    return {hit.key: max(hit.score, 0.0) / best for hit in hits} if best > 0 else {}


def rerank(candidates: Sequence[tuple[Passage, float]], evidence: Evidence) -> list[Ranked]:
    """Order candidates, given with their fused scores, by all that speaks for them."""
    if not candidates:
        return []
    best = max(score for _, score in candidates) or 1.0
    weights = _weights(evidence)
    ranked = []
    for passage, fused in candidates:
        features = _features(passage, fused / best, evidence)
        ranked.append(Ranked(passage, weights.score(features, passage), features))
    return sorted(ranked, key=lambda item: (-item.score, item.passage.key))


def _weights(evidence: Evidence) -> Weights:
    if evidence.dense:
        return HYBRID
    return CJK if evidence.script == "cjk" else LEXICAL


def coverage(question: Sequence[str], tokens: frozenset[str] | set[str], weights: TermWeights) -> float:
    """The IDF-weighted share of the question's tokens that stand in a text, 0 to 1."""
    total = sum(weights.idf(token) for token in question)
    return sum(weights.idf(token) for token in question if token in tokens) / total if total else 0.0


def _features(passage: Passage, rank: float, evidence: Evidence) -> Features:
    context = frozenset(_tokens(context_line(passage.title, passage.heading, passage.header)))
    body = _tokens(passage.text)
    # A passage outside the dense leg's depth is at most as near as the leg's last one.
    farthest = min(evidence.dense.values(), default=0.0)
    return Features(
        rank=rank,
        similarity=evidence.dense.get(passage.key, farthest),
        words=evidence.lexical.get(passage.key, 0.0),
        coverage=coverage(evidence.tokens, context.union(body), evidence.weights),
        heading=coverage(evidence.tokens, context, evidence.weights),
        proximity=_proximity(evidence.tokens, body),
    )


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[str, ...]:
    """Tokenise; the passages that one question finds are found by the next ones too."""
    return tuple(tokenize(text))


def _proximity(question: Sequence[str], body: Sequence[str]) -> float:
    pairs = set(pairwise(question))
    return len(pairs.intersection(pairwise(body))) / len(pairs) if pairs else 0.0
