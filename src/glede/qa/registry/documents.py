"""Documents as their owners see them: upload, list, show, delete. Every call names the tenant."""

import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from glede.qa.registry.database import Database
from glede.qa.registry.schema import State, documents, pages, parts, versions


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document with the state of its newest version. ``progress`` runs from 0 to 1."""

    id: str
    name: str
    status: str
    page_kind: str
    pages: int | None
    chunks: int
    progress: float
    error_code: str | None
    error: str | None
    tags: tuple[str, ...]
    size: int
    created_at: float
    searchable: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """One page's text, as citations count its characters."""

    document: DocumentView
    number: int
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that were received whole: where they are read from, and what identifies them."""

    name: str
    sha256: str
    size: int
    blocks: Iterable[bytes]
    tags: Sequence[str] | None


class QueueFullError(Exception):
    """A tenant has as many unfinished documents as its limit allows."""


class Documents:
    """The documents of all tenants."""

    def __init__(self, database: Database, queue_limit: int) -> None:
        self._database = database
        self._queue_limit = queue_limit

    def add(self, tenant: str, upload: Upload) -> tuple[DocumentView, bool]:
        """Record an upload durably; gives the document and whether there is something new to do.

        The same bytes (with the same tags) are the document that has them already, unless it
        failed: then it is queued again. Raises QueueFullError, RegistryError.
        """
        with self._database.write() as connection:
            known = _find_same(connection, tenant, upload)
            if known is not None:
                return _one(connection, tenant, known), False
            self._check_queue(connection, tenant)
            document = _document_for(connection, tenant, upload)
            version = _insert_version(connection, tenant, document, upload)
            _store_parts(connection, version, upload.blocks)
            _point_newest(connection, document, version)
            return _one(connection, tenant, document), True

    def get(self, tenant: str, document: str) -> DocumentView | None:
        """Find one document of a tenant."""
        with self._database.read() as connection:
            row = connection.execute(_views(tenant).where(documents.c.id == document)).one_or_none()
            return _view(row) if row else None

    def listed(self, tenant: str, cursor: str | None, limit: int) -> tuple[list[DocumentView], str | None]:
        """Give a tenant's documents, newest first, and the cursor of the next page.

        Raises ValueError for a cursor that this service did not make.
        """
        query = _views(tenant).order_by(documents.c.created_at.desc(), documents.c.id.desc()).limit(limit + 1)
        if cursor:
            stamp, mark = _read_cursor(cursor)
            position = sa.tuple_(documents.c.created_at, documents.c.id)
            query = query.where(position < sa.tuple_(stamp, mark))
        with self._database.read() as connection:
            found = [_view(row) for row in connection.execute(query)]
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return found[:limit], f"{last.created_at!r}:{last.id}" if last else None

    def page(self, tenant: str, document: str, number: int) -> PageView | None:
        """Give one page of the version that questions see, or of the newest one while there is none."""
        with self._database.read() as connection:
            row = connection.execute(_views(tenant).where(documents.c.id == document)).one_or_none()
            if row is None:
                return None
            page = connection.execute(
                sa.select(pages.c.label, pages.c.text).where(
                    pages.c.version == (row.live or row.newest), pages.c.number == number
                )
            ).one_or_none()
            return PageView(_view(row), number, page.label, page.text) if page else None

    def delete(self, tenant: str, document: str) -> bool:
        """Take a document out of sight at once; its rows are removed afterwards by ingest."""
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(documents.c.live).where(documents.c.tenant == tenant, documents.c.id == document)
            ).one_or_none()
            if row is None:
                return False
            connection.execute(documents.delete().where(documents.c.id == document))
            retire(connection, document)
            return True

    def _check_queue(self, connection: Connection, tenant: str) -> None:
        waiting = connection.execute(
            sa.select(sa.func.count())
            .select_from(versions)
            .where(
                versions.c.tenant == tenant,
                versions.c.state.in_([State.QUEUED, State.PARSING, State.EMBEDDING]),
            )
        ).scalar_one()
        if waiting >= self._queue_limit:
            raise QueueFullError(
                f"{waiting} documents are waiting and the limit is {self._queue_limit}; upload again later"
            )


def retire(connection: Connection, document: str, keep: Collection[int] = ()) -> None:
    """Mark a document's versions, except those to keep, for removal by ingest."""
    connection.execute(
        versions.update()
        .where(
            versions.c.document == document,
            versions.c.id.notin_(keep),
            versions.c.state != State.RETIRED,
        )
        .values(state=State.RETIRED)
    )


