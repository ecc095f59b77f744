"""The two collections of an index: lexical rows come at once, dense rows when they are embedded."""

import re

from pymilvus import DataType, Function, FunctionType, MilvusClient

from glede.qa.store.base import Capabilities, Leg, StoreError

MAX_TOKENS_BYTES = 65_535
MAX_TAGS = 16
MAX_TAG_BYTES = 256


def probe(client: MilvusClient) -> Capabilities:
    """Ask the server what it is. BM25 functions came with Milvus 2.5."""
    server = str(client.get_server_version())
    lite = "lite" in server.lower()
    found = re.search(r"(\d+)\.(\d+)", server)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return Capabilities(server=server, lite=lite, lexical=lite or version >= (2, 5))


def ensure_lexical(client: MilvusClient, name: str) -> None:
    """Create the lexical collection where it is missing, and load it."""
    if not client.has_collection(name):
        schema = _base_schema(client)
        schema.add_field(
            "tokens",
            DataType.VARCHAR,
            max_length=MAX_TOKENS_BYTES,
            enable_analyzer=True,
            analyzer_params={"tokenizer": "standard"},
        )
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=["tokens"],
                output_field_names=["sparse"],
            )
        )
        index = client.prepare_index_params()
        index.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        client.create_collection(name, schema=schema, index_params=index)
    client.load_collection(name)


def ensure_dense(client: MilvusClient, name: str, dimension: int) -> None:
    """Create the dense collection where it is missing, and load it. Raises StoreError on another size.

    The index is created before the first row: building a large one through the client later may
    outlast the connection's keepalive.
    """
    if not client.has_collection(name):
        schema = _base_schema(client)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        index = client.prepare_index_params()
        index.add_index(
            "vector", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200}
        )
        client.create_collection(name, schema=schema, index_params=index)
    found = _dimension(client, name)
    if found != dimension:
        raise StoreError(
            f"collection {name}: vectors of {found} dimensions, the embedder gives {dimension}; "
            "drop the collection, its rows are then embedded again"
        )
    client.load_collection(name)


def collection_name(prefix: str, leg: Leg) -> str:
    """Give the name of a leg's collection."""
    return f"{prefix}_{leg}"


def _base_schema(client: MilvusClient):  # type: ignore[no-untyped-def]  # pymilvus has no types
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.INT64, is_primary=True)
    schema.add_field("tenant", DataType.VARCHAR, max_length=64)
    schema.add_field(
        "tags",
        DataType.ARRAY,
        element_type=DataType.VARCHAR,
        max_capacity=MAX_TAGS,
        max_length=MAX_TAG_BYTES,
    )
    return schema


def _dimension(client: MilvusClient, name: str) -> int:
    for field in client.describe_collection(name)["fields"]:
        if field["name"] == "vector":
            return int(field["params"]["dim"])
    raise StoreError(f"collection {name}: has no field vector; it is not Glede's: choose another prefix")
