"""From index keys back to text: what was found, as its owner may see it."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from glede.qa.registry.database import Database
from glede.qa.registry.schema import chunks, documents, pages, version_of, versions
from glede.qa.store.base import Scope

# Built once: to build and to run it cost a question about the same time.
_VISIBLE = (
    sa.select(
        chunks,
        documents.c.id.label("document_id"),
        documents.c.name.label("document"),
        pages.c.label,
        versions.c.page_kind,
        versions.c.title,
        versions.c.tags,
        sa.func.substr(pages.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("text"),
    )
    .join(versions, versions.c.id == chunks.c.version)
    .join(documents, documents.c.live == versions.c.id)
    .join(pages, sa.and_(pages.c.version == chunks.c.version, pages.c.number == chunks.c.page))
    .where(
        chunks.c.key.in_(sa.bindparam("found", expanding=True)),
        documents.c.tenant == sa.bindparam("owner"),
    )
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk with its text and place; ``start`` and ``end`` count characters of the page's text."""

    key: int
    document_id: str
    document: str
    page: int
    label: str
    page_kind: str
    title: str
    heading: tuple[str, ...]
    header: str
    text: str
    start: int
    end: int
    listing: bool


def load_passages(database: Database, scope: Scope, keys: Sequence[int]) -> tuple[dict[int, Passage], bool]:
    """Read passages by key, and tell whether the search they come from is out of date.

    This is the second lock beside the index's filter: only the tenant's own documents, and of each
    only the version that is live, so a deleted or replaced document gives no hit from this moment on.
    A search that began before a replacement may know the old version alone: it has to be made again.
    """
    if not keys:
        return {}, False
    with database.read() as connection:
        rows = connection.execute(_VISIBLE, {"found": list(keys), "owner": scope.tenant}).all()
        # After the passages: PostgreSQL may show this read more than it showed the one before.
        unseen = {version_of(key) for key in keys} - {version_of(row.key) for row in rows}
        outdated = _gave_way(connection, unseen)
    visible = [row for row in rows if not scope.tags or set(scope.tags) & set(row.tags)]
    return {row.key: _passage(row) for row in visible}, outdated


def _gave_way(connection: Connection, found: set[int]) -> bool:
    """Tell whether one of these versions is removed already, or has a newer one live in its place."""
    if not found:
        return False
    query = (
        sa.select(versions.c.id, documents.c.live)
        .outerjoin(documents, documents.c.id == versions.c.document)
        .where(versions.c.id.in_(found))
    )
    live = {row.id: row.live for row in connection.execute(query)}
    return len(live) < len(found) or any(now is not None and now > old for old, now in live.items())


def _passage(row: sa.Row[tuple[object, ...]]) -> Passage:
    return Passage(
        key=row.key,
        document_id=row.document_id,
        document=row.document,
        page=row.page,
        label=row.label,
        page_kind=row.page_kind,
        title=row.title,
        heading=tuple(row.heading),
        header=row.header,
        text=row.text,
        start=row.start,
        end=row.end,
        listing=bool(row.listing),
    )
