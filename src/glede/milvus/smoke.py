"""One search in a running Milvus: make a collection, insert, index, load, search, drop.

``python -m glede.milvus.smoke --uri http://NAME-milvus.NAMESPACE.svc:19530`` is what `helm test` runs.
It needs pymilvus. Exit codes: 0 the search found what was inserted; 1 it did not, or Milvus refused;
2 wrong usage.
"""

import argparse
import os
import random
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Any

TOKEN_VARIABLE = "GLEDE_MILVUS_TOKEN"  # noqa: S105 - the variable's name
ROWS = 200
DIMENSION = 16
SEED = 20
DROP_SECONDS = 10.0


class SmokeError(Exception):
    """The search did not do what it should."""


def smoke(uri: str, token: str, seconds: float) -> float:
    """Search once; give how many seconds all of it took.

    Raises SmokeError, with what Milvus said, when it is not done in ``seconds``. The collection, whose name
    begins with "glede_smoke_", is dropped in any case, for which there are ten seconds more.
    """
    try:
        from pymilvus import MilvusClient, MilvusException  # noqa: PLC0415 - the operator's image has none
    except ImportError as error:
        raise SmokeError("pymilvus is missing; install the extra: pip install 'glede[qa]'") from error
    begin = time.monotonic()
    try:
        client = MilvusClient(uri=uri, token=token, timeout=seconds)
        try:
            _search(client, Deadline(begin + seconds))
        finally:
            client.close()
    except MilvusException as error:
        raise SmokeError(_one_line(error)) from error
    return time.monotonic() - begin


class Deadline:
    """A moment, on the monotonic clock, by which all has to be done."""

    def __init__(self, moment: float) -> None:
        self._moment = moment

    def left(self) -> float:
        """Give the seconds left, for a call's time-out. Raises SmokeError when there are none."""
        left = self._moment - time.monotonic()
        if left <= 0:
            raise SmokeError("no time left; Milvus answers too slowly, or give --timeout more seconds")
        return left


def _search(client: Any, deadline: Deadline) -> None:
    collection = f"glede_smoke_{secrets.token_hex(6)}"
    chance = random.Random(SEED)  # noqa: S311 - vectors, no secret
    rows = [{"id": n, "vector": [chance.gauss(0, 1) for _ in range(DIMENSION)]} for n in range(ROWS)]
    wanted = chance.randrange(ROWS)
    try:
        _fill(client, collection, rows, deadline)
        # Strong: the answer has to know the rows that were just acknowledged.
        found = client.search(
            collection,
            [rows[wanted]["vector"]],
            limit=1,
            consistency_level="Strong",
            timeout=deadline.left(),
        )
    finally:
        client.drop_collection(collection, timeout=DROP_SECONDS)
    ids = [hit["id"] for hit in found[0]]
    if ids != [wanted]:
        raise SmokeError(
            f"a search for row {wanted} of {ROWS} found {ids or 'nothing'}; see the query nodes' logs"
        )


def _fill(client: Any, collection: str, rows: list[dict[str, Any]], deadline: Deadline) -> None:
    from pymilvus import DataType  # noqa: PLC0415 - as above

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSION)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="L2")
    client.create_collection(collection, schema=schema, timeout=deadline.left())
    client.create_index(collection, index, timeout=deadline.left())
    client.load_collection(collection, timeout=deadline.left())
    client.insert(collection, rows, timeout=deadline.left())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m glede.milvus.smoke",
        description=f"Search once in a Milvus. A token, as user:password, comes from {TOKEN_VARIABLE}.",
    )
    parser.add_argument("--uri", required=True, help="as http://my-milvus-milvus.default.svc:19530")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for all of it (60)")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command and print one line; give its exit code."""
    arguments = _arguments(given)
    try:
        seconds = smoke(arguments.uri, os.environ.get(TOKEN_VARIABLE, ""), arguments.timeout)
    except SmokeError as error:
        sys.stderr.write(f"failed: {arguments.uri}: {error}\n")
        return 1
    sys.stdout.write(
        f"ok: {arguments.uri}: inserted {ROWS} rows, found the one searched for, {seconds:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
