"""Glede under test: its own chunker, registry, embedded Milvus and retriever, fed with a set's sections.

A set becomes one document whose pages are the sections, so a passage's page number names its section;
parsing files is left out, since every system gets the same text. All settings share one index. A setting's
indexing time is what it added: lexical rows for the first, vectors for the first dense one. Vectors are
kept on disk by content, so only a first run shows the embedder's pace.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.qa.baselines import unique
from bench.qa.datasets.model import Section

from glede.api.documentqa import MilvusTarget
from glede.qa.chunk import chunk_page
from glede.qa.embed.base import Embedder, Vectors
from glede.qa.embed.minilm import find_model, open_minilm
from glede.qa.ingest.steps import EmbedStep, lexical_rows
from glede.qa.parse import Block, BlockKind, DocumentInfo, Page, PageKind
from glede.qa.registry.database import Database, open_sqlite
from glede.qa.registry.documents import Documents, Upload
from glede.qa.registry.jobs import ChunkRow, ChunkText, Jobs
from glede.qa.registry.schema import State, first_key
from glede.qa.registry.terms import count_terms
from glede.qa.retrieve.retriever import Mode, Retriever
from glede.qa.store.base import Scope, Store
from glede.qa.store.open import open_store
from glede.qa.text.script import Script

TENANT = "bench"
PASSAGES_A_SECTION = 3
"""Passages asked for to be sure of enough different sections."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A retrieval mode, with or without the embedder."""

    name: str
    mode: Mode
    embeds: bool


SETTINGS = (
    Setting("glede lexical", "lexical", embeds=False),
    Setting("glede lexical+rerank", "hybrid+rerank", embeds=False),
    Setting("glede dense", "dense", embeds=True),
    Setting("glede hybrid", "hybrid", embeds=True),
    Setting("glede hybrid+rerank", "hybrid+rerank", embeds=True),
)


class CachedEmbedder:
    """An embedder that keeps each text's vector in a file of the cache folder."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.scripts: frozenset[Script] = embedder.scripts
        folder = cache / "vectors"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{hashlib.sha256(embedder.name.encode()).hexdigest()[:16]}.sqlite"
        with self._open() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB NOT NULL)"
            )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, shape (texts, dimension)."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        with self._open() as connection:
            known = {key: self._find(connection, key) for key in keys}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if known[key] is None}
        if missing:
            made = self._embedder.embed(list(missing.values()))
            rows = [(key, vector.tobytes()) for key, vector in zip(missing, made, strict=True)]
            with self._open() as connection:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            known |= dict(rows)
        return np.stack([np.frombuffer(known[key] or b"", dtype=np.float32) for key in keys])

    def close(self) -> None:
        """Close the embedder behind it."""
        self._embedder.close()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection a call, for calls come from several threads.
        connection = sqlite3.connect(self._file, timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    @staticmethod
    def _find(connection: sqlite3.Connection, key: str) -> bytes | None:
        row = connection.execute("SELECT vector FROM vectors WHERE text = ?", (key,)).fetchone()
        return bytes(row[0]) if row else None


class GledeIndex:
    """One set's index in a temporary folder, shared by the modes and filled as they need it."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._ids: list[str] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._database: Database | None = None
        self._store: Store | None = None
        self._jobs: Jobs | None = None
        self._embedded = False

    @property
    def folder(self) -> Path | None:
        """Where the index is kept until `close`; none before `fill`."""
        return Path(self._folder.name) if self._folder else None

    def fill(self, sections: Sequence[Section], *, dense: bool) -> None:
        """Write the lexical rows if that is not done yet, and the vectors if `dense`."""
        if self._database is None:
            self._open()
            self._write_lexical(sections)
        if dense and not self._embedded and self._embedder:
            _, store, jobs = self._parts()
            job = jobs.claim(State.EMBEDDING)
            assert job is not None  # noqa: S101 (the lexical step has just put it there)
            EmbedStep(jobs, store, self._embedder, lambda: False).run(job)
            self._embedded = True

    def search(self, questions: Sequence[str], limit: int, setting: Setting) -> list[list[str]]:
        """Section ids for each question, all asked at once as concurrent users would."""
        return asyncio.run(self._search(questions, limit, setting))

    def parts(self) -> tuple[Database, Store, list[str]]:
        """The registry, the index, and the section ids in the order of their pages."""
        database, store, _ = self._parts()
        return database, store, self._ids

    def close(self) -> None:
        """Remove the index; it may be called more than once."""
        if self._store:
            self._store.close()
        if self._database:
            self._database.close()
        if self._folder:
            self._folder.cleanup()
        self._store = self._database = self._folder = None

    async def _search(self, questions: Sequence[str], limit: int, setting: Setting) -> list[list[str]]:
        database, store, _ = self._parts()
        retriever = Retriever(database, store, self._embedder if setting.embeds else None)
        try:
            found = await asyncio.gather(
                *(
                    retriever.retrieve(question, Scope(TENANT), limit * PASSAGES_A_SECTION, setting.mode)
                    for question in questions
                )
            )
        finally:
            retriever.close()
        return [
            unique((self._ids[ranked.passage.page - 1] for ranked in retrieval.ranked), limit)
            for retrieval in found
        ]

    def _open(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="glede-bench-")
        folder = Path(self._folder.name)
        self._database = open_sqlite(folder / "registry.sqlite")
        self._jobs = Jobs(self._database, "bench")
        dimension = self._embedder.dimension if self._embedder else None
        self._store = open_store(MilvusTarget(), folder, dimension, lambda _leg, _tenant: 0)

    def _write_lexical(self, sections: Sequence[Section]) -> None:
        database, store, jobs = self._parts()
        self._ids = [section.id for section in sections]
        Documents(database, queue_limit=1).add(TENANT, Upload("set", "0" * 64, 0, [], None))
        job = jobs.claim(State.QUEUED)
        assert job is not None  # noqa: S101 (it was added in the line above)
        pages = [_page(number, section) for number, section in enumerate(sections, start=1)]
        chunks = _chunks(job.version, pages)
        jobs.begin_parse(job.version)
        jobs.describe(job.version, DocumentInfo("", PageKind.SECTION, len(pages)))
        jobs.add_pages(job.version, pages, [chunk.row for chunk in chunks])
        rows = lexical_rows(TENANT, (), "", chunks)
        counts: Counter[str] = count_terms(row.tokens.split() for row in rows)
        store.write("lexical", rows)
        scripts = self._embedder.scripts if self._embedder else frozenset()
        jobs.finish_parse(job, dict(counts), sum(chunk.row.script in scripts for chunk in chunks))

    def _parts(self) -> tuple[Database, Store, Jobs]:
        if self._database is None or self._store is None or self._jobs is None:
            raise RuntimeError("the index is empty: call index() before search()")
        return self._database, self._store, self._jobs


