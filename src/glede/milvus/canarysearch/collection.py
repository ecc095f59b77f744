"""The collection that is searched, and what an answer of it is worth. Pure.

A few rows that are known: row ``n`` is ``n + 1`` on axis ``n`` and 0 on all others. A search with a row's own
vector must give all rows, that one first. A row that is there twice counts once: an insert whose answer was
lost is made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from glede.milvus.restful import Dialect, Vector

NAME = "glede_canary"
ROWS = 8
# An answer that takes longer is late, in seconds.
LATE = 1.0
# Room for rows that are there more than once.
_LIMIT = 8 * ROWS
# The dynamic field that tells a row: ids are made up by Milvus.
_NUMBER = "number"

Result = Literal["ok", "empty", "short", "late", "error", "making"]
# Those that are counted; ``making``: the collection is being made, which says nothing of the Milvus.
COUNTED: tuple[Result, ...] = ("ok", "empty", "short", "late", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search came to, and in words what was wrong with it; ``missing``: there is no collection."""

    result: Result
    words: str = ""
    missing: bool = False


def schema() -> dict[str, Any]:
    """Give what the collection is made with; it is indexed and loaded with that."""
    return {"collectionName": NAME, "dimension": ROWS, "metricType": "L2"}


def rows() -> dict[str, Any]:
    """Give what is inserted."""
    data = [{"vector": vector_of(number), _NUMBER: number} for number in range(ROWS)]
    return {"collectionName": NAME, "data": data}


def question(dialect: Dialect, number: int) -> dict[str, Any]:
    """Give the search for a row, as clients make theirs: of data that may be some seconds old."""
    asked = dialect.question(vector_of(number), _LIMIT, "Bounded")
    return {"collectionName": NAME, "outputFields": [_NUMBER], **asked}


def vector_of(number: int) -> Vector:
    """Give a row's vector."""
    return [number + 1.0 if axis == number else 0.0 for axis in range(ROWS)]


def judged(hits: object, number: int, seconds: float) -> Finding:
    """Judge the hits of a search for a row, which came after so many seconds."""
    if not isinstance(hits, list) or not all(isinstance(hit, Mapping) for hit in hits):
        return Finding("error", "an answer without hits")
    if not hits:
        return Finding("empty", f"a search for row {number} of {NAME} found nothing")
    found = [str(hit.get(_NUMBER)) for hit in hits]
    if found[0] != str(number):
        return Finding("short", f"a search for row {number} of {NAME} found another one first")
    there = len(set(found))
    if there < ROWS:
        return Finding("short", f"a search in {NAME} found {there} rows of {ROWS}")
    if seconds > LATE:
        return Finding("late", f"a search in {NAME} took {seconds:.1f} s")
    return Finding("ok")
