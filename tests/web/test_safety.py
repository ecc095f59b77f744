"""Documents are strangers' text: none of it may become markup, and nothing leaves the origin."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect
from tests.web.desk import Desk

WEB = Path(__file__).parents[2] / "src" / "glede" / "qa" / "web"
ATTACK = "<img src=x onerror=\"window.hit='image'\"><script>window.hit='script'</script>"


def test_markup_in_documents_stays_text(desk: Desk, page: Page) -> None:
    name = "<img src=x onerror=\"window.hit='name'\">.txt"
    desk.add({name: f"The codeword of the garden is {ATTACK} rhubarb.\n\nNothing else grows there.\n"})
    stored = desk.wait_ingested(1)[0]["name"]
    assert "<img" in stored
    desk.wait_ready(stored)
    turn = desk.ask(f"What is the codeword of the garden? {ATTACK}")
    expect(turn.locator("h3")).to_contain_text("<script>")
    expect(turn.locator(".source-name").first).to_have_text(stored)
    turn.locator(".source").first.click()
    expect(page.locator("#viewer mark")).to_contain_text("onerror")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Delete {stored}").click()
    expect(page.locator("#confirm-title")).to_contain_text(stored)
    page.keyboard.press("Escape")
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.images.length") == 1, "an image was made from a document's text"


def test_policy_allows_this_origin_only(service: str) -> None:
    policy = httpx.get(service).headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    assert directives["default-src"] == "'self'"
    assert directives["base-uri"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert not re.search(r"unsafe|\*|https?:", policy)


def test_every_file_is_served_with_its_type(service: str) -> None:
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path in sorted(WEB.iterdir()):
        if path.suffix in types:
            answer = httpx.get(f"{service}/web/{path.name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(types[path.suffix]), path.name
            assert answer.content == path.read_bytes()
    assert httpx.get(f"{service}/web/__init__.py").status_code == 404
    assert httpx.get(f"{service}/web/..%2f__init__.py").status_code == 404


def test_the_page_stays_small() -> None:
    """The page is read over slow links too; weight comes in unnoticed."""
    files = [path for path in WEB.iterdir() if path.suffix in {".html", ".js", ".css", ".svg"}]
    assert sum(path.stat().st_size for path in files) < 80_000
