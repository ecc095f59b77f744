"""Documents on the page: adding, progress, refusals, deletion."""

import base64
import re

import httpx
from playwright.sync_api import Page, Route, expect
from tests.web.conftest import UPLOAD_BYTES, Guard
from tests.web.desk import BACKUP, DRAINING, INGEST_MS, MENU, Desk

DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name));
  const fire = (type) => document.querySelector('main').dispatchEvent(
    new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  fire('dragover');
  const shown = !document.getElementById('veil').hidden;
  fire('drop');
  return shown;
}"""


def test_empty_service_invites(desk: Desk, page: Page) -> None:
    expect(page.locator("#start")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.click("#start-pick")
    assert chooser.value.is_multiple()
    desk.add_and_wait({"menu.md": MENU})
    expect(page.locator("#start")).to_be_hidden()


def test_several_files_by_picker(desk: Desk, page: Page) -> None:
    desk.add({"draining.md": DRAINING, "备份.md": BACKUP})
    expect(desk.row("draining.md")).to_be_visible()
    desk.wait_ready("draining.md", "备份.md")
    expect(page.locator("li.doc .doc-open")).to_have_text(["draining.md", "备份.md"])
    expect(page.locator("#tally")).to_have_text("2")
    expect(desk.row("draining.md").locator("progress")).to_be_hidden()
    passages = {one["name"]: one["chunks"] for one in desk.documents()}
    unit = "passage" if passages["draining.md"] == 1 else "passages"
    expect(desk.row("draining.md")).to_contain_text(f"{passages['draining.md']} {unit}")


def test_drag_and_drop(desk: Desk, page: Page) -> None:
    veil = page.evaluate(DROP, ["dropped.md", base64.b64encode(MENU.encode()).decode()])
    assert veil, "nothing showed that the file can be dropped"
    desk.wait_ready("dropped.md")
    expect(page.locator("#veil")).to_be_hidden()


def test_same_bytes_twice_is_one_document(desk: Desk, page: Page) -> None:
    desk.add_and_wait({"menu.md": MENU})
    desk.add({"menu.md": MENU})
    expect(page.locator("#live")).to_contain_text("menu.md")
    expect(page.locator("li.doc")).to_have_count(1)


def test_list_survives_reload(desk: Desk, page: Page) -> None:
    desk.add_and_wait({"menu.md": MENU, "备份.md": BACKUP})
    page.reload()
    desk.wait_ready("menu.md", "备份.md")


def test_wrong_kind_is_not_sent(desk: Desk, page: Page) -> None:
    desk.add({"tool.exe": b"MZ"})
    row = desk.row("tool.exe")
    expect(row).to_have_attribute("data-status", "refused")
    expect(row).to_contain_text(".docx")
    row.get_by_role("button", name="Dismiss tool.exe").click()
    expect(page.locator("li.doc")).to_have_count(0)
    expect(page.locator("#pick")).to_be_focused()


def test_a_file_added_before_the_page_knows_what_is_taken_is_checked_all_the_same(
    desk: Desk, page: Page
) -> None:
    held: list[Route] = []
    page.route("**/v1/info", lambda route: held.append(route))  # noqa: PLW0108 - it wants a function
    page.reload()
    desk.add({"tool.exe": b"MZ"})
    expect(desk.row("tool.exe")).to_have_attribute("data-status", "waiting")
    held[0].continue_()
    expect(desk.row("tool.exe")).to_have_attribute("data-status", "refused")


def test_empty_file(desk: Desk) -> None:
    desk.add({"nothing.txt": b""})
    expect(desk.row("nothing.txt").locator(".problem")).to_have_text("Not accepted: The file is empty.")


def test_too_large_file(desk: Desk) -> None:
    desk.add({"large.txt": b"a" * (UPLOAD_BYTES + 1)})
    expect(desk.row("large.txt").locator(".problem")).to_contain_text("the limit is")
    assert desk.documents() == []


def test_broken_file_shows_the_message_of_the_service(desk: Desk, guard: Guard) -> None:
    guard.statuses = {415, 422}
    desk.add({"broken.pdf": b"%PDF-1.7\nthis is no PDF at all\n"})
    row = desk.row("broken.pdf")
    expect(row).to_have_attribute("data-status", re.compile("failed|refused"), timeout=INGEST_MS)
    known = [one["error"]["message"] for one in desk.documents() if one["error"]]
    for message in known:
        expect(row.locator(".problem")).to_contain_text(message)
    assert len(row.locator(".problem").inner_text()) > len("Could not be read: ")


def test_delete_asks_first_and_deletes(desk: Desk, page: Page) -> None:
    desk.add_and_wait({"menu.md": MENU, "备份.md": BACKUP})
    remove = page.get_by_role("button", name="Delete menu.md")
    remove.click()
    expect(page.locator("#confirm")).to_contain_text('Delete "menu.md"?')
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    expect(remove).to_be_focused()
    assert len(desk.documents()) == 2
    remove.click()
    page.click("#confirm-yes")
    expect(desk.row("menu.md")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete 备份.md")).to_be_focused()
    assert [one["name"] for one in desk.documents()] == ["备份.md"]
    hits = httpx.post(f"{desk.url}/v1/search", json={"query": "dumplings on Thursdays"}).json()["hits"]
    assert "menu.md" not in {hit["document"] for hit in hits}


def test_tags_are_sent_and_limit_a_question(desk: Desk, page: Page) -> None:
    page.click(".tagging summary")
    page.fill("#tags", "kitchen, food")
    desk.add_and_wait({"menu.md": MENU})
    page.fill("#tags", "")
    desk.add_and_wait({"draining.md": DRAINING})
    assert {one["name"]: sorted(one["tags"]) for one in desk.documents()}["menu.md"] == ["food", "kitchen"]
    page.get_by_role("button", name="kitchen", exact=True).click()
    with page.expect_request("**/v1/ask") as asked:
        desk.ask("When does the canteen serve dumplings?")
    assert (asked.value.post_data_json or {})["tags"] == ["kitchen"]
    expect(desk.turn.locator(".source-name").first).to_have_text("menu.md")


def test_many_documents_can_be_found_by_name(desk: Desk, page: Page) -> None:
    files: dict[str, str | bytes] = {f"note-{n}.txt": f"Note number {n} is about kites.\n" for n in range(9)}
    desk.add_and_wait(files)
    page.fill("#filter", "NOTE-3")
    expect(page.locator("li.doc:visible")).to_have_count(1)
    page.fill("#filter", "")
    expect(page.locator("li.doc:visible")).to_have_count(9)
