"""The ingest queue: versions are claimed under a lease, worked on in steps, and finished or failed.

Every step checks that the lease still holds, in the same transaction as its writes: a document that
was deleted or replaced meanwhile, or taken over by another worker, raises LeaseLostError and the
worker lets go.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from glede.qa.parse.model import DocumentInfo, Page
from glede.qa.registry.cleanup import clear_content
from glede.qa.registry.database import Database
from glede.qa.registry.documents import retire
from glede.qa.registry.schema import State, chunks, documents, pages, parts, versions
from glede.qa.registry.terms import change_terms
from glede.qa.text.script import Script

LEASE_SECONDS = 120.0


class LeaseLostError(Exception):
    """The version is no longer this worker's to work on."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed version."""

    version: int
    document: str
    tenant: str
    name: str
    tags: tuple[str, ...]
    title: str
    attempts: int


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as a span of a page; ``listing`` marks tables of contents and indexes."""

    key: int
    page: int
    start: int
    end: int
    heading: tuple[str, ...]
    header: str
    script: Script
    listing: bool


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunk with its text, for embedding and for rebuilding the index."""

    row: ChunkRow
    text: str


class Jobs:
    """The queue as one worker sees it."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._last_tenant = ""

    def claim(self, state: State) -> Job | None:
        """Take the oldest waiting version in ``state`` of the next tenant in turn, or none."""
        now = time.time()
        # A worker that died while parsing left its version in that state.
        states = [State.QUEUED, State.PARSING] if state is State.QUEUED else [state]
        waiting = [versions.c.state.in_(states), versions.c.not_before <= now, versions.c.lease_until <= now]
        with self._database.write() as connection:
            tenants = sorted(
                connection.execute(sa.select(versions.c.tenant).where(*waiting).distinct()).scalars()
            )
            if not tenants:
                return None
            tenant = next((name for name in tenants if name > self._last_tenant), tenants[0])
            self._last_tenant = tenant
            query = sa.select(versions.c.id).where(*waiting, versions.c.tenant == tenant)
            found = connection.execute(query.order_by(versions.c.id).limit(1)).scalar_one()
            connection.execute(
                versions.update()
                .where(versions.c.id == found)
                .values(lease_owner=self._owner, lease_until=now + LEASE_SECONDS)
            )
            return _job(connection, found)

    def release_all(self) -> None:
        """Forget all leases: for a start on a data folder that only this process holds."""
        with self._database.write() as connection:
            connection.execute(versions.update().values(lease_until=0.0))
            connection.execute(
                versions.update().where(versions.c.state == State.PARSING).values(state=State.QUEUED)
            )

    def content(self, version: int) -> Iterator[bytes]:
        """Read an upload's bytes, part by part."""
        ordinal = 0
        while True:
            query = sa.select(parts.c.data).where(parts.c.version == version, parts.c.ordinal == ordinal)
            with self._database.read() as connection:
                data = connection.execute(query).scalar_one_or_none()
            if data is None:
                return
            yield data
            ordinal += 1

    def begin_parse(self, version: int) -> None:
        """Start afresh: what an earlier, interrupted try left is removed."""
        with self._database.write() as connection:
            clear_content(connection, version)
            self._step(connection, version, state=State.PARSING)

    def describe(self, version: int, info: DocumentInfo) -> None:
        """Record what the parser knows before the first page; first versions become visible."""
        with self._database.write() as connection:
            self._step(
                connection,
                version,
                title=info.title,
                page_kind=info.page_kind.value,
                page_total=info.pages,
            )
            connection.execute(
                documents.update()
                .where(documents.c.newest == version, documents.c.live.is_(None))
                .values(live=version)
            )

    def add_pages(self, version: int, new: Sequence[Page], rows: Sequence[ChunkRow]) -> None:
        """Record pages and their chunks."""
        with self._database.write() as connection:
            self._step(
                connection,
                version,
                pages=versions.c.pages + len(new),
                chunks=versions.c.chunks + len(rows),
            )
            if new:
                connection.execute(
                    pages.insert(),
                    [{"version": version, "number": p.number, "label": p.label, "text": p.text} for p in new],
                )
            if rows:
                connection.execute(chunks.insert(), [_chunk_values(version, row) for row in rows])

    def finish_parse(self, job: Job, counts: dict[str, int], to_embed: int) -> None:
        """Hand a parsed version on to embedding; its terms count from now on."""
        with self._database.write() as connection:
            self._step(
                connection,
                job.version,
                state=State.EMBEDDING,
                to_embed=to_embed,
                counted=True,
                lease_until=0.0,
            )
            change_terms(connection, job.tenant, counts, 1)

    def embedded(self, version: int, total: int) -> None:
        """Record how many chunks have their vector, and keep the lease."""
        with self._database.write() as connection:
            self._step(connection, version, embedded=total)

    def finish(self, job: Job) -> None:
        """Make a version ready and the one that questions see; older ones are retired."""
        with self._database.write() as connection:
            self._step(
                connection, job.version, state=State.READY, lease_until=0.0, error=None, error_code=None
            )
            connection.execute(
                documents.update().where(documents.c.newest == job.version).values(live=job.version)
            )
            retire(connection, job.document, keep=[job.version, *_newer(connection, job)])

    def retry_later(self, version: int, state: State, delay: float, reason: str) -> None:
        """Put a version back, to be tried again after ``delay`` seconds."""
        with self._database.write() as connection:
            self._step(
                connection,
                version,
                state=state,
                attempts=versions.c.attempts + 1,
                not_before=time.time() + delay,
                lease_until=0.0,
                error=reason,
            )

    def fail(self, job: Job, code: str, message: str) -> None:
        """End a version for good: its pages, chunks and terms go, its error stays."""
        with self._database.write() as connection:
            self._step(
                connection, job.version, state=State.FAILED, lease_until=0.0, error_code=code, error=message
            )
            connection.execute(documents.update().where(documents.c.live == job.version).values(live=None))
            clear_content(connection, job.version)

    def let_go(self, version: int) -> None:
        """Give back a lease, whatever became of the version."""
        with self._database.write() as connection:
            connection.execute(
                versions.update()
                .where(versions.c.id == version, versions.c.lease_owner == self._owner)
                .values(lease_until=0.0)
            )

    def chunk_texts(self, version: int, after: int, limit: int) -> list[ChunkText]:
        """Read chunks with their texts, in order, behind the key ``after``."""
        query = (
            sa.select(chunks, pages.c.text)
            .join(pages, sa.and_(pages.c.version == chunks.c.version, pages.c.number == chunks.c.page))
            .where(chunks.c.version == version, chunks.c.key > after)
            .order_by(chunks.c.key)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_chunk_text(row) for row in connection.execute(query)]

    def _step(self, connection: Connection, version: int, **values: Any) -> None:
        values.setdefault("lease_until", time.time() + LEASE_SECONDS)
        held = connection.execute(
            versions.update()
            .where(
                versions.c.id == version,
                versions.c.lease_owner == self._owner,
                versions.c.state != State.RETIRED,
            )
            .values(**values)
        )
        if held.rowcount != 1:
            raise LeaseLostError(f"version {version}")


def _job(connection: Connection, version: int) -> Job:
    row = connection.execute(
        sa.select(versions, documents.c.name)
        .outerjoin(documents, documents.c.id == versions.c.document)
        .where(versions.c.id == version)
    ).one()
    return Job(
        version=row.id,
        document=row.document,
        tenant=row.tenant,
        name=row.name or "",
        tags=tuple(row.tags),
        title=row.title,
        attempts=row.attempts,
    )


def _newer(connection: Connection, job: Job) -> list[int]:
    query = sa.select(versions.c.id).where(versions.c.document == job.document, versions.c.id > job.version)
    return [int(found) for found in connection.execute(query).scalars()]


def _chunk_values(version: int, row: ChunkRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "version": version,
        "page": row.page,
        "start": row.start,
        "end": row.end,
        "heading": list(row.heading),
        "header": row.header,
        "script": row.script,
        "listing": int(row.listing),
    }


def _chunk_text(row: sa.Row[Any]) -> ChunkText:
    chunk = ChunkRow(
        key=row.key,
        page=row.page,
        start=row.start,
        end=row.end,
        heading=tuple(row.heading),
        header=row.header,
        script=row.script,
        listing=bool(row.listing),
    )
    return ChunkText(chunk, row.text[row.start : row.end])