class GledeSystem:
    """Glede in one setting, over an index that it shares with the other settings."""

    def __init__(self, setting: Setting, index: GledeIndex) -> None:
        self.name = setting.name
        self._setting = setting
        self._index = index

    def index(self, sections: Sequence[Section]) -> None:
        """Fill the shared index as far as this setting needs."""
        self._index.fill(sections, dense=self._setting.embeds)

    def search(self, questions: Sequence[str], limit: int) -> list[list[str]]:
        """A section's rank is that of its best passage."""
        return self._index.search(questions, limit, self._setting)

    def close(self) -> None:
        """Remove the shared index."""
        self._index.close()


def glede_systems(embedder: Embedder | None) -> list[GledeSystem]:
    """Glede's settings over a new, empty index; without an embedder those that need none."""
    index = GledeIndex(embedder)
    return [GledeSystem(setting, index) for setting in SETTINGS if embedder or not setting.embeds]


def open_bench_embedder(cache: Path) -> Embedder | None:
    """MiniLM with its vectors kept in the cache folder, or none where its weights are not installed."""
    return CachedEmbedder(open_minilm(), cache) if find_model() else None


def _page(number: int, section: Section) -> Page:
    heading = tuple(section.title.split(" > ")) if section.title else ()
    blocks = []
    start = 0
    for line in section.text.split("\n"):
        if line.strip():
            blocks.append(Block(BlockKind.TEXT, start, start + len(line), heading))
        start += len(line) + 1
    return Page(number, section.text, tuple(blocks))


def _chunks(version: int, pages: Sequence[Page]) -> list[ChunkText]:
    cut = [(page, chunk) for page in pages for chunk in chunk_page(page)]
    return [
        ChunkText(
            ChunkRow(
                key=first_key(version) + ordinal,
                page=chunk.page,
                start=chunk.start,
                end=chunk.end,
                heading=chunk.heading,
                header=chunk.header,
                script=chunk.script,
                listing=chunk.listing,
            ),
            page.text[chunk.start : chunk.end],
        )
        for ordinal, (page, chunk) in enumerate(cut)
    ]
