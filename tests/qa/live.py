"""A running service for tests: in this process with real HTTP, or as a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from glede.api.documentqa import DocumentQA
from glede.api.manifest import load_documentqa
from glede.cli.server import Server
from glede.qa.engine import Engine

WAIT_SECONDS = 60.0
DONE = {"ready", "failed"}


class Api:
    """Calls to a service as a client makes them."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60.0)

    def upload(self, name: str, data: bytes | str, tags: str | None = None) -> httpx.Response:
        content = data.encode() if isinstance(data, str) else data
        form = None if tags is None else {"tags": tags}
        return self.http.post("/v1/documents", files={"file": (name, content)}, data=form)

    def settled(self, document: str) -> dict[str, Any]:
        """Wait for a document to be ready or failed, and give its body."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            body: dict[str, Any] = self.http.get(f"/v1/documents/{document}").raise_for_status().json()
            if body["status"] in DONE:
                return body
            time.sleep(0.02)
        pytest.fail(f"{body} after {WAIT_SECONDS:.0f} s")

    def add(self, name: str, data: bytes | str, tags: str | None = None) -> str:
        """Upload and wait until ready; gives the id."""
        response = self.upload(name, data, tags)
        assert response.status_code in {200, 202}, response.text
        body = self.settled(response.json()["id"])
        assert body["status"] == "ready", body
        return str(body["id"])

    def search(self, query: str, **more: Any) -> list[dict[str, Any]]:
        response = self.http.post("/v1/search", json={"query": query, **more})
        hits: list[dict[str, Any]] = response.raise_for_status().json()["hits"]
        return hits

    def ask(self, question: str, **more: Any) -> dict[str, Any]:
        response = self.http.post("/v1/ask", json={"question": question, **more})
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 500}
        while True:
            body = self.http.get("/v1/documents", params=query).raise_for_status().json()
            found += body["documents"]
            if body["next"] is None:
                return found
            query["cursor"] = body["next"]

    def page(self, document: str, number: int) -> str:
        response = self.http.get(f"/v1/documents/{document}/pages/{number}")
        return str(response.raise_for_status().json()["text"])


class Live(Api):
    """A service in this process, listening on a free loopback port."""

    def __init__(self, engine: Engine, server: Server) -> None:
        super().__init__(server.url)
        self.engine = engine
        self.clients: list[httpx.Client] = [self.http]
        self.port = httpx.URL(server.url).port

    def with_key(self, tenant: str) -> Api:
        api = Api(self.url, self.engine.keys.add(tenant, "test"))
        self.clients.append(api.http)
        return api


def write_manifest(folder: Path, **spec: Any) -> Path:
    body = {
        "apiVersion": "glede.io/v1alpha1",
        "kind": "DocumentQA",
        "metadata": {"name": "test"},
        "spec": {"dataDir": "data", "listen": {"port": 0}, "embedder": {"kind": "none"}, **spec},
    }
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(body, allow_unicode=True))
    return path


def manifest_of(folder: Path, **spec: Any) -> DocumentQA:
    return load_documentqa(write_manifest(folder, **spec))


@contextlib.contextmanager
def running(folder: Path, *, ingest: bool = True, **spec: Any) -> Iterator[Live]:
    """Run a service in this process; without ``ingest`` uploads stay queued."""
    engine = Engine.open(manifest_of(folder, **spec))
    try:
        server = Server(engine)
        if ingest:
            engine.start()
        server.start()
        live = Live(engine, server)
        try:
            yield live
        finally:
            for client in live.clients:
                client.close()
            server.stop()
    finally:
        engine.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """``glede serve`` as a process of its own, in a session of its own so that kill() takes its children."""

    manifest: Path
    url: str
    log: Path
    api: Api = field(init=False)
    popen: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.api = Api(self.url)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "glede", "serve", str(self.manifest)],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            if self.popen.poll() is not None:
                pytest.fail(f"the service ended with {self.popen.returncode}:\n{self.tail()}")
            with contextlib.suppress(httpx.TransportError):
                if self.api.http.get("/readyz").status_code == 200:
                    return
            time.sleep(0.02)
        pytest.fail(f"the service was not ready in {WAIT_SECONDS:.0f} s:\n{self.tail()}")

    def kill(self) -> None:
        """SIGKILL to the service and its parser."""
        assert self.popen is not None
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(30)

    def stop(self) -> int:
        assert self.popen is not None
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(30)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


@contextlib.contextmanager
def process(folder: Path, **spec: Any) -> Iterator[Process]:
    """A service process, not started yet; whatever runs at the end is killed."""
    port = free_port()
    path = write_manifest(folder, **{"listen": {"port": port}, **spec})
    service = Process(path, f"http://127.0.0.1:{port}", folder / "service.log")
    try:
        yield service
    finally:
        service.api.http.close()
        if service.popen is not None and service.popen.poll() is None:
            service.kill()


def glede(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "glede", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "COLUMNS": "1000", "TERM": "dumb"},
    )


def problem(response: httpx.Response) -> tuple[int, str]:
    """The status and detail of a problem document, checked to be one."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["type"] == "about:blank"
    return response.status_code, body["detail"]
