"""What one question costs, step by step: each step alone, one after the other, with nobody beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.speed.load import Bounds, Load, drive

from glede.qa.engine import DEFAULT_TENANT, Engine
from glede.qa.retrieve.retriever import CANDIDATES
from glede.qa.store.base import Scope
from glede.qa.text.tokens import query_tokens

SCOPE = Scope(DEFAULT_TENANT)
HITS = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One step on an index of ``chunks``."""

    name: str
    chunks: int
    load: Load


async def measure_steps(engine: Engine, chunks: int, questions: Sequence[str], bounds: Bounds) -> list[Step]:
    """Time the encoder, each leg's call to Milvus Lite, and the retriever whole."""
    embedder = engine.embedder
    if embedder is None:
        raise ValueError("the engine has no embedder; open it with embedder minilm")
    vectors = {question: embedder.embed([question])[0].tolist() for question in questions}

    def words(question: str) -> None:
        engine.store.search_lexical([" ".join(query_tokens(question))], SCOPE, CANDIDATES)

    async def whole(question: str) -> None:
        await engine.retriever.retrieve(question, SCOPE, HITS)

    parts: dict[str, Callable[[str], object]] = {
        "MiniLM embeds the question": lambda question: embedder.embed([question]),
        "Milvus Lite, lexical leg": words,
        "Milvus Lite, dense leg": lambda question: engine.store.search_dense(
            [vectors[question]], SCOPE, CANDIDATES
        ),
    }
    steps = []
    for name, part in parts.items():

        async def ask(question: str, part: Callable[[str], object] = part) -> None:
            part(question)

        steps.append(Step(name, chunks, await drive(ask, questions, 1, bounds, time.process_time)))
    load = await drive(whole, questions, 1, bounds, time.process_time)
    return [*steps, Step("the whole retrieval, legs side by side", chunks, load)]
