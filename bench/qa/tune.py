"""Fits the rerank's weights on the tune sets: `python -m bench.qa.tune`, from the repository's root.

Prints the weights to be written into glede.qa.retrieve.rerank. The report sets are never looked at.
The search is a seeded coordinate ascent on the mean nDCG@10 over the sets, on features collected once.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bench.qa.baselines import unique
from bench.qa.datasets import SETS, Corpus, cache_folder, load
from bench.qa.metrics import ndcg
from bench.qa.systems import TENANT, GledeIndex, open_bench_embedder

from glede.qa.embed.base import Embedder
from glede.qa.retrieve.rerank import HYBRID, LEXICAL, Ranked, Weights
from glede.qa.retrieve.retriever import RERANKED, Retriever
from glede.qa.store.base import Scope

STEPS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's candidates, with the sections they belong to and those that answer it."""

    ranked: list[Ranked]
    sections: list[str]
    relevant: frozenset[str]


def collect(corpus: Corpus, embedder: Embedder | None) -> list[Asked]:
    """Ask all questions of a set once and keep the candidates' features."""
    index = GledeIndex(embedder)
    try:
        index.fill(corpus.sections, dense=embedder is not None)
        return asyncio.run(_ask(corpus, index, embedder))
    finally:
        index.close()


def quality(asked: Iterable[Asked], weights: Weights) -> float:
    """Mean nDCG@10 of a set's questions under these weights."""
    scores = []
    for question in asked:
        order = sorted(
            range(len(question.ranked)),
            key=lambda place: -weights.score(question.ranked[place].features, question.ranked[place].passage),
        )
        scores.append(ndcg(unique((question.sections[place] for place in order), 10), question.relevant))
    return sum(scores) / len(scores)


def fit(sets: Sequence[list[Asked]], start: Weights, frozen: frozenset[str]) -> tuple[Weights, float]:
    """Coordinate ascent from `start` over STEPS; `frozen` weights stay."""

    def mean(weights: Weights) -> float:
        return sum(quality(asked, weights) for asked in sets) / len(sets)

    best, score = start, mean(start)
    names = [field.name for field in fields(Weights) if field.name not in frozen]
    order = random.Random(7)
    for _ in range(ROUNDS):
        order.shuffle(names)
        for name in names:
            tried = [(mean(replace(best, **{name: step})), step) for step in STEPS]
            top, step = max(tried, key=lambda item: (round(item[0], 4), -item[1]))
            if top > score + 1e-4:
                best, score = replace(best, **{name: step}), top
    return best, score


async def _ask(corpus: Corpus, index: GledeIndex, embedder: Embedder | None) -> list[Asked]:
    database, store, ids = index.parts()
    retriever = Retriever(database, store, embedder)
    try:
        found = await asyncio.gather(
            *(retriever.retrieve(question.text, Scope(TENANT), RERANKED) for question in corpus.questions)
        )
    finally:
        retriever.close()
    return [
        Asked(
            retrieval.ranked,
            [ids[ranked.passage.page - 1] for ranked in retrieval.ranked],
            frozenset(question.relevant),
        )
        for retrieval, question in zip(found, corpus.questions, strict=True)
    ]


def main() -> None:
    """Fit both profiles and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=cache_folder())
    cache = parser.parse_args().cache
    embedder = open_bench_embedder(cache)
    corpora = [load(name, cache) for name in SETS if name.startswith("tune")]
    english = [collect(corpus, embedder) for corpus in corpora if corpus.language == "en"]
    words = [collect(corpus, None) for corpus in corpora]
    for name, sets, start, frozen in (
        ("HYBRID", english, HYBRID, frozenset({"rank"})),
        ("LEXICAL", words, LEXICAL, frozenset({"rank", "similarity"})),
    ):
        before = [round(quality(asked, start), 3) for asked in sets]
        weights, score = fit(sets, start, frozen)
        after = [round(quality(asked, weights), 3) for asked in sets]
        print(f"{name} = {weights}\n  mean nDCG@10 {score:.3f}; by set {before} -> {after}")


if __name__ == "__main__":
    main()
