"""Connections to endpoints that may be dead, slow, or not what they are taken for."""

import asyncio
import functools
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from glede.milvus.probe.target import Tls, UnreachableError

MOST_BYTES = 1 << 20
# A look-up of a name cannot be cancelled: names that nobody answers for must not hold up those of others.
_LOOKUPS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="glede-lookup")
_FAULTS = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)


@functools.lru_cache(maxsize=1)
def _system_context() -> ssl.SSLContext:
    """Give the context with the system's authorities, of which one takes 2 MiB."""
    return ssl.create_default_context()


def context_of(tls: Tls) -> ssl.SSLContext:
    """Make a context. Raises UnreachableError for certificates that cannot be read."""
    if tls.verify and tls.authority is None and tls.certificate is None:
        return _system_context()
    try:
        return _made(tls)
    except (ssl.SSLError, ValueError) as error:
        raise UnreachableError(f"a certificate of ours cannot be read: {type(error).__name__}") from error


def _made(tls: Tls) -> ssl.SSLContext:
    if not tls.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cadata=tls.authority.decode() if tls.authority else None)
    if tls.certificate and tls.key:
        # The library reads a key from a file only; the folder is ours alone, and goes at once.
        with tempfile.TemporaryDirectory(prefix="glede-probe-") as folder:
            path = Path(folder, "pair.pem")
            path.touch(mode=0o600)
            path.write_bytes(tls.certificate + b"\n" + tls.key)
            context.load_cert_chain(path)
    return context


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Give host and port of ``host:port``; an IPv6 host without its brackets."""
    host, _, port = endpoint.rpartition(":")
    return host.strip("[]"), int(port)


async def resolve(endpoint: str) -> None:
    """Look a name up. Raises UnreachableError."""
    host, port = split_endpoint(endpoint)
    look_up = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        await asyncio.get_running_loop().run_in_executor(_LOOKUPS, look_up)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"the name {host} is not known") from error


@dataclass(slots=True)
class Connection:
    """A connection whose every message is bounded."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def frame(self) -> bytes:
        """Read a message with its length in four bytes before it. Raises UnreachableError for another."""
        size = int.from_bytes(await self.reader.readexactly(4))
        if not 0 < size <= MOST_BYTES:
            raise UnreachableError("it answers in another protocol")
        return await self.reader.readexactly(size)


@asynccontextmanager
async def connected(endpoint: str, tls: Tls | None) -> AsyncIterator[Connection]:
    """Connect to an endpoint. Raises UnreachableError, also for what fails within the block."""
    host, port = split_endpoint(endpoint)
    context = context_of(tls) if tls else None
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        yield Connection(reader, writer)
    except _FAULTS as error:
        raise UnreachableError(why(error)) from error
    finally:
        if writer is not None:
            # Not waited for: a peer that is silent would hold the close of TLS up.
            writer.transport.abort()


def why(error: BaseException) -> str:
    """Say why a connection failed, without what a library tells of its insides."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or 'handshake failed').replace('_', ' ').lower()}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError | BrokenPipeError):
        return "it closed the connection"
    if isinstance(error, OSError):
        return (error.strerror or "connection failed").lower()
    return "it answers in another protocol"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP; the names of its headers are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def http_client(tls: Tls | None) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client that follows no redirect and no proxy of the environment."""
    verify = context_of(tls) if tls else _no_context()
    async with httpx2.AsyncClient(verify=verify, trust_env=False, timeout=None) as client:
        yield client


@functools.lru_cache(maxsize=1)
def _no_context() -> ssl.SSLContext:
    """Give an empty context for connections without TLS, which the library would make a full one for."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def ask(client: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    """Send a request and read its answer within a limit of size. Raises UnreachableError."""
    async with streamed(client, request) as response:
        return Answer(response.status_code, await read_all(response), dict(response.headers))


@asynccontextmanager
async def streamed(client: httpx2.AsyncClient, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
    """Send a request and give its answer while it comes.

    Raises UnreachableError, also for what fails within the block.
    """
    request.headers["accept-encoding"] = "identity"
    try:
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
    except (httpx2.HTTPError, httpx2.InvalidURL, *_FAULTS) as error:
        # With TLS 1.3 a refused certificate of ours shows only here, and past the library.
        raise UnreachableError(_root(error)) from error


async def read_all(response: httpx2.Response) -> bytes:
    """Read an answer within a limit of size. Raises UnreachableError."""
    body = bytearray()
    async for chunk in response.aiter_raw(64 * 1024):
        body += chunk
        if len(body) > MOST_BYTES:
            raise UnreachableError("it answers with too much")
    return bytes(body)


def _root(error: BaseException) -> str:
    """Find the system's reason below the library's: the deepest that the system itself gave."""
    found: OSError | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, OSError) and (cause.errno is not None or found is None):
            found = cause
        cause = cause.__cause__ or cause.__context__
    if found is not None:
        return why(found)
    if isinstance(error, httpx2.ConnectError):
        return "connection failed"
    return "it does not answer as an HTTP server does"
