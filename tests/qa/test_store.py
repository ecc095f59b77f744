"""The index in a real Milvus Lite."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from glede.api.documentqa import MilvusTarget
from glede.qa.store.base import Row, Scope, Store
from glede.qa.store.open import open_store

TENANT = Scope("t")
DIMENSION = 8
FLUSHES = 20
ROWS = 200


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(MilvusTarget(), tmp_path, DIMENSION, lambda _leg, _tenant: 0)
    try:
        yield opened
    finally:
        opened.close()


def test_a_flush_hides_no_row_from_a_search(store: Store) -> None:
    """While rows move from memory to disk the engine itself shows them in neither place."""
    ended = threading.Event()
    found: dict[str, list[int]] = {"lexical": [], "dense": []}

    def rows(first: int, number: int) -> None:
        keys = range(first, first + number)
        store.write("lexical", [Row(key, "t", (), tokens="kite moor") for key in keys])
        store.write("dense", [Row(key, "t", (), vector=[1.0] * DIMENSION) for key in keys])

    def ask() -> None:
        while not ended.is_set():
            found["lexical"].append(len(store.search_lexical(["kite"], TENANT, 5)[0]))
            found["dense"].append(len(store.search_dense([[1.0] * DIMENSION], TENANT, 5)[0]))

    rows(0, ROWS)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, FLUSHES):
        # All rows are new, and so in memory, when the flush begins.
        rows(number * ROWS, ROWS)
        store.remove((number - 1) * ROWS, number * ROWS)
        store.settle()
    ended.set()
    for thread in threads:
        thread.join()

    short = {leg: sum(number < 5 for number in numbers) for leg, numbers in found.items()}
    assert short == {"lexical": 0, "dense": 0}
    assert min(len(numbers) for numbers in found.values()) > FLUSHES / 2
