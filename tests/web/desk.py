"""What a person does with the page, in the words of the tests."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

INGEST_MS = 60_000
ANSWER_MS = 30_000

DRAINING = """# Draining a query node

A query node drains for at most thirty minutes before it stops.
Its segments are moved first, and its leaders are moved last.
Queries go on being answered while the node drains.

# Losing a query node

When a query node is lost, its segments are loaded again by the remaining nodes.
A second replica answers in the meantime, so no query fails.
"""
BACKUP = """# 备份与恢复

备份可以恢复到另一个集群，只要两个集群的版本相同。
恢复之前必须先停止写入，否则会丢失数据。
每周应当演练一次恢复。

# 存储

备份保存在对象存储中，默认保留三十天。
"""
MENU = """# Lunch

The canteen serves soup on Mondays and dumplings on Thursdays.
Vegetarian dishes are marked with a green leaf.
"""


@dataclass(frozen=True)
class Desk:
    """The open page and the address of its service."""

    page: Page
    url: str

    def add(self, files: dict[str, str | bytes]) -> None:
        """Choose files by the picker; text is sent as UTF-8."""
        payloads = [
            {
                "name": name,
                "mimeType": "application/octet-stream",
                "buffer": body.encode() if isinstance(body, str) else body,
            }
            for name, body in files.items()
        ]
        self.page.set_input_files("#file", payloads)  # type: ignore[arg-type]

    def row(self, name: str) -> Locator:
        title = self.page.get_by_text(name, exact=True)
        return self.page.locator("li.doc").filter(has=title)

    def wait_ready(self, *names: str) -> None:
        for name in names:
            expect(self.row(name)).to_have_attribute("data-status", "ready", timeout=INGEST_MS)

    def add_and_wait(self, files: dict[str, str | bytes]) -> None:
        self.add(files)
        self.wait_ready(*files)

    def fill_shelf(self) -> None:
        """Three documents: two that answer the questions of the tests, one that is noise."""
        self.add_and_wait({"draining.md": DRAINING, "备份.md": BACKUP, "menu.md": MENU})

    @property
    def turn(self) -> Locator:
        """The newest question with its answer."""
        return self.page.locator("article.turn").first

    def ask(self, question: str) -> Locator:
        """Type a question, send it by Enter and wait for the end of its answer."""
        before = self.page.locator("article.turn").count()
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        expect(self.page.locator("article.turn")).to_have_count(before + 1)
        expect(self.turn.locator(".answer")).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)
        return self.turn

    def documents(self) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = httpx.get(f"{self.url}/v1/documents").json()["documents"]
        return documents

    def wait_ingested(self, count: int) -> list[dict[str, Any]]:
        """The documents as the service has them, once `count` of them are ready."""
        deadline = time.monotonic() + INGEST_MS / 1000
        while time.monotonic() < deadline:
            ready = [one for one in self.documents() if one["status"] == "ready"]
            if len(ready) >= count:
                return ready
            self.page.wait_for_timeout(100)  # not sleep: the guard's routes run only inside Playwright
        raise AssertionError(f"not {count} documents ready: {self.documents()}")

    def script(self, module: str, expression: str, *arguments: object) -> Any:
        """The value of `expression`, in which `m` is a module of the page and `a` the arguments."""
        source = f"async (a) => {{ const m = await import('{self.url}/web/{module}'); return {expression}; }}"
        return self.page.evaluate(source, list(arguments))
