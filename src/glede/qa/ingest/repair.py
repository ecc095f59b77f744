"""Making the index fit the registry at a start.

The index is derived. Rows of versions that are gone are removed; a version whose rows are fewer than
its chunks (a lost or damaged index, another embedder) gets them again.
"""

import logging
from collections import Counter

import sqlalchemy as sa

from glede.qa.embed.base import Embedder
from glede.qa.ingest.steps import CHUNKS_A_WRITE, lexical_rows
from glede.qa.registry.database import Database
from glede.qa.registry.jobs import Jobs
from glede.qa.registry.schema import State, chunks, facts, first_key, terms, version_of, versions
from glede.qa.store.base import Leg, Store

log = logging.getLogger(__name__)

# Raise it when tokens or their counting change: every document is then indexed anew.
INDEX_GENERATION = "1"


def repair_index(database: Database, store: Store, embedder: Embedder | None) -> int:
    """Compare and mend; gives how many versions were mended. Raises StoreError, RegistryError."""
    fingerprint = f"{INDEX_GENERATION}/{embedder.name if embedder else 'none'}"
    _requeue_other_generation(database)
    with database.read() as connection:
        rows = connection.execute(
            sa.select(versions).where(versions.c.state.in_([State.EMBEDDING, State.READY]))
        ).all()
    lexical, dense = _rows_by_version(store, "lexical"), _rows_by_version(store, "dense")
    known = {int(row.id) for row in rows}
    for stray in sorted((set(lexical) | set(dense)) - known):
        store.remove(first_key(stray), first_key(stray + 1))
    changed = _fact(database, "embedder") != fingerprint
    mended = 0
    for row in rows:
        short = store.capabilities.lexical and lexical[row.id] < row.chunks
        if short:
            _write_lexical(Jobs(database, "repair"), store, row)
        if row.state == State.READY and (changed or dense[row.id] < row.to_embed):
            _embed_again(database, row.id, embedder)
        mended += bool(short)
    _set_fact(database, "embedder", fingerprint)
    if mended:
        log.warning("the index lacked rows of %d documents; they were written again", mended)
    return mended


def _rows_by_version(store: Store, leg: Leg) -> Counter[int]:
    counts: Counter[int] = Counter()
    for keys in store.keys(leg):
        counts.update(version_of(key) for key in keys)
    return counts


def _write_lexical(jobs: Jobs, store: Store, row: sa.Row[tuple[object, ...]]) -> None:
    after = first_key(row.id) - 1
    while batch := jobs.chunk_texts(row.id, after, CHUNKS_A_WRITE):
        store.write("lexical", lexical_rows(row.tenant, tuple(row.tags), row.title, batch))
        after = batch[-1].row.key


def _embed_again(database: Database, version: int, embedder: Embedder | None) -> None:
    """Send a version back to embedding; it stays visible, found by its words, meanwhile."""
    scripts = list(embedder.scripts) if embedder else []
    with database.write() as connection:
        wanted = connection.execute(
            sa.select(sa.func.count())
            .select_from(chunks)
            .where(chunks.c.version == version, chunks.c.script.in_(scripts))
        ).scalar_one()
        connection.execute(
            versions.update()
            .where(versions.c.id == version, versions.c.state == State.READY)
            .values(state=State.EMBEDDING, embedded=0, to_embed=wanted)
        )


def _requeue_other_generation(database: Database) -> None:
    if _fact(database, "generation") in {None, INDEX_GENERATION}:
        _set_fact(database, "generation", INDEX_GENERATION)
        return
    with database.write() as connection:
        connection.execute(
            versions.update()
            .where(versions.c.state.in_([State.EMBEDDING, State.READY]))
            .values(state=State.QUEUED, counted=False)
        )
        connection.execute(terms.delete())
    _set_fact(database, "generation", INDEX_GENERATION)


def _fact(database: Database, name: str) -> str | None:
    with database.read() as connection:
        return connection.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def _set_fact(database: Database, name: str, value: str) -> None:
    with database.write() as connection:
        connection.execute(facts.delete().where(facts.c.name == name))
        connection.execute(facts.insert().values(name=name, value=value))
