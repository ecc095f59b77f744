"""Real etcds and object stores on loopback, and endpoints that answer wrongly, for tests."""

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from lab.binaries import find_binary
from lab.certificates import Authority
from lab.controlplane import free_ports
from lab.daemons import wait_for

ROOT = ("store-admin", "store-secret/+=1")


@dataclass(frozen=True)
class Served:
    """A server that runs; ``authority`` signed its certificate where it has one."""

    endpoint: str
    scheme: str
    authority: bytes | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False)

    def post(self, path: str, body: dict[str, object], token: str = "") -> dict[str, object]:
        headers = {"authorization": token} if token else {}
        answer = httpx2.post(f"{self.scheme}://{self.endpoint}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


@contextmanager
def running(
    arguments: list[str], env: Mapping[str, str], healthy: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        arguments,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in wait_for(arguments[0], 30):
            assert process.poll() is None, f"{arguments[0]} ended"
            if healthy():
                break
        yield process
    finally:
        process.kill()
        process.wait()


def answers(url: str, authority: Path | None = None) -> Callable[[], bool]:
    verify = ssl.create_default_context(cafile=authority) if authority else ssl.create_default_context()

    def ask() -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return httpx2.get(url, verify=verify, trust_env=False).status_code == 200
        return False

    return ask


@contextmanager
def etcd(folder: Path, tls: Authority | None = None, **flags: str) -> Iterator[Served]:
    port, peer = free_ports(2)
    scheme = "https" if tls else "http"
    url = f"{scheme}://127.0.0.1:{port}"
    wanted = {
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": f"http://127.0.0.1:{peer}",
        "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
        "initial-cluster": f"default=http://127.0.0.1:{peer}",
        "unsafe-no-fsync": "true",
        **flags,
    }
    if tls:
        pair = tls.issue("etcd", "etcd", names=["127.0.0.1"])
        wanted |= {"cert-file": str(pair.certificate), "key-file": str(pair.key)}
    arguments = [str(find_binary("etcd")), *(f"--{name}={value}" for name, value in wanted.items())]
    authority = tls.pair.certificate if tls else None
    with running(arguments, {}, answers(f"{url}/health", authority)) as process:
        certificate = authority.read_bytes() if authority else None
        yield Served(f"127.0.0.1:{port}", scheme, certificate, process)


@contextmanager
def etcds(folder: Path, count: int = 3) -> Iterator[list[Served]]:
    """Run an etcd of several members."""
    ports = free_ports(2 * count)
    clients, peers = ports[:count], ports[count:]
    cluster = ",".join(f"m{number}=http://127.0.0.1:{peer}" for number, peer in enumerate(peers))
    with contextlib.ExitStack() as stack:
        served = []
        for number, (port, peer) in enumerate(zip(clients, peers, strict=True)):
            wanted = {
                "name": f"m{number}",
                "data-dir": str(folder / f"m{number}"),
                "listen-client-urls": f"http://127.0.0.1:{port}",
                "advertise-client-urls": f"http://127.0.0.1:{port}",
                "listen-peer-urls": f"http://127.0.0.1:{peer}",
                "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
                "initial-cluster": cluster,
                "unsafe-no-fsync": "true",
            }
            arguments = [str(find_binary("etcd")), *(f"--{name}={value}" for name, value in wanted.items())]
            process = stack.enter_context(running(arguments, {}, lambda: True))
            served.append(Served(f"127.0.0.1:{port}", "http", None, process))
        for one in served:
            healthy = answers(f"http://{one.endpoint}/health")
            for _ in wait_for(f"etcd {one.endpoint}", 30):
                if healthy():
                    break
        yield served


@contextmanager
def minio(folder: Path, tls: Authority | None = None) -> Iterator[Served]:
    (port,) = free_ports(1)
    scheme = "https" if tls else "http"
    certificates = folder / "certs"
    certificates.mkdir()
    if tls:
        pair = tls.issue("minio", "minio", names=["127.0.0.1"])
        (certificates / "public.crt").write_bytes(pair.certificate.read_bytes())
        (certificates / "private.key").write_bytes(pair.key.read_bytes())
    env = {"MINIO_ROOT_USER": ROOT[0], "MINIO_ROOT_PASSWORD": ROOT[1], "MINIO_BROWSER": "off"}
    address = f"127.0.0.1:{port}"
    arguments = [str(find_binary("minio")), "server", str(folder / "data"), "--address", address]
    arguments += ["--certs-dir", str(certificates), "--quiet"]
    authority = tls.pair.certificate if tls else None
    url = f"{scheme}://{address}/minio/health/cluster/read"
    with running(arguments, env, answers(url, authority)) as process:
        certificate = authority.read_bytes() if authority else None
        yield Served(address, scheme, certificate, process)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def faulty(handler: Handler) -> AsyncIterator[str]:
    """Serve by ``handler``; gives host:port."""
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1")
    try:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def black_hole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything, answer nothing."""
    while await reader.read(65536):
        pass


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer well-formed HTTP without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what is no protocol at all."""
    await reader.read(1)
    writer.write(b"\x00\xff{]\r\n<?xml\x01" * 50)
    await writer.drain()


async def huge_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce a message of two gigabytes and begin to send it."""
    await reader.read(1)
    writer.write(b"\x7f\xff\xff\xff")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


def http(status: int, body: bytes) -> Handler:
    """Answer one thing to every request."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
        )
        writer.write(body)
        await writer.drain()

    return handler
