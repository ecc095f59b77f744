"""Questions and answers: sources, the page of a citation, the history of the session."""

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.web.conftest import EXAMPLES, QUESTION_CHARS
from tests.web.desk import Desk

ENGLISH = "How long does a query node drain before it stops?"
CHINESE = "备份可以恢复到另一个集群吗？"


def cited_quote(turn: Locator, index: int) -> str:
    """The whole quote of a source; the card may show only its first lines."""
    return turn.locator(".source-quote").nth(index).text_content() or ""


@pytest.mark.parametrize(
    ("question", "document", "words"),
    [(ENGLISH, "draining.md", "thirty minutes"), (CHINESE, "备份.md", "恢复到另一个集群")],
)
def test_answer_with_sources(desk: Desk, page: Page, question: str, document: str, words: str) -> None:
    desk.fill_shelf()
    turn = desk.ask(question)
    expect(turn.locator("h3")).to_have_text(question)
    expect(turn.locator(".prose")).to_contain_text(words)
    expect(turn.locator(".source-name").first).to_have_text(document)
    expect(turn.locator(".marker").first).to_have_text("[1]")
    expect(page.locator("#live")).to_contain_text(words)
    expect(page.locator("#question")).to_have_value("")


@pytest.mark.parametrize("question", [ENGLISH, CHINESE])
def test_citation_opens_its_page_with_the_quote_marked(desk: Desk, page: Page, question: str) -> None:
    desk.fill_shelf()
    turn = desk.ask(question)
    turn.locator(".marker").first.click()
    dialog = page.locator("#viewer")
    expect(dialog).to_be_visible()
    expect(dialog.locator("mark")).to_have_count(1)
    assert dialog.locator("mark").text_content() == cited_quote(turn, 0)
    expect(dialog.locator("mark")).to_be_in_viewport()
    expect(page.locator("#viewer-name")).to_have_text(turn.locator(".source-name").first.inner_text())
    page.click("#viewer-close")
    expect(dialog).to_be_hidden()


def test_quote_is_marked_by_code_points(desk: Desk, page: Page) -> None:
    """Characters outside the basic plane before the quote count once, not twice."""
    before = "🪁🪁 The kite 𠮷𠀋 flies over 🏔️ hills. " * 3
    desk.add_and_wait({"astral.txt": f"{before}\nThe treasure is buried under the seventh birch tree 🌳.\n"})
    question = "Where is the treasure buried?"
    turn = desk.ask(question)
    citation = httpx.post(f"{desk.url}/v1/ask", json={"question": question}, timeout=30).json()["citations"][
        0
    ]
    turn.locator(".source").first.click()
    mark = page.locator("#viewer mark")
    expect(mark).to_contain_text("seventh birch tree")
    text = page.locator("#viewer-text").text_content() or ""
    assert any(ord(character) > 0xFFFF for character in text[: citation["start"]])
    assert mark.evaluate("(node) => node.previousSibling.textContent") == text[: citation["start"]]
    assert mark.text_content() == citation["quote"] == text[citation["start"] : citation["end"]]


def test_source_far_down_a_page_is_scrolled_to(desk: Desk, page: Page) -> None:
    filler = "".join(f"Line {n} tells nothing of interest about ordinary gardens.\n\n" for n in range(150))
    desk.add_and_wait({"long.txt": f"{filler}The lighthouse keeper owns eleven grey cats.\n\n{filler}"})
    turn = desk.ask("How many cats does the lighthouse keeper own?")
    turn.locator(".source").filter(has_text="eleven").first.click()
    expect(page.locator("#viewer mark")).to_be_in_viewport()
    assert page.locator("#viewer-sheet").evaluate("(node) => node.scrollTop") > 0


