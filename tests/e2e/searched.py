"""What a user does with a Milvus, by Milvus's own client."""

import random
import secrets
import time

from pymilvus import DataType, MilvusClient

ROWS = 200
DIMENSION = 16
SEED = 20
DROP_SECONDS = 10.0


def search_once(uri: str, seconds: float) -> None:
    """Make a collection, index, load, insert, search, drop. Raises MilvusException, AssertionError."""
    client = MilvusClient(uri=uri, timeout=seconds)
    collection = f"e2e_{secrets.token_hex(6)}"
    try:
        _search(client, collection, time.monotonic() + seconds)
    finally:
        client.drop_collection(collection, timeout=DROP_SECONDS)
        client.close()


def _search(client: MilvusClient, collection: str, end: float) -> None:
    chance = random.Random(SEED)  # noqa: S311 - vectors, no secret
    rows = [{"id": n, "vector": [chance.gauss(0, 1) for _ in range(DIMENSION)]} for n in range(ROWS)]
    wanted = chance.randrange(ROWS)
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSION)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="L2")
    client.create_collection(collection, schema=schema, timeout=_left(end))
    client.create_index(collection, index, timeout=_left(end))
    client.load_collection(collection, timeout=_left(end))
    client.insert(collection, rows, timeout=_left(end))
    # Strong: the answer has to know the rows that were just acknowledged.
    found = client.search(
        collection, [rows[wanted]["vector"]], limit=1, consistency_level="Strong", timeout=_left(end)
    )
    assert [hit["id"] for hit in found[0]] == [wanted]


def _left(end: float) -> float:
    left = end - time.monotonic()
    assert left > 0, "Milvus answers too slowly"
    return left
