"""A faulty way to the API server for one client: slow, silent or cut. Needs no root."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

BLOCK = 1 << 16
CLOSING_SECONDS = 0.05


@dataclass
class FaultyProxy:
    """Passes bytes between clients and a server; the fields may be changed while it runs.

    ``delay``: seconds before each block goes on. ``silent``: blocks are held back, connections stay.
    ``refuse``: new connections are closed at once. TLS passes through untouched. ``mute`` is for the
    connections of a moment.
    """

    host: str
    port: int
    delay: float = 0.0
    silent: bool = False
    refuse: bool = False
    listening: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _muted: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Close all connections, as a server that dies does."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def mute(self) -> None:
        """Let nothing through any more on the connections of now, and close none of them."""
        self._loop.call_soon_threadsafe(lambda: self._muted.update(self._writers))

    @property
    def muted(self) -> int:
        """How many muted connections are still held open by somebody."""
        return len(self._muted)

    def _abort_all(self) -> None:
        for writer in set(self._writers):
            writer.transport.abort()

    async def serve(self, started: threading.Event) -> None:
        """Accept clients until cancelled."""
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.listening = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        upstream_reader, upstream = await asyncio.open_connection(self.host, self.port)
        self._writers |= {writer, upstream}
        try:
            await asyncio.gather(self._pass(reader, upstream), self._pass(upstream_reader, writer))
        except asyncio.CancelledError:
            # So it ends with the proxy; asyncio would report that as an error of the handler.
            pass
        finally:
            self._writers -= {writer, upstream}
            self._muted -= {writer, upstream}
            for one in (writer, upstream):
                one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(BLOCK):
                await asyncio.sleep(self.delay)
                await self._until_heard(writer)
                writer.write(block)
                await writer.drain()
        writer.close()

    async def _until_heard(self, writer: asyncio.StreamWriter) -> None:
        # The fields are set from another thread, where an event of this loop could not be.
        while self.silent or writer in self._muted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def faulty_api(kubeconfig: Path, target: Path) -> Iterator[FaultyProxy]:
    """Write to ``target`` a kubeconfig whose server is reached through a proxy, and give the proxy."""
    body = yaml.safe_load(kubeconfig.read_text())
    server = urlsplit(body["clusters"][0]["cluster"]["server"])
    proxy = FaultyProxy(str(server.hostname), int(server.port or 443))
    started = threading.Event()
    thread = threading.Thread(target=_run, args=(proxy, started), name="lab-proxy", daemon=True)
    thread.start()
    started.wait(10)
    try:
        body["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.listening}"
        target.touch(mode=0o600)
        target.write_text(yaml.safe_dump(body))
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(_cancel_all, proxy._loop)  # noqa: SLF001 - its own module
        thread.join(10)
        proxy._loop.close()  # noqa: SLF001 - its own module


def _run(proxy: FaultyProxy, started: threading.Event) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        proxy._loop.run_until_complete(proxy.serve(started))  # noqa: SLF001 - its own module
    pending = asyncio.all_tasks(proxy._loop)  # noqa: SLF001 - its own module
    if pending:
        proxy._loop.run_until_complete(asyncio.wait(pending))  # noqa: SLF001 - its own module
    # A transport is closed by the loop's next rounds, not by the call that ends it.
    proxy._loop.run_until_complete(asyncio.sleep(CLOSING_SECONDS))  # noqa: SLF001 - its own module


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
