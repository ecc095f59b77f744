"""Faults that the real service cannot be made to show at will are put into its answers here."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from tests.web.conftest import Guard
from tests.web.desk import Desk

CITATION = {
    "n": 1,
    "document_id": "d",
    "document": "kite.md",
    "page": 2,
    "label": "",
    "page_kind": "slide",
    "start": 0,
    "end": 10,
    "quote": "Kites glide.",
}


def stream(*events: tuple[str, object]) -> str:
    return "".join(f": keep-alive\n\nevent: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def answer_with(page: Page, body: str) -> None:
    page.route("**/v1/ask", lambda route: route.fulfill(body=body, content_type="text/event-stream"))


def problem(status: int, detail: str = "", **headers: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail}
    return {
        "status": status,
        "body": json.dumps(body),
        "headers": {"Content-Type": "application/problem+json", **headers},
    }


def test_unsupported_sentence_is_marked_in_words(desk: Desk, page: Page) -> None:
    done = {
        "answer": "Kites glide. [1] They also sing opera.",
        "found": True,
        "citations": [CITATION],
        "sentences": [
            {"text": "Kites glide. [1]", "citations": [1], "supported": True},
            {"text": "They also sing opera.", "citations": [], "supported": False},
        ],
        "timings": {"total_ms": 1234.5},
    }
    answer_with(
        page, stream(("citations", {"citations": [CITATION]}), ("delta", {"text": "Kites"}), ("done", done))
    )
    turn = desk.ask("What do kites do?")
    expect(turn.locator(".unsupported")).to_have_count(1)
    expect(turn.locator(".unsupported")).to_have_text("They also sing opera. (no source)")
    expect(turn.locator(".caution")).to_contain_text("1 sentence has no source")
    expect(turn.locator(".source-place")).to_have_text("slide 2")
    expect(turn.locator(".turn-foot")).to_contain_text("1.23 s")
    expect(turn.get_by_role("button", name="Source 1: kite.md, slide 2")).to_be_visible()


def test_number_without_source_is_no_button(desk: Desk, page: Page) -> None:
    done = {"answer": "See [7] and [1].", "found": True, "citations": [CITATION], "sentences": []}
    answer_with(page, stream(("done", done)))
    turn = desk.ask("What do kites do?")
    expect(turn.locator(".prose")).to_have_text("See [7] and [1].")
    expect(turn.locator(".marker")).to_have_count(1)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            stream(
                ("delta", {"text": "Half an"}), ("error", {"status": 502, "detail": "The writer is away."})
            ),
            "away",
        ),
        (stream(("delta", {"text": "Half an"})), "broke off before its end"),
    ],
)
def test_stream_that_ends_badly_keeps_its_text_and_offers_retry(
    desk: Desk, page: Page, body: str, shown: str
) -> None:
    answer_with(page, body)
    turn = desk.ask("What do kites do?")
    expect(turn.locator(".prose")).to_have_text("Half an")
    expect(turn.locator(".problem")).to_contain_text(shown)
    page.unroute("**/v1/ask")
    turn.get_by_role("button", name="Try again").click()
    expect(page.locator("article.turn")).to_have_count(1)
    expect(desk.turn.locator(".verdict")).to_have_text("Not in your documents")


def test_busy_service_tells_when_to_come_back(desk: Desk, page: Page, guard: Guard) -> None:
    guard.statuses = {429}
    page.route("**/v1/ask", lambda route: route.fulfill(**problem(429, **{"Retry-After": "7"})))
    turn = desk.ask("What do kites do?")
    expect(turn.locator(".problem")).to_have_text("The service is busy. Try again in 7 s.")
    page.click("#language")
    expect(turn.locator(".problem")).to_have_text("服务繁忙，请在 7 秒后重试。")


def test_busy_upload_waits_and_is_sent_again(desk: Desk, page: Page, guard: Guard) -> None:
    guard.statuses = {429}
    page.route(
        "**/v1/documents",
        lambda route: route.fulfill(**problem(429, **{"Retry-After": "1"})),
        times=1,
    )
    desk.add_and_wait({"patient.txt": "Patience is a virtue of kites.\n"})


def test_upload_over_a_lost_connection_can_be_retried(desk: Desk, page: Page, guard: Guard) -> None:
    page.route("**/v1/documents", lambda route: route.abort(), times=1)
    desk.add({"lost.txt": "Lost and found.\n"})
    row = desk.row("lost.txt")
    expect(row.locator(".problem")).to_contain_text("cannot be reached")
    guard.errors.clear()
    row.get_by_role("button", name="Try again").click()
    desk.wait_ready("lost.txt")


def test_stop_ends_a_question(desk: Desk, page: Page) -> None:
    def hold(route: Route) -> None:
        """Leave the question without an answer."""

    page.route("**/v1/ask", hold)
    page.fill("#question", "What do kites do?")
    page.press("#question", "Enter")
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("#send")).to_be_hidden()
    page.click("#stop")
    expect(desk.turn.locator(".verdict")).to_have_text("Stopped.")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#send")).to_be_visible()


def test_key_is_asked_for_kept_in_the_tab_and_sent(desk: Desk, page: Page, guard: Guard) -> None:
    guard.statuses = {401}
    seen: list[str | None] = []

    def check(route: Route) -> None:
        seen.append(route.request.headers.get("authorization"))
        if seen[-1] == "Bearer right":
            route.continue_()
        else:
            route.fulfill(**problem(401))

    page.route("**/v1/documents*", check)
    page.reload()
    expect(page.locator("#key")).to_be_visible()
    expect(page.locator("#key-value")).to_be_focused()
    for key in ("wrong", "right"):
        page.fill("#key-value", key)
        page.keyboard.press("Enter")
        if key == "wrong":
            expect(page.locator("#key-wrong")).to_be_visible()
    expect(page.locator("#key")).to_be_hidden()
    desk.add_and_wait({"secret.txt": "Kites keep secrets.\n"})
    page.reload()
    desk.wait_ready("secret.txt")
    assert seen[:2] == [None, "Bearer wrong"]
    assert set(seen[2:]) == {"Bearer right"}
    assert page.evaluate("localStorage.getItem('glede.key')") is None


def test_giving_up_on_the_key_leaves_a_message(page: Page, guard: Guard) -> None:
    guard.statuses = {401}
    page.route("**/v1/documents*", lambda route: route.fulfill(**problem(401)))
    page.reload()
    expect(page.locator("#key")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shelf-notice")).to_contain_text("A key is needed")
    page.unroute("**/v1/documents*")
    page.locator("#shelf-notice").get_by_role("button", name="Try again").click()
    expect(page.locator("#shelf-notice")).to_be_empty()


def test_citation_of_a_deleted_document_says_so(desk: Desk, page: Page, guard: Guard) -> None:
    guard.statuses = {404}
    desk.fill_shelf()
    turn = desk.ask("How long does a query node drain before it stops?")
    page.get_by_role("button", name="Delete draining.md").click()
    page.click("#confirm-yes")
    expect(desk.row("draining.md")).to_have_count(0)
    turn.locator(".source").first.click()
    expect(page.locator("#viewer-text .problem")).not_to_be_empty()
    page.keyboard.press("Escape")
