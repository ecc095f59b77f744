"""Opening the registry's database, and what to say when that fails."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from glede.qa.registry import schema

BUSY_MILLISECONDS = 10_000


class RegistryError(Exception):
    """The database cannot be used; the message names it and tells what to do."""


class Database:
    """Transactions on the registry. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends well. Raises RegistryError."""
        with _explained(self.engine), self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # Taking the write lock first waits for a busy neighbour instead of failing midway.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent read. Raises RegistryError."""
        with _explained(self.engine), self.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_sqlite(path: Path) -> Database:
    """Open or create an SQLite registry, readable by its owner only. Raises RegistryError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        os.close(descriptor)
        path.chmod(0o600)
    except OSError as error:
        raise RegistryError(
            f"{path}: cannot be opened ({error.strerror}); make the folder writable"
        ) from error
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", _set_up_sqlite)
    return _prepare(Database(engine))


def open_url(url: str) -> Database:
    """Open the registry at an SQLAlchemy URL, for example postgresql+psycopg://… Raises RegistryError."""
    return _prepare(Database(sa.create_engine(url, pool_pre_ping=True)))


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # SQLAlchemy's own transaction start is switched off: see Database.write.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # an acknowledged upload survives a power cut
        f"busy_timeout={BUSY_MILLISECONDS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare(database: Database) -> Database:
    with database.write() as connection:
        schema.metadata.create_all(connection)
        found = connection.execute(
            sa.select(schema.facts.c.value).where(schema.facts.c.name == "schema")
        ).scalar_one_or_none()
        if found is None:
            connection.execute(schema.facts.insert().values(name="schema", value=schema.SCHEMA_VERSION))
        elif found != schema.SCHEMA_VERSION:
            raise RegistryError(
                f"{_where(database.engine)}: schema version {found}, expected {schema.SCHEMA_VERSION}; "
                "it was made by another version of Glede: use that one, or a new data folder"
            )
    return database


@contextlib.contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise RegistryError(f"{_where(engine)}: {_remedy(str(error.orig))}") from error


def _where(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _remedy(found: str) -> str:
    hints = {
        "malformed": "restore the file from a backup, or move it away and upload the documents again",
        "not a database": "another file stands in its place; move it away or give another dataDir",
        "disk is full": "free some space; nothing that was acknowledged is lost, and work goes on by itself",
        "disk I/O": "check the disk; nothing that was acknowledged is lost",
        "locked": "another process holds it; stop that one or wait",
        "readonly": "make the file and its folder writable",
    }
    for sign, hint in hints.items():
        if sign in found:
            return f"{found}; {hint}"
    return found
