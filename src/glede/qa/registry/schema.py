"""The tables, one schema for SQLite and PostgreSQL.

A *document* is a name in a tenant; each upload of new bytes under it is a *version*, which is also
its ingest job. ``documents.live`` points at the version that questions see. A chunk is a span of a
page, never a copy of it; its key is ``version * 2**20 + ordinal``, so a retried ingest writes the same
keys again.
"""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = "1"
CHUNKS_PER_VERSION = 1 << 20

# SQLite autoincrements only INTEGER keys; PostgreSQL needs the 64 bits.
_Key = BigInteger().with_variant(Integer, "sqlite")


class State(StrEnum):
    """Life of a version: QUEUED, PARSING, EMBEDDING, then READY or FAILED; RETIRED awaits removal."""

    QUEUED = "queued"
    PARSING = "parsing"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"
    RETIRED = "retired"


metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("newest", _Key),
    Column("live", _Key),
    UniqueConstraint("tenant", "name"),
    Index("documents_by_age", "tenant", "created_at", "id"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=True),
    Column("document", String(32), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("page_kind", String(16), nullable=False, default="page"),
    Column("page_total", Integer),
    Column("pages", Integer, nullable=False, default=0),
    Column("chunks", Integer, nullable=False, default=0),
    Column("to_embed", Integer, nullable=False, default=0),
    Column("embedded", Integer, nullable=False, default=0),
    Column("counted", Boolean, nullable=False, default=False),  # its tokens are in the table of terms
    Column("error_code", String(64)),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("lease_owner", String(64)),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("created_at", Float, nullable=False),
    Index("versions_by_document", "document"),
    Index("versions_by_hash", "tenant", "sha256"),
    Index("versions_by_state", "state", "not_before"),
    sqlite_autoincrement=True,
)

parts = Table(
    "parts",
    metadata,
    Column("version", _Key, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

pages = Table(
    "pages",
    metadata,
    Column("version", _Key, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("text", Text, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("version", _Key, nullable=False),
    Column("page", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("heading", JSON, nullable=False),
    Column("header", Text, nullable=False),
    Column("script", String(8), nullable=False),
    Column("listing", Integer, nullable=False),
    Index("chunks_by_version", "version", "key"),
)

# In how many chunks of a tenant's live documents a token stands: the IDF of rerank and abstention.
terms = Table(
    "terms",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("term", String(64), primary_key=True),
    Column("chunks", Integer, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
)


def first_key(version: int) -> int:
    """Give the smallest chunk key of a version; the next version's is the end of its range."""
    return version * CHUNKS_PER_VERSION


def version_of(key: int) -> int:
    """Give the version that a chunk key belongs to."""
    return key // CHUNKS_PER_VERSION
