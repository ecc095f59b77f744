"""The search that `helm test` tries, against what a Milvus may answer; the real one is in tests/e2e."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from glede.milvus.smoke import Deadline, SmokeError, main, smoke

IDS = [449_000_000_000_000_000 + n for n in range(200)]
_FIRST = (
    "/v1/vector/collections",
    "/v1/vector/collections/create",
    "/v1/vector/insert",
    "/v1/vector/search",
    "/v1/vector/collections/drop",
)
_SECOND = (
    "/v2/vectordb/collections/create",
    "/v2/vectordb/entities/insert",
    "/v2/vectordb/entities/search",
    "/v2/vectordb/collections/drop",
)


class Played:
    """A Milvus's answers, by path; a path without one is unknown to it."""

    def __init__(self, version: int) -> None:
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.vectors: list[list[float]] = []
        self.searches: list[object] = []
        self.answers: dict[str, object] = dict.fromkeys({1: _FIRST, 2: _SECOND}[version])
        self.code = {1: 200, 2: 0}[version]

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, bytes]:
        self.asked.append((path, body, token))
        if path not in self.answers:
            return 404, b"404 page not found"
        if isinstance(given := self.answers[path], bytes):
            return 200, given
        return 200, json.dumps(given or {"code": self.code, "data": self._data(path, body)}).encode()

    def _data(self, path: str, body: dict[str, Any]) -> object:
        if path.endswith("insert"):
            self.vectors = [row["vector"] for row in body["data"]]
            return {"insertCount": len(self.vectors), "insertIds": IDS}
        if path.endswith("search"):
            if self.searches:
                return self.searches.pop(0)
            (vector,) = body.get("data") or [body["vector"]]
            found = IDS[self.vectors.index(vector)]
            return [{"id": found if self.code else str(found), "distance": 0}]
        return {}

    @property
    def dropped(self) -> bool:
        created = {b["collectionName"] for path, b, _ in self.asked if path.endswith("create")}
        return created == {b["collectionName"] for path, b, _ in self.asked if path.endswith("drop")}


@contextmanager
def served(played: Played) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "")
            status, content = played.answer(self.path, json.loads(body or b"{}"), token)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815 - its name in http.server

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_search_finds_its_row_and_leaves_nothing(version: int) -> None:
    played = Played(version)
    with served(played) as uri:
        assert smoke(uri, "root:Milvus", 20) < 20
    assert played.dropped
    assert {token for _, _, token in played.asked} == {"Bearer root:Milvus"}


def test_it_asks_again_while_nothing_is_found() -> None:
    played = Played(1)
    played.searches = [[], None]
    with served(played) as uri:
        smoke(uri, "", 20)
    assert len([path for path, _, _ in played.asked if path.endswith("search")]) == 3


@pytest.mark.parametrize(
    ("path", "answer", "match"),
    [
        ("/v1/vector/search", {"code": 200, "data": [{"id": 7}]}, r"^a search for row \d+ found 7; see "),
        ("/v1/vector/search", {"code": 200, "data": []}, r"^a search for row \d+ found nothing; see "),
        (
            "/v1/vector/insert",
            {"code": 1800, "message": "no quota"},
            "^/v1/vector/insert: code 1800: no quota$",
        ),
        ("/v1/vector/insert", {"code": 200, "data": {}}, "without what it should have: KeyError"),
        ("/v1/vector/insert", b"<html>", "HTTP 200, not Milvus's JSON: '<html>'"),
        ("/v1/vector/collections/create", {"code": 65535, "message": "no node"}, "code 65535: no node"),
    ],
)
def test_a_failure_is_told_and_the_collection_goes(path: str, answer: object, match: str) -> None:
    """Milvus counts an empty answer as a success."""
    played = Played(1)
    played.answers[path] = answer
    with served(played) as uri, pytest.raises(SmokeError, match=match):
        smoke(uri, "", 1.5)
    assert played.dropped


def test_a_failure_to_drop_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    played = Played(2)
    played.answers["/v2/vectordb/collections/drop"] = {"code": 1, "message": "busy"}
    with served(played) as uri:
        assert main(["--uri", uri]) == 1
    assert capsys.readouterr().err == f"failed: {uri}: /v2/vectordb/collections/drop: code 1: busy\n"


def test_no_milvus_is_one_line_and_exit_code_1() -> None:
    command = [sys.executable, "-m", "glede.milvus.smoke", "--uri", "http://127.0.0.1:9", "--timeout", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("failed: http://127.0.0.1:9: ")
    assert "proxy.http.enabled" in line


def test_no_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SmokeError, match="no time left"):
        Deadline(0.0).left()
    assert main(["--uri", "http://127.0.0.1:9", "--timeout", "0.000001"]) == 1
    assert capsys.readouterr().err.startswith("failed: ")
