"""The two steps of ingest: a file to lexical rows, and chunks to vectors."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from glede.qa.chunk import chunk_page
from glede.qa.embed.base import Embedder
from glede.qa.parse import Page, ParseError, ParseLimits, open_document
from glede.qa.registry.jobs import ChunkRow, ChunkText, Job, Jobs
from glede.qa.registry.schema import CHUNKS_PER_VERSION, first_key
from glede.qa.registry.terms import count_terms
from glede.qa.store.base import Row, Store
from glede.qa.text.index import embedding_text, index_tokens

# What is held in memory and written at one time.
PAGES_A_WRITE = 16
CHUNKS_A_WRITE = 64
CHUNKS_A_BATCH = 16

Stopped = Callable[[], bool]


class StoppedError(Exception):
    """The service is stopping; the job goes on at the next start."""


class ParseStep:
    """Parses one upload and writes its pages, chunks and lexical rows as they come."""

    def __init__(self, jobs: Jobs, store: Store, limits: ParseLimits, stopped: Stopped) -> None:
        self._jobs = jobs
        self._store = store
        self._limits = limits
        self._stopped = stopped

    def run(self, job: Job, scripts: frozenset[str]) -> None:
        """Raises ParseError, StoppedError, LeaseLostError, StoreError, RegistryError."""
        self._jobs.begin_parse(job.version)
        self._store.remove(first_key(job.version), first_key(job.version + 1))
        counts: Counter[str] = Counter()
        to_embed = 0
        with self._file(job) as path, open_document(path, job.name, self._limits) as document:
            self._jobs.describe(job.version, document.info)
            ordinal = 0
            for pages in _gathered(document.pages()):
                if self._stopped():
                    raise StoppedError
                texts = _chunk_texts(job.version, ordinal, pages)
                ordinal += len(texts)
                self._write(job, pages, texts, document.info.title, counts)
                to_embed += sum(chunk.row.script in scripts for chunk in texts)
        if not ordinal:
            raise ParseError("no_text", f"{job.name}: no text found; upload a file with text in it")
        self._jobs.finish_parse(job, dict(counts), to_embed)

    def _write(
        self, job: Job, pages: list[Page], texts: list[ChunkText], title: str, counts: Counter[str]
    ) -> None:
        self._jobs.add_pages(job.version, pages, [chunk.row for chunk in texts])
        rows = lexical_rows(job.tenant, job.tags, title, texts)
        counts.update(count_terms(row.tokens.split() for row in rows))
        for begin in range(0, len(rows), CHUNKS_A_WRITE):
            self._store.write("lexical", rows[begin : begin + CHUNKS_A_WRITE])

    def _file(self, job: Job) -> "_Spool":
        return _Spool(self._jobs.content(job.version), Path(job.name).suffix)


class EmbedStep:
    """Gives each chunk that the embedder understands its vector."""

    def __init__(self, jobs: Jobs, store: Store, embedder: Embedder | None, stopped: Stopped) -> None:
        self._jobs = jobs
        self._store = store
        self._embedder = embedder
        self._stopped = stopped

    def run(self, job: Job) -> None:
        """Raises EmbedderError, StoppedError, LeaseLostError, StoreError, RegistryError."""
        after, done = first_key(job.version) - 1, 0
        while self._embedder:
            batch = self._jobs.chunk_texts(job.version, after, CHUNKS_A_BATCH)
            if not batch:
                break
            if self._stopped():
                raise StoppedError
            after = batch[-1].row.key
            wanted = [chunk for chunk in batch if chunk.row.script in self._embedder.scripts]
            if wanted:
                self._store.write(
                    "dense", dense_rows(self._embedder, job.tenant, job.tags, job.title, wanted)
                )
                done += len(wanted)
                self._jobs.embedded(job.version, done)
        self._jobs.finish(job)


def lexical_rows(tenant: str, tags: tuple[str, ...], title: str, texts: Iterable[ChunkText]) -> list[Row]:
    """Give the lexical index rows of chunks."""
    return [
        Row(
            chunk.row.key,
            tenant,
            tags,
            tokens=" ".join(index_tokens(title, chunk.row.heading, chunk.row.header, chunk.text)),
        )
        for chunk in texts
    ]


def dense_rows(
    embedder: Embedder, tenant: str, tags: tuple[str, ...], title: str, texts: list[ChunkText]
) -> list[Row]:
    """Give the dense index rows of chunks. Raises EmbedderError."""
    vectors = embedder.embed(
        [embedding_text(title, chunk.row.heading, chunk.row.header, chunk.text) for chunk in texts]
    )
    return [
        Row(chunk.row.key, tenant, tags, vector=vector.tolist())
        for chunk, vector in zip(texts, vectors, strict=True)
    ]


def _chunk_texts(version: int, ordinal: int, pages: list[Page]) -> list[ChunkText]:
    texts = []
    for page in pages:
        for chunk in chunk_page(page):
            if ordinal >= CHUNKS_PER_VERSION:
                raise ParseError("too_many_chunks", f"more than {CHUNKS_PER_VERSION} chunks; split the file")
            row = ChunkRow(
                key=first_key(version) + ordinal,
                page=chunk.page,
                start=chunk.start,
                end=chunk.end,
                heading=chunk.heading,
                header=chunk.header,
                script=chunk.script,
                listing=chunk.listing,
            )
            texts.append(ChunkText(row, page.text[chunk.start : chunk.end]))
            ordinal += 1
    return texts


def _gathered(pages: Iterator[Page]) -> Iterator[list[Page]]:
    """Group pages for writing; the first goes alone, so that it is searchable at once."""
    group: list[Page] = []
    limit = 1
    for page in pages:
        group.append(page)
        if len(group) >= limit or sum(len(kept.text) for kept in group) > 100_000:
            yield group
            group, limit = [], PAGES_A_WRITE
    if group:
        yield group


class _Spool:
    """An upload's bytes as a private file, for the parser's process; removed afterwards."""

    def __init__(self, blocks: Iterable[bytes], suffix: str) -> None:
        self._blocks = blocks
        self._file = tempfile.NamedTemporaryFile(prefix="glede-", suffix=suffix[:16])  # noqa: SIM115

    def __enter__(self) -> Path:
        for block in self._blocks:
            self._file.write(block)
        self._file.flush()
        return Path(self._file.name)

    def __exit__(self, *_: object) -> None:
        self._file.close()
