"""Vectors with a true answer: random clusters, and their nearest neighbours by brute force."""

import numpy as np
from lab.daemons import wait_for
from pymilvus import CollectionSchema, DataType, MilvusClient, MilvusException

ROWS = 20_000
DIMENSION = 128
QUESTIONS = 200
BATCH = 2000
LIMIT = 10
SEED = 20_000
TOPIC_SECONDS = 30.0


def make() -> tuple[np.ndarray, np.ndarray]:
    """Give rows and questions, float32, of unit length."""
    chance = np.random.default_rng(SEED)
    centres = chance.standard_normal((200, DIMENSION))
    rows = centres[chance.integers(0, len(centres), ROWS)] + 0.6 * chance.standard_normal((ROWS, DIMENSION))
    questions = rows[:QUESTIONS] + 0.3 * chance.standard_normal((QUESTIONS, DIMENSION))
    return _unit(rows), _unit(questions)


def fill(client: MilvusClient, collection: str, rows: np.ndarray, replicas: int = 1) -> None:
    """Insert, index and load."""
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSION)
    _create(client, collection, schema)
    for begin in range(0, len(rows), BATCH):
        batch = rows[begin : begin + BATCH]
        data = [{"id": begin + number, "vector": row.tolist()} for number, row in enumerate(batch)]
        client.insert(collection, data)
    client.flush(collection)
    index = client.prepare_index_params()
    index.add_index(
        "vector", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200}
    )
    client.create_index(collection, index)
    client.load_collection(collection, replica_number=replicas)


def _create(client: MilvusClient, collection: str, schema: CollectionSchema) -> None:
    """Create a collection; again where its channel's topic is so new that not every broker knows of it."""
    for _ in wait_for(f"{collection} is created", TOPIC_SECONDS):
        try:
            client.create_collection(collection, schema=schema)
        except MilvusException as error:
            if "Unknown partition" not in str(error):
                raise
        else:
            return


def shard_leaders(client: MilvusClient, collection: str) -> set[int]:
    """Give the numbers by which Milvus knows the query nodes that lead a loaded collection's shards."""
    return {s.shard_leader for replica in client.describe_replica(collection) for s in replica.shards}


def recall(client: MilvusClient, collection: str, rows: np.ndarray, questions: np.ndarray) -> float:
    """Give the share of the true nearest neighbours that a search finds."""
    truth = np.argsort(-(questions @ rows.T), axis=1)[:, :LIMIT]
    found = client.search(
        collection, questions.tolist(), limit=LIMIT, search_params={"params": {"ef": 128}}, timeout=60
    )
    hits = sum(
        len({hit["id"] for hit in one} & set(true.tolist())) for one, true in zip(found, truth, strict=True)
    )
    return hits / truth.size


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
