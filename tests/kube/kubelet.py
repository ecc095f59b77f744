"""A node whose kubelet serves logs and nothing else: at level ``api`` there is none that has any."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from lab.api import ApiLab
from lab.certificates import Authority
from lightkube.resources.core_v1 import Node

ADDRESS = "127.0.0.1"


class Kubelet:
    """``logs`` by (pod, container, previous); ``asked``: the paths and queries that came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.logs: dict[tuple[str, str, bool], str] = {}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    def answer(self, target: str) -> str | None:
        """Give the log that a request asks for."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.asked.append((path, query))
        _, kind, _, pod, container = path.split("/")
        return self.logs.get((pod, container, "previous" in query)) if kind == "containerLogs" else None


@contextlib.contextmanager
def node_with_logs(lab: ApiLab, name: str) -> Iterator[Kubelet]:
    """Add a node whose kubelet is a server in this process; both are gone after the block."""
    pair = Authority(lab.places.pki).issue("logs-kubelet", "kubelet", names=[ADDRESS])
    server = ThreadingHTTPServer((ADDRESS, 0), _handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    kubelet = Kubelet(server.server_address[1])
    server.kubelet = kubelet  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    api = lab.client()
    api.create(Node.from_dict({"metadata": {"name": name}}))
    status = {
        "addresses": [{"type": "InternalIP", "address": ADDRESS}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
    }
    try:
        api.patch(Node.Status, name, {"status": status})
        yield kubelet
    finally:
        api.delete(Node, name)
        server.shutdown()
        thread.join()
        server.server_close()


class _handler(BaseHTTPRequestHandler):  # noqa: N801
    def do_GET(self) -> None:
        log = self.server.kubelet.answer(self.path)  # type: ignore[attr-defined]
        body = (log if log is not None else "no such log").encode()
        self.send_response(404 if log is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""