def test_turning_pages_and_back_to_the_quote(desk: Desk, page: Page) -> None:
    pages = "".join(f"# Part {n}\n\nPart {n} describes garden number {n}.\n\n" for n in range(1, 5))
    desk.add_and_wait({"parts.html": to_html(pages)})
    document = desk.documents()[0]
    turn = desk.ask("Which part describes garden number 3?")
    turn.locator(".source").first.click()
    mark = page.locator("#viewer mark")
    expect(mark).to_have_count(1)
    here = page.locator("#viewer-place").inner_text()
    if document["pages"] == 1:
        expect(page.locator("#viewer-next")).to_have_attribute("aria-disabled", "true")
        return
    step, other = ("next", "previous")
    if page.locator("#viewer-next").get_attribute("aria-disabled") == "true":
        step, other = other, step
    page.click(f"#viewer-{step}")
    expect(mark).to_have_count(0)
    expect(page.locator("#viewer-place")).not_to_have_text(here)
    page.click("#viewer-back")
    expect(mark).to_have_count(1)
    expect(page.locator("#viewer-place")).to_have_text(here)


def to_html(markdown: str) -> str:
    lines = (
        f"<h1>{line[2:]}</h1>" if line.startswith("# ") else f"<p>{line}</p>"
        for line in markdown.splitlines()
    )
    return f"<!doctype html><title>Parts</title>{''.join(lines)}"


def test_copy_quote(desk: Desk, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.url)
    desk.fill_shelf()
    turn = desk.ask(ENGLISH)
    turn.locator(".source").first.click()
    page.click("#viewer-copy")
    expect(page.locator("#viewer-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == cited_quote(turn, 0)


def test_not_found_is_said(desk: Desk) -> None:
    desk.fill_shelf()
    turn = desk.ask("Who won the chess tournament in Reykjavik?")
    expect(turn.locator(".verdict")).to_have_text("Not in your documents")
    expect(turn.locator(".prose")).to_have_count(0)


def test_history_folds_and_survives_reload(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    desk.ask(ENGLISH)
    desk.ask(CHINESE)
    titles = page.locator("article.turn h3")
    expect(titles).to_have_text([CHINESE, ENGLISH])
    expect(page.locator("article.turn details").nth(1)).not_to_have_attribute("open", "")
    page.reload()
    expect(titles).to_have_text([CHINESE, ENGLISH])
    desk.turn.locator(".marker").first.click()
    expect(page.locator("#viewer mark")).to_have_count(1)
    page.keyboard.press("Escape")
    page.click("#clear")
    expect(titles).to_have_count(0)
    page.reload()
    expect(page.locator("#answers")).to_be_hidden()


def test_examples_of_the_service_can_be_asked(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    expect(page.locator(".example")).to_have_text(EXAMPLES)
    page.get_by_role("button", name=EXAMPLES[0]).click()
    expect(desk.turn.locator("h3")).to_have_text(EXAMPLES[0])
    expect(desk.turn.locator(".answer")).to_have_attribute("aria-busy", "false")


def test_length_is_shown_and_too_long_is_not_sent(desk: Desk, page: Page) -> None:
    page.fill("#question", "🪁" * QUESTION_CHARS)
    expect(page.locator("#ask-count")).to_have_text(f"{QUESTION_CHARS} / {QUESTION_CHARS}")
    page.fill("#question", "🪁" * (QUESTION_CHARS + 1))
    expect(page.locator("#ask-count")).to_contain_text("Too long")
    page.press("#question", "Enter")
    expect(page.locator("article.turn")).to_have_count(0)
    expect(page.locator("#question")).not_to_have_value("")


def test_shift_enter_writes_a_line_and_composing_does_not_send(desk: Desk, page: Page) -> None:
    page.fill("#question", "first")
    page.press("#question", "Shift+Enter")
    page.locator("#question").press_sequentially("second")
    expect(page.locator("#question")).to_have_value("first\nsecond")
    page.locator("#question").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(page.locator("article.turn")).to_have_count(0)
    page.press("#question", "Enter")
    expect(page.locator("article.turn")).to_have_count(1)
    expect(desk.turn.locator(".answer")).to_have_attribute("aria-busy", "false")


def test_document_can_be_read_from_the_shelf(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    desk.row("menu.md").locator(".doc-open").click()
    expect(page.locator("#viewer-text")).to_contain_text("dumplings on Thursdays")
    expect(page.locator("#viewer mark")).to_have_count(0)
    expect(page.locator("#viewer-copy")).to_be_hidden()
