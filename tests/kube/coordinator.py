"""A stand-in for the management API of Milvus's proxies, with what its query nodes hold.

It answers as Milvus's own handlers do (forms in, JSON out; 400 without an ID, 500 with words for a node that
is not there). There is no image of a Milvus here that has them.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

BELOW = "/management/querycoord/"


@dataclass
class Coordinator:
    """Query nodes by ID: each one's address and segments. One that is suspended loses one at each look."""

    nodes: dict[int, str] = field(default_factory=dict)
    segments: dict[int, int] = field(default_factory=dict)
    suspended: dict[int, float] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    lacking: bool = False
    moves: bool = True
    endpoint: str = ""

    def register(self, number: int, address: str, segments: int) -> None:
        self.nodes[number], self.segments[number] = address, segments

    def begins_anew(self) -> None:
        """As a standby that takes over: it knows of no suspended node."""
        self.suspended.clear()

    def asked_for(self, path: str) -> list[dict[str, str]]:
        return [form for called, form in self.calls if called == path]

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.calls.append((path, form))
        if self.lacking:
            return 404, None
        if path == "node/list":
            infos = [
                {"ID": number, "address": f"{at}:21123", "state": "Normal"}
                for number, at in self.nodes.items()
            ]
            return 200, {"nodeInfos": infos} if infos else {}
        text = form.get("node_id") or form.get("source_node_id") or ""
        if not text.isdecimal():
            return 400, {"msg": 'failed, strconv.ParseInt: parsing "": invalid syntax'}
        if int(text) not in self.nodes:
            return 500, {"msg": f"failed, node not found[node={text}]"}
        return self._of_node(path, int(text))

    def _of_node(self, path: str, number: int) -> tuple[int, Any]:
        if path == "node/suspend":
            self.suspended.setdefault(number, time.monotonic())
        elif path == "node/resume":
            self.suspended.pop(number, None)
        elif path == "distribution/get":
            held = self.segments[number]
            self.segments[number] -= 1 if held and self.moves and number in self.suspended else 0
            return 200, {"channel_names": None, "sealed_segmentIDs": [str(n) for n in range(held)]}
        elif path.startswith("transfer/"):
            return 500, {"msg": "failed to balance segments, it is on its way"}
        return 200, {"msg": "OK"}


@contextmanager
def coordinator() -> Iterator[Coordinator]:
    """Serve one while the block lasts."""
    found = Coordinator()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            status, answer = found.answer(self.path.removeprefix(BELOW), form)
            body = b"404 page not found" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.endpoint = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
