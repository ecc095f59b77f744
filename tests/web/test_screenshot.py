"""The picture of the README: the handbook asked a question. Written where GLEDE_SCREENSHOT says."""

import os
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.web.desk import INGEST_MS, Desk

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
QUESTION = "Why are four etcd members worse than three?"
MOST_BYTES = 400_000


def test_screenshot(desk: Desk, page: Page, tmp_path: Path) -> None:
    # A browser sends names without folders; the English chapters have the Chinese ones' names.
    named = {path.name: path for path in sorted(HANDBOOK.glob("*/*"), reverse=True)}
    files = sorted(named.values(), key=lambda path: (path.suffix == ".md", str(path)))
    assert files, f"no documents in {HANDBOOK}"
    page.set_input_files("#file", [str(path) for path in files])
    ready = page.locator('li.doc[data-status="ready"]')
    expect(ready).to_have_count(len(files), timeout=INGEST_MS)
    turn = desk.ask(QUESTION)
    expect(turn.locator(".marker").first).to_be_visible()
    page.locator("#question").blur()
    page.mouse.move(0, 0)
    target = Path(os.environ.get("GLEDE_SCREENSHOT") or tmp_path / "page.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target)
    assert 20_000 < target.stat().st_size < MOST_BYTES
