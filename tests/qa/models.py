"""A local endpoint that speaks OpenAI's protocol, well or badly: faults a real one cannot be made to show."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

DIMENSION = 4


@dataclass
class Model:
    """What the endpoint does, to be set by a test, and what it saw."""

    url: str = ""
    pieces: list[str] = field(default_factory=list)
    status: int = 200
    raw: bytes | None = None
    cut: bool = False
    dimension: int = DIMENSION
    rows: list[list[float]] | None = None
    slow: threading.Event | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


def _chunk(text: str) -> bytes:
    body = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
    return f"data: {json.dumps(body)}\n\n".encode()


def embed(text: str, dimension: int = DIMENSION) -> list[float]:
    """A vector by the counts of some letters: near texts are near, which is all that is needed."""
    return [1.0 + text.count(letter) for letter in "abcdefgh"[:dimension]]


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, made for one model
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            model.requests.append(body)
            model.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(model.status)
            self.send_header("content-type", "application/json")
            if model.cut:
                self.send_header("content-length", "100000")
            self.end_headers()
            try:
                self._embeddings(body) if self.path.endswith("/embeddings") else self._chat()
            except (BrokenPipeError, ConnectionResetError):
                model.left.set()

        def _embeddings(self, body: dict[str, Any]) -> None:
            if model.raw is not None:
                self.wfile.write(model.raw)
                return
            rows = model.rows or [embed(text, model.dimension) for text in body["input"]]
            # In another order than asked: the index tells which is which.
            data = [{"index": n, "embedding": row} for n, row in enumerate(rows)][::-1]
            self.wfile.write(json.dumps({"data": data}).encode())

        def _chat(self) -> None:
            if model.raw is not None:
                self.wfile.write(model.raw)
                return
            for piece in model.pieces:
                self.wfile.write(_chunk(piece))
                self.wfile.flush()
            if model.slow:
                self._wait(model.slow)
            if not model.cut:
                self.wfile.write(b"data: [DONE]\n\n")

        def _wait(self, until: threading.Event) -> None:
            end = time.monotonic() + 30
            while not until.wait(0.05) and time.monotonic() < end:
                self.wfile.write(b": waiting\n\n")
                self.wfile.flush()

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def endpoint() -> Iterator[Model]:
    """Run the endpoint on a free port."""
    model = Model()
    server = _Server(("127.0.0.1", 0), _handler(model))
    model.url = str(httpx.URL(f"http://127.0.0.1:{server.server_address[1]}/v1"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        if model.slow:
            model.slow.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
