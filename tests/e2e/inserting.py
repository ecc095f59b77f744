"""Inserting without pause, and counting what was acknowledged and is not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from pymilvus import MilvusClient
from tests.e2e import vectors
from tests.e2e.searching import TIMEOUT_SECONDS

COLLECTION = "written"
BATCH = 10
PAUSE_SECONDS = 0.2
ASKED_AT_ONCE = 1000
READ_SECONDS = 60.0


@dataclass
class Inserter:
    """A client that inserts a batch of rows at a time, each with an id of its own, into one collection."""

    uri: str
    acknowledged: list[int] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def inserting(self) -> Iterator[Inserter]:
        """Make the collection, and insert while the block lasts."""
        client = MilvusClient(self.uri, timeout=READ_SECONDS)
        vectors.fill(client, COLLECTION, np.empty((0, vectors.DIMENSION), dtype=np.float32))
        client.close()
        thread = threading.Thread(target=self._insert)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join(TIMEOUT_SECONDS * 3)

    def lost(self) -> int:
        """Count the rows that were acknowledged until now and that a consistent read does not find."""
        asked = list(self.acknowledged)
        assert asked, "no insert was acknowledged"
        client = MilvusClient(self.uri, timeout=READ_SECONDS)
        found: set[int] = set()
        for begin in range(0, len(asked), ASKED_AT_ONCE):
            ids = asked[begin : begin + ASKED_AT_ONCE]
            rows = client.query(COLLECTION, ids=ids, output_fields=["id"], consistency_level="Strong")
            found |= {row["id"] for row in rows}
        client.close()
        return len(set(asked) - found)

    def _insert(self) -> None:
        chance = np.random.default_rng(vectors.SEED)
        client = MilvusClient(self.uri, timeout=TIMEOUT_SECONDS)
        number = 0
        while not self._ended.wait(PAUSE_SECONDS):
            # An id is never used twice: a batch without an acknowledgement may be there all the same.
            ids = range(number, number + BATCH)
            number += BATCH
            data = [{"id": id_, "vector": chance.standard_normal(vectors.DIMENSION).tolist()} for id_ in ids]
            with suppress(Exception):  # whatever a client meets, the rows were not acknowledged
                client.insert(COLLECTION, data, timeout=TIMEOUT_SECONDS)
                self.acknowledged += ids
        client.close()
