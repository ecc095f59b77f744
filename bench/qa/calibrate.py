"""Fits the confidence of an answer on the tune sets: `python -m bench.qa.calibrate`.

Every second question loses the sections that answer it, so it is unanswerable over a corpus that is near
its topic; questions of the language's other tune sets are asked too, as unanswerable ones from farther
off. The constant is then moved so that most answerable questions are answered: a wrong answer shows by
its citation, a refusal helps nobody. Prints the models to be written into glede.qa.answer.confidence,
with their AUROC on the tune sets; the report sets and the handbook are never looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bench.qa.datasets import SETS, Corpus, cache_folder, load
from bench.qa.metrics import auroc
from bench.qa.systems import TENANT, GledeIndex, open_bench_embedder
from numpy.typing import NDArray

from glede.qa.answer.confidence import Model, Signals, signals
from glede.qa.embed.base import Embedder
from glede.qa.retrieve.retriever import Retriever
from glede.qa.store.base import Scope

ANSWERED = 0.85
"""The share of the tune sets' answerable questions to be answered."""
NOT_ASKED = ("titles", "pdf")
"""Sets whose questions are headings: nobody asks so, and their words all stand in the answer."""
RIDGE = 1e-2
STEPS = 50


@dataclass(frozen=True, slots=True)
class Case:
    """One question's signals, and whether its answer was in the index."""

    signals: Signals
    answerable: bool


def collect(corpora: Sequence[Corpus], embedder: Embedder | None) -> list[Case]:
    """Ask each set its own questions and the others'."""
    cases = []
    for corpus in (corpus for corpus in corpora if not corpus.name.startswith(NOT_ASKED)):
        foreign = [q.text for other in corpora if other is not corpus for q in other.questions[::4]]
        cases += _collect(corpus, foreign, embedder)
    return cases


def _collect(corpus: Corpus, foreign: Sequence[str], embedder: Embedder | None) -> list[Case]:
    removed = {section for question in corpus.questions[1::2] for section in question.relevant}
    removed -= {section for question in corpus.questions[::2] for section in question.relevant}
    index = GledeIndex(embedder)
    try:
        left = [section for section in corpus.sections if section.id not in removed]
        index.fill(left, dense=embedder is not None)
        return asyncio.run(_ask(corpus, foreign, index, embedder, removed))
    finally:
        index.close()


def fit(cases: Sequence[Case], *, similarity: bool) -> Model:
    """Logistic regression by Newton's method, with both classes weighing the same."""
    rows = [[1.0, case.signals.words, case.signals.similarity if similarity else 0.0] for case in cases]
    features: NDArray[np.float64] = np.asarray(rows)
    labels = np.asarray([float(case.answerable) for case in cases])
    share = labels.mean()
    weight = np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
    theta = np.zeros(3)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-features @ theta))
        gradient = features.T @ (weight * (labels - chance)) - RIDGE * theta
        curve = (features * (weight * chance * (1 - chance))[:, None]).T @ features + RIDGE * np.eye(3)
        theta = theta + np.linalg.solve(curve, gradient)
    return Model(*(round(float(value), 2) for value in theta))


async def _ask(
    corpus: Corpus, foreign: Sequence[str], index: GledeIndex, embedder: Embedder | None, removed: set[str]
) -> list[Case]:
    database, store, _ = index.parts()
    retriever = Retriever(database, store, embedder)
    try:
        found = await asyncio.gather(
            *(
                retriever.retrieve(text, Scope(TENANT), 8)
                for text in (*(question.text for question in corpus.questions), *foreign)
            )
        )
    finally:
        retriever.close()
    answerable = [not set(question.relevant) <= removed for question in corpus.questions]
    answerable += [False] * len(foreign)
    return [Case(signals(retrieval), yes) for retrieval, yes in zip(found, answerable, strict=True)]


def _shifted(model: Model, cases: Sequence[Case]) -> Model:
    """Move the constant so that ANSWERED of the answerable questions reach one half."""
    chances = [model.probability(case.signals) for case in cases if case.answerable]
    cut = float(np.quantile(chances, 1 - ANSWERED))
    return replace(model, constant=round(model.constant - math.log(cut / (1 - cut)), 2))


def _report(name: str, cases: list[Case], *, similarity: bool) -> None:
    model = _shifted(fit(cases, similarity=similarity), cases)
    yes = [model.probability(case.signals) for case in cases if case.answerable]
    no = [model.probability(case.signals) for case in cases if not case.answerable]
    kept, refused = float(np.mean(np.array(yes) >= 0.5)), float(np.mean(np.array(no) < 0.5))
    print(
        f"{name} = {model}\n  {len(cases)} questions, AUROC {auroc(yes, no):.3f}, answered {kept:.2f} of the "
        f"answerable, abstained on {refused:.2f} of the others"
    )


def main() -> None:
    """Fit the three models and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=cache_folder())
    cache = parser.parse_args().cache
    embedder = open_bench_embedder(cache)
    corpora = [load(name, cache) for name in SETS if name.startswith("tune")]
    english = [corpus for corpus in corpora if corpus.language == "en"]
    chinese = [corpus for corpus in corpora if corpus.language == "zh"]
    if embedder:
        _report("LATIN", collect(english, embedder), similarity=True)
    _report("LATIN_WORDS", collect(english, None), similarity=False)
    _report("CJK", collect(chinese, None), similarity=False)


if __name__ == "__main__":
    main()
