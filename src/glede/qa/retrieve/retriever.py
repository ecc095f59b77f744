"""The retriever: question in, ranked passages out, with the time each stage took."""

import asyncio
import time
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from glede.qa.embed.base import Embedder
from glede.qa.registry.counts import RowCounts
from glede.qa.registry.database import Database
from glede.qa.registry.terms import TermWeights, term_weights
from glede.qa.retrieve.coalesce import Coalescer
from glede.qa.retrieve.fuse import fuse
from glede.qa.retrieve.passages import Passage, load_passages
from glede.qa.retrieve.rerank import Evidence, Ranked, leg_scores, rerank
from glede.qa.store.base import Hit, Scope, Store
from glede.qa.text.script import question_script
from glede.qa.text.tokens import query_tokens

Mode = Literal["lexical", "dense", "hybrid", "hybrid+rerank"]

Group = TypeVar("Group", bound=Hashable)
Item = TypeVar("Item")
Found = TypeVar("Found")

CANDIDATES = 50  # a leg's depth
RERANKED = 30
LEAST_EMBEDDED = 0.2
LARGEST_BATCH = 32
MAX_QUERY_TOKENS = 64
MOST_SEARCHES = 3  # of one question, while documents are replaced under it


@dataclass(slots=True)
class Retrieval:
    """What a question found. ``timings`` are milliseconds by stage; ``similarity`` the best cosine."""

    question: str
    tokens: list[str]
    ranked: list[Ranked]
    weights: TermWeights
    similarity: float | None = None
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    tokens: list[str]
    scope: Scope
    limit: int
    mode: Mode
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Ranking:
    ranked: list[Ranked]
    weights: TermWeights
    outdated: bool


class Retriever:
    """Finds passages for questions; concurrent ones share calls. Belongs to one event loop.

    ``largest_batch``: how many questions share a call at most; with 1 none do.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        embedder: Embedder | None,
        *,
        largest_batch: int = LARGEST_BATCH,
    ) -> None:
        self._database = database
        self._store = store
        self._embedder = embedder
        self._counts = RowCounts(database)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="glede-rank")
        self._embed = Coalescer("glede-question", self._embed_all, largest_batch)
        self._lexical = Coalescer("glede-lexical", self._lexical_all, largest_batch)
        self._dense = Coalescer("glede-dense", self._dense_all, largest_batch)

    async def retrieve(
        self, question: str, scope: Scope, limit: int, mode: Mode = "hybrid+rerank"
    ) -> Retrieval:
        """Find the best ``limit`` passages. Raises StoreError, EmbedderError, RegistryError."""
        timings: dict[str, float] = {}
        tokens = query_tokens(question)[:MAX_QUERY_TOKENS]
        asked = _Question(question, tokens, scope, limit, mode, timings)
        loop = asyncio.get_running_loop()
        for _ in range(MOST_SEARCHES):
            lexical, dense = await asyncio.gather(
                self._lexical_leg(tokens, scope, mode, timings),
                self._dense_leg(question, scope, mode, timings),
            )
            ranking = await loop.run_in_executor(self._threads, self._rank, asked, lexical, dense)
            if not ranking.outdated:
                break
        similarity = dense[0].score if dense else None
        return Retrieval(question, tokens, ranking.ranked, ranking.weights, similarity, timings)

    def close(self) -> None:
        """End the threads."""
        for coalescer in (self._embed, self._lexical, self._dense):
            coalescer.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _lexical_leg(
        self, tokens: list[str], scope: Scope, mode: Mode, timings: dict[str, float]
    ) -> list[Hit]:
        if mode == "dense" or not tokens:
            return []
        return await _shared(self._lexical, scope, " ".join(tokens), "lexical", timings)

    async def _dense_leg(
        self, question: str, scope: Scope, mode: Mode, timings: dict[str, float]
    ) -> list[Hit]:
        # A model that does not know a script ranks its text by accident and would drag fusion down.
        if mode == "lexical" or not self._embedder or question_script(question) not in self._embedder.scripts:
            return []
        # Where few chunks have a vector, the nearest of them are near to nothing.
        loop = asyncio.get_running_loop()
        share = await loop.run_in_executor(self._threads, self._counts.embedded_share, scope.tenant)
        if share < LEAST_EMBEDDED:
            return []
        vector = await _shared(self._embed, None, question, "embed", timings)
        return await _shared(self._dense, scope, vector, "dense", timings)

    def _rank(self, asked: _Question, lexical: list[Hit], dense: list[Hit]) -> _Ranking:
        with _timed(asked.timings, "fuse"):
            fused = fuse([lexical, dense])
            found, outdated = self._visible(fused, asked)
            with self._database.read() as connection:
                weights = term_weights(connection, asked.scope.tenant, asked.tokens)
        evidence = Evidence(
            asked.tokens, weights, leg_scores(lexical), leg_scores(dense), question_script(asked.text)
        )
        with _timed(asked.timings, "rerank"):
            ranked = rerank(found, evidence)
        if asked.mode != "hybrid+rerank":
            order = {passage.key: place for place, (passage, _) in enumerate(found)}
            ranked.sort(key=lambda item: order[item.passage.key])
        return _Ranking(ranked[: asked.limit], weights, outdated)

    def _visible(self, fused: list[Hit], asked: _Question) -> tuple[list[tuple[Passage, float]], bool]:
        """Read as many of the best passages as the rerank looks at, and whether the search is out of date."""
        depth = max(RERANKED, asked.limit) if asked.mode == "hybrid+rerank" else asked.limit
        found: list[tuple[Passage, float]] = []
        outdated = False
        for begin in range(0, len(fused), depth):
            batch = fused[begin : begin + depth]
            passages, old = load_passages(self._database, asked.scope, [hit.key for hit in batch])
            found += [(passages[hit.key], hit.score) for hit in batch if hit.key in passages]
            outdated |= old
            if len(found) >= depth:
                break
        return found[:depth], outdated

    def _embed_all(self, _group: None, questions: Sequence[str]) -> list[list[float]]:
        assert self._embedder is not None  # noqa: S101 - _dense_leg asks only with an embedder
        return [vector.tolist() for vector in self._embedder.embed(questions)]

    def _lexical_all(self, scope: Scope, queries: Sequence[str]) -> list[list[Hit]]:
        return self._store.search_lexical(queries, scope, CANDIDATES)

    def _dense_all(self, scope: Scope, vectors: Sequence[Sequence[float]]) -> list[list[Hit]]:
        return self._store.search_dense(vectors, scope, CANDIDATES)


async def _shared(
    coalescer: Coalescer[Group, Item, Found], group: Group, item: Item, stage: str, timings: dict[str, float]
) -> Found:
    """Submit to a coalescer; its own time goes to the stage, the wait before it to ``queue``."""
    before = 0.0

    def waited(seconds: float) -> None:
        nonlocal before
        before = seconds * 1000

    begin = time.perf_counter()
    found = await coalescer.submit(group, item, waited)
    timings["queue"] = timings.get("queue", 0.0) + before
    timings[stage] = timings.get(stage, 0.0) + (time.perf_counter() - begin) * 1000 - before
    return found


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = timings.get(stage, 0.0) + (time.perf_counter() - begin) * 1000
