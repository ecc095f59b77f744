"""The transport against an API server that misbehaves, and without a way to one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lab.api import ApiLab
from lab.faults import faulty_api
from lightkube import Client
from tests.kube.live import MANAGER, config_map, connected, events_of

from glede.kube.errors import ApiError, Gone, KubeconfigError, TooManyRequests, Unavailable, error_from
from glede.kube.http import Bounds, HttpTransport
from glede.kube.objects import CONFIG_MAP, LEASE, NODE, Key
from glede.kube.transport import Selection

pytestmark = pytest.mark.anyio


def kubeconfig_of(path: Path, server: str, user: dict[str, Any] | None = None) -> Path:
    context = {"cluster": "c", "user": "u"}
    body = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": context}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(body))
    return path


@asynccontextmanager
async def scripted(tmp_path: Path, script: list[bytes | float], **options: Any) -> AsyncIterator[Any]:
    """Serve every request with the bytes and the pauses of a script; gives a transport and what it asked."""
    asked: list[bytes] = []
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            for step in script:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await asyncio.sleep(step)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        config = kubeconfig_of(tmp_path / "config", address)
        async with server, connected(config, **options) as transport:
            yield transport, asked
    finally:
        for task in serving:
            if task:
                task.cancel()
        await asyncio.gather(*(task for task in serving if task), return_exceptions=True)
        await asyncio.sleep(0.01)  # a transport is closed by the loop's next rounds


def http(status: int, body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} Word\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


STREAM = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


async def test_rule_2_a_half_open_connection_is_noticed(api: ApiLab, tmp_path: Path, kube: Client) -> None:
    bounds = Bounds(request=2.0, silence=0.5)
    # The namespace gets a ConfigMap of its own, whenever the cluster's managers come to it.
    ours = Selection(kube.namespace, "spoken=yes")
    spoken = config_map(kube.namespace, "heard")
    spoken["metadata"]["labels"] = {"spoken": "yes"}
    with faulty_api(api.kubeconfig, tmp_path / "faulty") as proxy:
        async with connected(tmp_path / "faulty", bounds=bounds) as transport:
            page = await transport.list(CONFIG_MAP, ours)
            stream = transport.watch(
                CONFIG_MAP, ours, resource_version=page.resource_version, timeout_seconds=60
            )
            async with aclosing(stream):
                await transport.create(CONFIG_MAP, spoken)
                assert (await anext(stream)).object["metadata"]["name"] == "heard"
                proxy.silent = True
                with pytest.raises(Unavailable, match=r"watch .*configmaps"):
                    await anext(stream)
            with pytest.raises(Unavailable, match=r"get .*configmaps"):
                await transport.get(CONFIG_MAP, Key(kube.namespace, "heard"))
            proxy.silent = False


@pytest.mark.parametrize(
    ("script", "kind", "match"),
    [
        ([http(200, b"<html>")], Unavailable, "not JSON"),
        ([http(200, b"[1]")], Unavailable, "expected an object"),
        ([http(200, b'{"a": "' + b"x" * 2000 + b'"}')], Unavailable, "more than 1000 bytes"),
        ([http(503, b"no healthy upstream")], Unavailable, "no healthy upstream"),
        ([http(200, b"{}")[:-1], 5.0], Unavailable, "get /api"),
        ([b"HTTP/1.1 200 OK\r\n", 5.0], Unavailable, "TimeoutError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], Unavailable, "RemoteProtocolError"),
        ([b"no HTTP\r\n\r\n"], Unavailable, "RemoteProtocolError"),
        ([http(418, b'{"reason": "Teapot", "message": "short"}')], ApiError, "418 Teapot: short"),
        ([http(302, b"", "Location: http://192.0.2.1/\r\n")], ApiError, "302"),
    ],
)
async def test_an_api_server_that_misbehaves(
    tmp_path: Path, script: list[bytes | float], kind: type[ApiError], match: str
) -> None:
    bounds = Bounds(request=1.0, silence=1.0, object_bytes=1000)
    async with scripted(tmp_path, script, bounds=bounds) as (transport, _):
        with pytest.raises(kind, match=match):
            await transport.get(CONFIG_MAP, Key("a", "b"))


EVENT = json.dumps({"type": "ADDED", "object": {"metadata": {"name": "\u2028\x85"}}}, ensure_ascii=False)


async def test_an_event_may_come_in_pieces_and_hold_any_separator_of_lines(tmp_path: Path) -> None:
    line = EVENT.encode() + b"\n"
    script: list[bytes | float] = [STREAM + line[:20], 0.05, line[20:50], 0.05, line[50:] + line + b"\n"]
    async with scripted(tmp_path, script) as (transport, asked):
        events = await events_of(transport, Selection("a", "b=c"), "7")
    assert [event.object["metadata"]["name"] for event in events] == ["\u2028\x85"] * 2
    assert b"labelSelector=b%3Dc" in asked[0]
    assert b"allowWatchBookmarks=true" in asked[0]


@pytest.mark.parametrize(
    ("script", "match"),
    [
        ([STREAM + EVENT.encode()[:30]], "within a watch event"),
        ([STREAM + b"x" * 2000, 5.0], "more than 1000 bytes"),
        ([STREAM + b"{}\n"], "KeyError"),
        ([STREAM + b"<html>\n"], "not JSON"),
        ([STREAM, 5.0], "ReadTimeout"),
        ([http(500, b"oh")], "500 Unknown: oh"),
    ],
)
async def test_a_watch_that_misbehaves(tmp_path: Path, script: list[bytes | float], match: str) -> None:
    bounds = Bounds(silence=1.0, object_bytes=1000)
    async with scripted(tmp_path, script, bounds=bounds) as (transport, _):
        with pytest.raises(Unavailable, match=match):
            await events_of(transport, Selection("a"), "7")


async def test_a_request_cancelled_while_it_shakes_hands_leaves_no_socket(tmp_path: Path) -> None:
    greeted, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.set()
        while await reader.read(1 << 16):
            pass
        ended.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connected(kubeconfig_of(tmp_path / "config", address)) as transport:
            asking = asyncio.create_task(transport.get(CONFIG_MAP, Key("a", "b")))
            await asyncio.wait_for(greeted.wait(), 10)
            asking.cancel()
            await asyncio.wait_for(ended.wait(), 10)
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_it_tells_who_asks_and_how_it_went(tmp_path: Path) -> None:
    seen: list[tuple[str, str, int]] = []

    def observe(verb: str, plural: str, code: int, seconds: float) -> None:
        assert seconds >= 0
        seen.append((verb, plural, code))

    script: list[bytes | float] = [http(429, b"", "Retry-After: 7\r\n")]
    async with scripted(tmp_path, script, version="1.2", observe=observe) as (transport, asked):
        with pytest.raises(TooManyRequests) as refused:
            await transport.get(NODE, Key("", "n/1"))
    async with connected(kubeconfig_of(tmp_path / "no", "http://127.0.0.1:1"), observe=observe) as transport:
        with pytest.raises(Unavailable):
            await transport.list(LEASE, Selection())
    assert refused.value.retry_after == 7.0
    assert b"GET /api/v1/nodes/n%2F1 HTTP/1.1" in asked[0]
    assert b"User-Agent: glede/1.2\r\n" in asked[0]
    assert seen == [("get", "nodes", 429), ("list", "leases", 0)]


async def test_a_plugin_for_credentials_that_is_missing(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "no-such-plugin"}
    config = kubeconfig_of(tmp_path / "config", "http://127.0.0.1:1", {"exec": plugin})
    async with connected(config) as transport:
        with pytest.raises(Unavailable, match="no-such-plugin"):
            await transport.get(CONFIG_MAP, Key("a", "b"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "not found"),
        ("a: [", "cannot be used"),
        ("clusters: []", "contexts"),
        ("{clusters: [], contexts: [], current-context: x}", "'x' not found"),
        ("- 1", "cannot be used"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named(
    tmp_path: Path, text: str | None, match: str
) -> None:
    path = tmp_path / "config"
    if text:
        path.write_text(text)
    with pytest.raises(KubeconfigError, match=match) as refused:
        HttpTransport.connect(path, manager=MANAGER)
    assert str(path) in str(refused.value)


@given(st.integers(100, 599), st.one_of(st.binary(), st.just(b'{"details": {"retryAfterSeconds": 3}}')))
def test_every_answer_makes_an_error(status: int, body: bytes) -> None:
    error = error_from(status, body)
    assert (error.status, isinstance(error, Unavailable)) == (status, status >= 500)
    assert str(status) in str(error)


def test_a_status_of_a_watch_makes_an_error() -> None:
    gone = error_from(410, {"reason": "Expired", "message": "too old", "details": {"retryAfterSeconds": 3}})
    assert isinstance(gone, Gone)
    assert (gone.reason, gone.message, gone.retry_after) == ("Expired", "too old", 3.0)
    assert isinstance(error_from(0), Unavailable)
    assert str(error_from(0)) == "no answer Unknown: no message"