def _find_same(connection: Connection, tenant: str, upload: Upload) -> str | None:
    row = connection.execute(
        sa.select(versions)
        .join(documents, documents.c.newest == versions.c.id)
        .where(
            versions.c.tenant == tenant,
            versions.c.sha256 == upload.sha256,
            versions.c.state.notin_([State.RETIRED, State.FAILED]),
        )
        .limit(1)
    ).one_or_none()
    if row is None or (upload.tags is not None and sorted(upload.tags) != sorted(row.tags)):
        return None
    return str(row.document)


def _document_for(connection: Connection, tenant: str, upload: Upload) -> str:
    """The document that these bytes belong to: the one that has them, else the one of that name."""
    same_bytes = (
        sa.select(documents.c.id)
        .join(versions, documents.c.newest == versions.c.id)
        .where(versions.c.tenant == tenant, versions.c.sha256 == upload.sha256)
    )
    same_name = sa.select(documents.c.id).where(documents.c.tenant == tenant, documents.c.name == upload.name)
    for query in (same_bytes, same_name):
        found = connection.execute(query.limit(1)).scalar_one_or_none()
        if found is not None:
            return str(found)
    document = secrets.token_hex(12)
    connection.execute(
        documents.insert().values(id=document, tenant=tenant, name=upload.name, created_at=time.time())
    )
    return document


def _insert_version(connection: Connection, tenant: str, document: str, upload: Upload) -> int:
    result = connection.execute(
        versions.insert().values(
            document=document,
            tenant=tenant,
            sha256=upload.sha256,
            size=upload.size,
            tags=sorted(set(upload.tags or ())),
            state=State.QUEUED,
            created_at=time.time(),
        )
    )
    key = result.inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row always has its key
    return int(key[0])


def _store_parts(connection: Connection, version: int, blocks: Iterable[bytes]) -> None:
    for ordinal, block in enumerate(blocks):
        connection.execute(parts.insert().values(version=version, ordinal=ordinal, data=block))


def _point_newest(connection: Connection, document: str, version: int) -> None:
    """Make a version the newest; older ones go, but for the one that questions see meanwhile."""
    row = connection.execute(sa.select(documents.c.live).where(documents.c.id == document)).one()
    retire(connection, document, keep=[version, row.live or version])
    connection.execute(documents.update().where(documents.c.id == document).values(newest=version))


def _views(tenant: str) -> sa.Select[Any]:
    return (
        sa.select(
            documents.c.id,
            documents.c.name,
            documents.c.created_at,
            documents.c.newest,
            documents.c.live,
            *(column for column in versions.c if column.name not in {"id", "created_at"}),
        )
        .join(versions, documents.c.newest == versions.c.id)
        .where(documents.c.tenant == tenant)
    )


def _one(connection: Connection, tenant: str, document: str) -> DocumentView:
    return _view(connection.execute(_views(tenant).where(documents.c.id == document)).one())


def _view(row: Row[Any]) -> DocumentView:
    return DocumentView(
        id=row.id,
        name=row.name,
        status=row.state,
        page_kind=row.page_kind,
        pages=row.pages or row.page_total,
        chunks=row.chunks,
        progress=_progress(row),
        error_code=row.error_code,
        error=row.error,
        tags=tuple(row.tags),
        size=row.size,
        created_at=row.created_at,
        searchable=row.live is not None,
    )


# Parsing is quick beside embedding; the shares make a bar that moves evenly enough.
_PARSE_SHARE = 0.2


def _progress(row: Row[Any]) -> float:
    if row.state == State.READY:
        return 1.0
    if row.state == State.EMBEDDING:
        return float(_PARSE_SHARE + (1 - _PARSE_SHARE) * row.embedded / max(row.to_embed, 1))
    if row.state == State.PARSING and row.page_total:
        return float(_PARSE_SHARE * min(row.pages / row.page_total, 1.0))
    return 0.0


def _read_cursor(cursor: str) -> tuple[float, str]:
    stamp, _, mark = cursor.partition(":")
    try:
        return float(stamp), mark
    except ValueError as error:
        raise ValueError(f"cursor {cursor!r} is not one of this service's; begin without a cursor") from error
