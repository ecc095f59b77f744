"""Milvus's REST API in its two versions, as far as a search in a small collection needs it."""

from dataclasses import dataclass
from typing import Any

Vector = list[float]

# What it gives as the code of a success: by version 1, by version 2.
SUCCESS = (200, 0)
# There is no such collection: Milvus's own code, which both versions hand through.
NO_COLLECTION = 100


@dataclass(frozen=True, slots=True)
class Dialect:
    """Paths of one version of the API, and how it is asked for the nearest rows."""

    create: str
    insert: str
    search: str
    drop: str
    batched: bool

    def question(self, vector: Vector, limit: int = 1, consistency: str = "Strong") -> dict[str, Any]:
        """Ask for the rows that are nearest; version 1 knows bounded staleness alone."""
        if not self.batched:
            return {"vector": vector, "limit": limit}
        return {"data": [vector], "annsField": "vector", "limit": limit, "consistencyLevel": consistency}


# Version 1 is what Milvus before 2.3.13 has alone, and it may go one day (Milvus's REST reference, "About").
DIALECTS = (
    Dialect(
        "/v1/vector/collections/create",
        "/v1/vector/insert",
        "/v1/vector/search",
        "/v1/vector/collections/drop",
        batched=False,
    ),
    Dialect(
        "/v2/vectordb/collections/create",
        "/v2/vectordb/entities/insert",
        "/v2/vectordb/entities/search",
        "/v2/vectordb/collections/drop",
        batched=True,
    ),
)
