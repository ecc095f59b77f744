"""What retrieval and ingest ask of an index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Leg = Literal["lexical", "dense"]


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk for the index: ``tokens`` for the lexical leg or ``vector`` for the dense one."""

    key: int
    tenant: str
    tags: tuple[str, ...]
    tokens: str = ""
    vector: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question may see: one tenant, and of it only what has at least one of the tags."""

    tenant: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk; a greater score is better within one leg, and means nothing beyond it."""

    key: int
    score: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the server can do. Before Milvus 2.5 there is no BM25, so no lexical leg."""

    server: str
    lite: bool
    lexical: bool


class StoreError(Exception):
    """The index cannot be used; the message tells why and what to do."""


class StoreUnavailableError(StoreError):
    """The index did not answer, or not with all it holds, within the time limit. Worth a retry."""


class Store(Protocol):
    """An index of chunks with up to two legs. Calls may come from several threads."""

    @property
    def capabilities(self) -> Capabilities:
        """What the server behind it can do."""
        ...

    def write(self, leg: Leg, rows: Sequence[Row]) -> None:
        """Insert or replace rows by key. Raises StoreError."""
        ...

    def search_lexical(self, queries: Sequence[str], scope: Scope, limit: int) -> list[list[Hit]]:
        """Find the best chunks by BM25 for each query of space-joined tokens."""
        ...

    def search_dense(self, vectors: Sequence[Sequence[float]], scope: Scope, limit: int) -> list[list[Hit]]:
        """Find the nearest chunks by cosine for each vector."""
        ...

    def remove(self, first: int, end: int) -> None:
        """Remove the rows with keys in ``[first, end)`` from both legs."""
        ...

    def keys(self, leg: Leg) -> Iterator[list[int]]:
        """Read all keys of a leg, batch by batch."""
        ...

    def settle(self) -> None:
        """Make what was written quick to search, where the engine does not by itself."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...
