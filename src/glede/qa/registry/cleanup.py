"""Removing what a version left in the registry."""

import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from glede.qa.registry.database import Database
from glede.qa.registry.schema import State, chunks, pages, parts, versions
from glede.qa.registry.terms import change_terms, count_terms
from glede.qa.text.index import index_tokens


def clear_content(connection: Connection, version: int) -> None:
    """Remove a version's pages, chunks and counted terms; the upload and the version's row stay."""
    row = connection.execute(
        sa.select(versions.c.tenant, versions.c.counted, versions.c.title).where(versions.c.id == version)
    ).one_or_none()
    if row is None:
        return
    if row.counted:
        change_terms(connection, row.tenant, count_terms(_token_lists(connection, version, row.title)), -1)
    connection.execute(chunks.delete().where(chunks.c.version == version))
    connection.execute(pages.delete().where(pages.c.version == version))
    connection.execute(
        versions.update()
        .where(versions.c.id == version)
        .values(pages=0, chunks=0, embedded=0, to_embed=0, counted=False)
    )


def retired_versions(database: Database) -> list[int]:
    """Give the versions to be removed that no worker holds any more."""
    query = sa.select(versions.c.id).where(
        versions.c.state == State.RETIRED, versions.c.lease_until <= time.time()
    )
    with database.read() as connection:
        return [int(found) for found in connection.execute(query.order_by(versions.c.id)).scalars()]


def remove_version(database: Database, version: int) -> None:
    """Remove a retired version whole. Its index rows must be gone before."""
    with database.write() as connection:
        state = connection.execute(
            sa.select(versions.c.state).where(versions.c.id == version)
        ).scalar_one_or_none()
        if state != State.RETIRED:
            return
        clear_content(connection, version)
        connection.execute(parts.delete().where(parts.c.version == version))
        connection.execute(versions.delete().where(versions.c.id == version))


def _token_lists(connection: Connection, version: int, title: str) -> list[list[str]]:
    query = (
        sa.select(chunks, pages.c.text)
        .join(pages, sa.and_(pages.c.version == chunks.c.version, pages.c.number == chunks.c.page))
        .where(chunks.c.version == version)
    )
    return [
        index_tokens(title, row.heading, row.header, row.text[row.start : row.end])
        for row in connection.execute(query)
    ]
