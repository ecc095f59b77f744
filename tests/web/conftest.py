"""A real service on a free loopback port, and Debian's Chromium to look at it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, sync_playwright
from tests.web.desk import Desk

START_SECONDS = 60.0
STOP_SECONDS = 30.0
UPLOAD_BYTES = 2 * 1024 * 1024
QUESTION_CHARS = 2000
EXAMPLES = ["How long may a query node drain?", "备份可以恢复到另一个集群吗？"]
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# Tells of a refused script or style even where the browser would only write a warning.
WATCH_POLICY = """addEventListener('securitypolicyviolation',
  (event) => console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI))"""


def find_chromium() -> str:
    """Path of the browser; the test fails, rather than being skipped, when there is none."""
    path = os.environ.get("GLEDE_CHROMIUM") or shutil.which("chromium")
    if not path or not Path(path).exists():
        pytest.fail(f"no Chromium found ({path or 'not on PATH'}): run `make browser`, or set GLEDE_CHROMIUM")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(
                f"the service ended with {process.returncode} at its start:\n{log.read_text()[-4000:]}"
            )
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"the service was not ready in {START_SECONDS:.0f} s:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running service without keys, without an embedder and without a writer."""
    folder = tmp_path_factory.mktemp("web")
    port = free_port()
    manifest = {
        "apiVersion": "glede.io/v1alpha1",
        "kind": "DocumentQA",
        "metadata": {"name": "web-test"},
        "spec": {
            "dataDir": str(folder / "data"),
            "listen": {"host": "127.0.0.1", "port": port},
            "embedder": {"kind": "none"},
            "examples": EXAMPLES,
            "limits": {"uploadBytes": UPLOAD_BYTES, "questionChars": QUESTION_CHARS},
        },
    }
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(manifest, allow_unicode=True))
    log = folder / "service.log"
    command = [sys.executable, "-m", "glede", "serve", str(path)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url, process, log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=arguments)
        yield browser
        browser.close()


def delete_everything(url: str) -> None:
    while documents := httpx.get(f"{url}/v1/documents").json()["documents"]:
        for document in documents:
            httpx.delete(f"{url}/v1/documents/{document['id']}").raise_for_status()


@dataclass
class Guard:
    """What a page must not do: call another origin, write an error, break the policy.

    ``statuses`` are HTTP errors that a test provokes; the browser reports each on its console.
    """

    origin: str
    statuses: set[int] = field(default_factory=set)
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on_request(self, route: Route) -> None:
        if route.request.url.startswith((f"{self.origin}/", "data:")):
            route.fallback()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def on_console(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status}" in message.text for status in self.statuses)
        if message.type in {"error", "warning"} and not expected:
            self.errors.append(message.text)

    def watch(self, context: BrowserContext) -> None:
        context.add_init_script(WATCH_POLICY)
        context.route("**/*", self.on_request)
        context.on("console", self.on_console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def verdict(self) -> None:
        assert self.foreign == []
        assert self.errors == []


@pytest.fixture
def guard(service: str) -> Guard:
    return Guard(service)


@pytest.fixture
def context_options() -> dict[str, object]:
    """Overridden by parametrised tests: viewport, locale, colour scheme."""
    return {}


@pytest.fixture
def page(service: str, browser: Browser, guard: Guard, context_options: dict[str, object]) -> Iterator[Page]:
    """The page of an empty service, open, guarded: its teardown fails on what it must not do."""
    delete_everything(service)
    options = {"viewport": {"width": 1280, "height": 860}, "locale": "en-US", **context_options}
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    guard.watch(context)
    page = context.new_page()
    page.goto(service)
    yield page
    context.close()
    guard.verdict()


@pytest.fixture
def desk(page: Page, service: str) -> Desk:
    return Desk(page, service)
