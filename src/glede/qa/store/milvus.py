"""The index in Milvus, embedded (Lite) or a server, behind one interface."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from pymilvus import MilvusClient

from glede.qa.store.base import Capabilities, Hit, Leg, Row, Scope
from glede.qa.store.collections import (
    MAX_TOKENS_BYTES,
    collection_name,
    ensure_dense,
    ensure_lexical,
    probe,
)
from glede.qa.store.expression import range_expression, scope_expression
from glede.qa.store.patience import ask_again

EXPLORE = 64  # HNSW ef: how many candidates a dense search keeps, at least the limit
SCAN_BATCH = 1000

KnownRows = Callable[[Leg, str], int]


class MilvusStore:
    """A Store on one MilvusClient.

    ``known_rows`` tells how many rows of a leg a tenant has, by the registry: an answer with fewer is
    checked against a count, and asked for again when the server does not show all its rows.
    """

    def __init__(
        self,
        client: MilvusClient,
        prefix: str,
        dimension: int | None,
        *,
        deadline_seconds: float = 5.0,
        known_rows: KnownRows = lambda _leg, _tenant: 0,
    ) -> None:
        self._client = client
        self._deadline = deadline_seconds
        self._known_rows = known_rows
        self._names: dict[Leg, str] = {leg: collection_name(prefix, leg) for leg in ("lexical", "dense")}
        # Milvus Lite is not safe for concurrent writers.
        self._writing = threading.Lock()
        self._turns: dict[Leg, threading.Lock] = {leg: threading.Lock() for leg in self._names}
        self._written: set[Leg] = set()
        self.capabilities: Capabilities = ask_again(lambda: probe(client), deadline_seconds)
        self._legs: list[Leg] = []
        if self.capabilities.lexical:
            ask_again(lambda: ensure_lexical(client, self._names["lexical"]), deadline_seconds)
            self._legs.append("lexical")
        if dimension is not None:
            ask_again(lambda: ensure_dense(client, self._names["dense"], dimension), deadline_seconds)
            self._legs.append("dense")

    def write(self, leg: Leg, rows: Sequence[Row]) -> None:
        """Insert or replace rows by key. Raises StoreError."""
        if leg not in self._legs or not rows:
            return
        data = [_lexical_row(row) if leg == "lexical" else _dense_row(row) for row in rows]
        with self._writing:
            ask_again(partial(self._call, leg, self._client.upsert, data), self._deadline)
            self._written.add(leg)

    def search_lexical(self, queries: Sequence[str], scope: Scope, limit: int) -> list[list[Hit]]:
        """Find the best chunks by BM25 for each query of space-joined tokens."""
        # The embedded engine gives BM25 as a negative distance, a server as a positive one.
        sign = -1.0 if self.capabilities.lite else 1.0
        return self._search("lexical", list(queries), scope, limit, sign)

    def search_dense(self, vectors: Sequence[Sequence[float]], scope: Scope, limit: int) -> list[list[Hit]]:
        """Find the nearest chunks by cosine for each vector."""
        return self._search("dense", [list(vector) for vector in vectors], scope, limit, 1.0)

    def remove(self, first: int, end: int) -> None:
        """Remove the rows with keys in ``[first, end)`` from both legs."""
        expression = range_expression(first, end)
        for leg in self._legs:
            with self._writing:
                ask_again(partial(self._call, leg, self._client.delete, filter=expression), self._deadline)

    def keys(self, leg: Leg) -> Iterator[list[int]]:
        """Read all keys of a leg, batch by batch."""
        if leg not in self._legs:
            return
        iterator = self._iterate(leg)
        try:
            while batch := iterator.next():
                yield [int(row["key"]) for row in batch]
        finally:
            iterator.close()

    def _iterate(self, leg: Leg) -> Any:
        return self._client.query_iterator(
            self._names[leg],
            batch_size=SCAN_BATCH,
            filter="key >= 0",
            output_fields=["key"],
            consistency_level="Strong",
        )

    def settle(self) -> None:
        """Flush an embedded index: rows in its memory table cost several times as much to search."""
        if not self.capabilities.lite:
            return
        with self._writing:
            written, self._written = self._written, set()
            for leg in sorted(written):
                ask_again(partial(self._call, leg, self._client.flush), self._deadline)

    def close(self) -> None:
        """Flush and close."""
        with self._writing:
            self._client.close()

    def _search(self, leg: Leg, data: list[Any], scope: Scope, limit: int, sign: float) -> list[list[Hit]]:
        if leg not in self._legs or not data:
            return [[] for _ in data]
        expression = scope_expression(scope)
        field = "sparse" if leg == "lexical" else "vector"
        parameters = {} if leg == "lexical" else {"params": {"ef": max(EXPLORE, limit)}}

        def ask() -> list[list[Hit]]:
            found = self._call(
                leg,
                self._client.search,
                data,
                filter=expression,
                limit=limit,
                anns_field=field,
                search_params=parameters,
                # An empty list would make the embedded engine send every field, vectors and all.
                output_fields=["key"],
            )
            return [[Hit(int(hit["key"]), sign * float(hit["distance"])) for hit in hits] for hits in found]

        return ask_again(ask, self._deadline, lambda found: self._incomplete(leg, scope, limit, found))

    def _incomplete(self, leg: Leg, scope: Scope, limit: int, found: list[list[Hit]]) -> bool:
        """Tell whether a short answer comes from an index that does not show all its rows.

        A lexical answer may be short for want of matching chunks and a filtered one for want of
        tagged ones; only an index whose count is short is to be asked again.
        """
        shortest = min(len(hits) for hits in found)
        if shortest >= limit:
            return False
        known = self._known_rows(leg, scope.tenant)
        if shortest >= known:
            return False
        if leg == "lexical" and self.capabilities.lite:
            return False  # an embedded index moves no data, and most lexical answers are short
        return self._count(leg, scope.tenant) < known

    def _count(self, leg: Leg, tenant: str) -> int:
        answer = self._call(
            leg, self._client.query, filter=scope_expression(Scope(tenant)), output_fields=["count(*)"]
        )
        return int(answer[0]["count(*)"]) if answer else 0

    def _call(self, leg: Leg, method: Callable[..., Any], *values: Any, **options: Any) -> Any:
        """Call the client on a leg's collection.

        An embedded index shows neither old nor new place of the rows that a flush, or a write that
        fills its memory table, moves to disk: there calls take turns, so that no search comes between.
        """
        with self._turns[leg] if self.capabilities.lite else contextlib.nullcontext():
            return method(self._names[leg], *values, **options)


def _lexical_row(row: Row) -> dict[str, Any]:
    tokens = row.tokens
    if len(tokens.encode()) > MAX_TOKENS_BYTES:
        tokens = tokens.encode()[:MAX_TOKENS_BYTES].decode(errors="ignore").rpartition(" ")[0]
    return {"key": row.key, "tenant": row.tenant, "tags": list(row.tags), "tokens": tokens}


def _dense_row(row: Row) -> dict[str, Any]:
    return {"key": row.key, "tenant": row.tenant, "tags": list(row.tags), "vector": list(row.vector)}
