"""Opening the index that a manifest names."""

import logging
from pathlib import Path

import grpc
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from glede.api.documentqa import MilvusTarget
from glede.qa.store.base import StoreError
from glede.qa.store.milvus import KnownRows, MilvusStore

LITE_FILE = "index.db"
# The client's own 10 s are more pings than a gRPC server allows by default: a call that runs for minutes
# (building a large index) would be cut with GOAWAY too_many_pings.
KEEPALIVE = {"grpc.keepalive_time_ms": 330_000, "grpc.keepalive_permit_without_calls": False}


def _tells_something(record: logging.LogRecord) -> bool:
    """Drop that the embedded server has no time stamps to allot: the client asks, and goes on without."""
    unimplemented = record.exc_info and record.exc_info[0] is NotImplementedError
    return not unimplemented and "mvccTs" not in record.getMessage()


def _quiet_lite() -> None:
    for name in ("grpc._server", "pymilvus.client.iterator.query_iterator"):
        logging.getLogger(name).addFilter(_tells_something)
    for name in ("faiss", "faiss.loader", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.WARNING)


def open_store(
    target: MilvusTarget, data_dir: Path, dimension: int | None, known_rows: KnownRows
) -> MilvusStore:
    """Connect to the manifest's Milvus, or open the embedded one in the data folder.

    Raises StoreError.
    """
    uri = target.uri or str(data_dir / LITE_FILE)
    if not target.uri:
        _quiet_lite()
    token = target.token_file.read_text().strip() if target.token_file else ""
    try:
        client = MilvusClient(uri, token=token, grpc_options=KEEPALIVE)
        return MilvusStore(
            client,
            target.collection_prefix,
            dimension,
            deadline_seconds=target.deadline_seconds,
            known_rows=known_rows,
        )
    except (MilvusException, grpc.RpcError, OSError, ValueError) as error:
        raise StoreError(f"{uri}: {_remedy(target, error)}") from error


def _remedy(target: MilvusTarget, error: Exception) -> str:
    if target.uri:
        return f"no Milvus answers there ({error}); check spec.store.uri and that Milvus runs"
    return (
        f"the embedded index cannot be opened ({error}); stop the other process that has it open, or, if the "
        "file is damaged, move it away: it is built again from the registry"
    )
