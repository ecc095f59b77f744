"""Health, readiness and metrics over HTTP.

Alive means that the process sees what happens in the cluster, not that a server answers.
"""

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

MOST_CONNECTIONS = 16
CONNECTION_SECONDS = 5.0
POLL_SECONDS = 0.2

Check = Callable[[], str | None]

log = logging.getLogger(__name__)


class Health:
    """Checks by name. A check gives what is wrong, or None; it is called from another thread."""

    def __init__(self) -> None:
        self._live: dict[str, Check] = {}
        self._ready: dict[str, Check] = {}

    def register(self, name: str, check: Check) -> None:
        """Add a check of whether the process must be restarted."""
        self._live[name] = check

    def register_ready(self, name: str, check: Check) -> None:
        """Add a check of whether the process can do its work."""
        self._ready[name] = check

    def live(self) -> list[str]:
        """Give the problems that a restart may mend."""
        return _problems(self._live)

    def ready(self) -> list[str]:
        """Give what the process still waits for."""
        return _problems(self._ready)


def _problems(checks: dict[str, Check]) -> list[str]:
    found = []
    for name, check in list(checks.items()):
        try:
            problem = check()
        except Exception as error:
            log.exception("the check %s failed", name)
            problem = f"the check failed: {error!r}"
        if problem is not None:
            found.append(f"{name}: {problem}")
    return found


class HealthServer(ThreadingHTTPServer):
    """Serves /healthz, /readyz and /metrics until closed; ``port`` is where."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], registry: CollectorRegistry, health: Health) -> None:
        self.registry = registry
        self.health = health
        self._since: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), name="health", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def close(self) -> None:
        """Stop listening and end all connections."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        self._hang_up(time.monotonic())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless too many are at it."""
        with self._lock:
            full = len(self._since) >= MOST_CONNECTIONS
            if not full:
                self._since[request] = time.monotonic()
        if full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Hang up on clients that take too long, a byte at a time or not at all."""
        self._hang_up(time.monotonic() - CONNECTION_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what a connection died of; a client that goes away is not worth more."""
        log.debug("the connection of %s ended early: %r", client_address, sys.exception())

    def _hang_up(self, before: float) -> None:
        with self._lock:
            for request, since in self._since.items():
                if since <= before:
                    # The thread that serves it then reads an end, and closes it.
                    _hang_up(request)


def _hang_up(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("the client hung up first")


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = CONNECTION_SECONDS
    server_version = "glede"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.server.registry), content_type)
        elif path == "/healthz":
            self._judge(self.server.health.live())
        elif path == "/readyz":
            self._judge(self.server.health.ready())
        else:
            self._text(HTTPStatus.NOT_FOUND, "there are /healthz, /readyz and /metrics")

    def _judge(self, problems: list[str]) -> None:
        if problems:
            self._text(HTTPStatus.SERVICE_UNAVAILABLE, "\n".join(problems))
        else:
            self._text(HTTPStatus.OK, "ok")

    def _text(self, status: HTTPStatus, text: str) -> None:
        self._answer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        log.debug("%s %s", self.address_string(), format % args)


def serve(host: str, port: int, registry: CollectorRegistry, health: Health) -> HealthServer:
    """Serve in threads of its own; port 0 takes a free one. Raises OSError when the port is taken."""
    return HealthServer((host, port), registry, health)
