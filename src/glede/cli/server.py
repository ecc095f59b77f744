"""The HTTP server of one process, in a thread of its own."""

import ipaddress
import socket
import threading
import time

import uvicorn

from glede.qa.engine import Engine
from glede.qa.service.app import create_app

START_SECONDS = 30.0
STOP_SECONDS = 10
KEEP_ALIVE_SECONDS = 75  # longer than clients keep idle connections, so that theirs is the one that ends


class ListenError(Exception):
    """The service must not or cannot listen where the manifest says."""


class Server:
    """Serves an engine at the manifest's address. Raises ListenError."""

    def __init__(self, engine: Engine) -> None:
        listen = engine.manifest.spec.listen
        local = is_loopback(listen.host)
        if not local and not engine.keys.any():
            raise ListenError(
                f"spec.listen.host {listen.host}: without keys the service listens on loopback only; "
                "make one with `glede keys add MANIFEST`, or listen on 127.0.0.1"
            )
        self._socket = _bind(listen.host, listen.port)
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        config = uvicorn.Config(
            create_app(engine, local=local),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="glede-http", daemon=True
        )

    def start(self) -> None:
        """Begin to serve, and wait until it does."""
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise ListenError(f"the server at {self.url} did not start; its log tells why")
            time.sleep(0.01)

    def running(self) -> bool:
        """Tell whether it still serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Let running requests end, for some seconds."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS + 5)
        self._socket.close()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"spec.listen {host}:{port}: {error.strerror}; stop what listens there, or give another port"
        ) from error
    return listener
