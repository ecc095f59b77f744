"""One search in a running Milvus: make a collection, insert, search, drop.

``python -m glede.milvus.smoke --uri http://NAME-milvus.NAMESPACE.svc:19530`` is what `helm test` runs. It
speaks Milvus's REST API, so that the operator's small image suffices. Exit codes: 0 the search found what was
inserted; 1 it did not, or Milvus refused; 2 wrong usage.
"""

import argparse
import os
import random
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from glede.milvus.restful import DIALECTS, SUCCESS, Dialect

TOKEN_VARIABLE = "GLEDE_MILVUS_TOKEN"  # noqa: S105 - the variable's name
ROWS = 200
DIMENSION = 16
SEED = 20
DROP_SECONDS = 10.0
PAUSE_SECONDS = 0.5


class SmokeError(Exception):
    """The search did not do what it should."""


def smoke(uri: str, token: str, seconds: float) -> float:
    """Search once; give how many seconds all of it took.

    Raises SmokeError, with what Milvus said, when it is not done in ``seconds``. The collection, whose name
    begins with "glede_smoke_", is dropped in any case, for which there are ten seconds more.
    """
    begin = time.monotonic()
    deadline = Deadline(begin + seconds)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx2.Client(base_url=uri, headers=headers, trust_env=False) as client:
            _search(Rest(client, deadline), f"glede_smoke_{secrets.token_hex(6)}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise SmokeError(f"{words}; is Milvus there, with proxy.http.enabled not false?") from error
    except (KeyError, IndexError, TypeError) as error:
        raise SmokeError(f"an answer without what it should have: {error!r}") from error
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


@dataclass(frozen=True, slots=True)
class Rest:
    """Milvus's REST API, within a deadline."""

    client: httpx2.Client
    deadline: Deadline

    def post(self, path: str, body: dict[str, Any], seconds: float | None = None) -> Any:
        """Ask for something; gives the answer's data. Raises SmokeError, HTTPError."""
        answer = self.client.post(path, json=body, timeout=seconds or self.deadline.left())
        try:
            content = answer.json()
            code = content["code"]
        except (ValueError, KeyError, TypeError) as error:
            words = " ".join(answer.text[:200].split())
            raise SmokeError(f"{path}: HTTP {answer.status_code}, not Milvus's JSON: {words!r}") from error
        if code not in SUCCESS:
            raise SmokeError(f"{path}: code {code}: {content.get('message', 'no message')}")
        return content.get("data")


def _search(rest: Rest, collection: str) -> None:
    chance = random.Random(SEED)  # noqa: S311 - vectors, no secret
    vectors = [[chance.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(ROWS)]
    wanted = chance.randrange(ROWS)
    dialect, name = _dialect(rest), {"collectionName": collection}
    try:
        # Makes, indexes and loads it.
        rest.post(dialect.create, {**name, "dimension": DIMENSION, "metricType": "L2", "autoID": True})
        inserted = rest.post(dialect.insert, {**name, "data": [{"vector": vector} for vector in vectors]})
        wanted_id = str(inserted["insertIds"][wanted])
        _find(rest, dialect.search, {**name, **dialect.question(vectors[wanted])}, wanted_id)
    except Exception:
        with suppress(SmokeError, httpx2.HTTPError):
            rest.post(dialect.drop, name, DROP_SECONDS)
        raise
    rest.post(dialect.drop, name, DROP_SECONDS)


def _dialect(rest: Rest) -> Dialect:
    """Tell which version of the API is there, by asking for the list of collections in the first one."""
    answer = rest.client.get("/v1/vector/collections", timeout=rest.deadline.left())
    return DIALECTS[answer.status_code == httpx2.codes.NOT_FOUND]


def _find(rest: Rest, path: str, question: dict[str, Any], wanted: str) -> None:
    """Search until the row is found: version 1 answers before it knows of what was just inserted."""
    while True:
        # Version 2 may write ids as text, since JSON's numbers lose the last digits of large ones elsewhere.
        found = [str(hit["id"]) for hit in rest.post(path, question) or ()]
        if found == [wanted]:
            return
        if found:
            raise SmokeError(f"a search for row {wanted} found {found[0]}; see the query nodes' logs")
        time.sleep(PAUSE_SECONDS)
        try:
            rest.deadline.left()
        except SmokeError:
            raise SmokeError(f"a search for row {wanted} found nothing; see the query nodes' logs") from None


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
