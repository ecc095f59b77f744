"""For everybody: the keyboard alone, a phone, either language, either colour scheme."""

import pytest
from playwright.sync_api import Page, expect
from tests.web.desk import BACKUP, DRAINING, MENU, Desk

QUESTION = "How long does a query node drain before it stops?"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

# Contrast of every visible text with the nearest background that is not transparent.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (color) => {
    const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    const part = (i) => linear(rgba(color)[i] / 255);
    return .2126 * part(0) + .7152 * part(1) + .0722 * part(2);
  };
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const color = getComputedStyle(n).backgroundColor;
      if (rgba(color)[3] === 255) return color;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const text = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
    if (!text || !node.checkVisibility() || node.closest('.unseen, [aria-disabled=true], .pulse')) continue;
    const a = luminance(getComputedStyle(node).color), b = luminance(behind(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    found.push([ratio, node.className || node.tagName, node.textContent.trim().slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}"""

# [is it the wanted node, is its focus visible, its markup]; the question's ring is that of its form.
FOCUS = """(selector) => {
  const node = document.activeElement;
  const styles = [node, node.id === 'question' && node.closest('#ask')].filter(Boolean).map(getComputedStyle);
  const ring = styles.some((style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none');
  return [node.matches(selector), ring || node.matches('body, dialog'), node.outerHTML.slice(0, 80)];
}"""


def tab_to(page: Page, selector: str, limit: int = 60) -> None:
    """Press Tab until the focus is on `selector`; every stop on the way must show its focus."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        wanted, visible, markup = page.evaluate(FOCUS, selector)
        assert visible, f"no visible focus on {markup}"
        if wanted:
            return
    pytest.fail(f"the keyboard did not reach {selector} in {limit} steps")


def test_whole_path_by_keyboard(desk: Desk, page: Page) -> None:
    # Choosers are caught from the first listener on; that must not race with the key that opens one.
    page.on("filechooser", lambda _chooser: None)
    desk.fill_shelf()
    page.reload()
    desk.wait_ready("draining.md")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(desk.turn.locator(".marker").first).to_be_visible()
    expect(desk.turn.locator(".answer")).to_have_attribute("aria-busy", "false")
    tab_to(page, ".marker")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer mark")).to_be_visible()
    expect(page.locator("#viewer-sheet")).to_be_focused()
    tab_to(page, "#viewer-copy", 6)
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(desk.turn.locator(".marker").first).to_be_focused()
    tab_to(page, "#pick")
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


def test_delete_by_keyboard(desk: Desk, page: Page) -> None:
    desk.add_and_wait({"menu.md": MENU})
    page.locator("#pick").focus()
    tab_to(page, ".doc > button")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm-no")).to_be_focused()
    tab_to(page, "#confirm-yes", 2)
    page.keyboard.press("Enter")
    expect(page.locator("li.doc")).to_have_count(0)
    expect(page.locator("#documents-title")).to_be_focused()


@pytest.mark.parametrize("context_options", [PHONE])
def test_phone_never_scrolls_sideways(desk: Desk, page: Page) -> None:
    def no_sideways(where: str) -> None:
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1] == 360, f"{where}: {wide}"

    no_sideways("empty")
    name = f"{'a-very-long-name-without-any-space-' * 4}.md"
    desk.add_and_wait({name: DRAINING, "备份.md": BACKUP})
    desk.add({"tool.exe": b"MZ"})
    no_sideways("shelf")
    turn = desk.ask(QUESTION)
    no_sideways("answer")
    turn.locator(".marker").first.tap()
    expect(page.locator("#viewer mark")).to_be_in_viewport()
    no_sideways("viewer")
    inside = page.locator("#viewer").evaluate("(node) => node.scrollWidth <= node.clientWidth")
    assert inside
    for control in page.locator("#viewer button:visible").all():
        box = control.bounding_box()
        assert box
        assert box["height"] >= 43
        assert box["x"] + box["width"] <= 360
    page.locator("#viewer-close").tap()


@pytest.mark.parametrize(
    ("context_options", "title", "switched", "lang"),
    [
        ({"locale": "zh-CN"}, "向你的文档提问", "Ask your documents", "en"),
        ({"locale": "en-GB"}, "Ask your documents", "向你的文档提问", "zh-CN"),
        ({"locale": "de-DE"}, "Ask your documents", "向你的文档提问", "zh-CN"),
    ],
)
def test_language_follows_the_browser_and_is_remembered(
    desk: Desk, page: Page, title: str, switched: str, lang: str
) -> None:
    expect(page.locator("h1")).to_have_text(title)
    page.click("#language")
    expect(page.locator("h1")).to_have_text(switched)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    page.reload()
    expect(page.locator("h1")).to_have_text(switched)


def test_language_switch_reaches_what_is_already_there(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    desk.add({"nothing.txt": b""})
    turn = desk.ask(QUESTION)
    page.click("#language")
    expect(turn.locator(".sources h4")).to_have_text("出处")
    expect(desk.row("nothing.txt").locator(".problem")).to_have_text("未被接受：文件是空的。")
    expect(page.get_by_role("button", name="删除 menu.md")).to_be_visible()
    turn.locator(".marker").first.click()
    expect(page.locator("#viewer-copy")).to_have_text("复制引文")


def test_both_languages_have_the_same_words(desk: Desk) -> None:
    en = set(desk.script("en.js", "Object.keys(m.en)"))
    zh = set(desk.script("zh.js", "Object.keys(m.zh)"))
    assert {key for key in en if not key.endswith("_one")} == zh


@pytest.mark.parametrize("context_options", [{"color_scheme": "light"}, {"color_scheme": "dark"}])
def test_contrast(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    desk.add({"nothing.txt": b""})
    turn = desk.ask(QUESTION)
    assert_contrast(page)
    turn.locator(".marker").first.click()
    expect(page.locator("#viewer mark")).to_be_visible()
    assert_contrast(page)


def assert_contrast(page: Page) -> None:
    texts = page.evaluate(CONTRAST)
    assert len(texts) > 20
    assert texts[0][0] >= 4.5, texts[:3]


@pytest.mark.parametrize("context_options", [{"reduced_motion": "reduce"}])
def test_reduced_motion(desk: Desk, page: Page) -> None:
    page.route("**/v1/ask", lambda route: None)
    page.fill("#question", "Anything?")
    page.press("#question", "Enter")
    expect(page.locator(".pulse")).to_have_css("animation-name", "none")
    page.click("#stop")


def test_controls_have_names_and_ids_are_unique(desk: Desk, page: Page) -> None:
    desk.fill_shelf()
    desk.ask(QUESTION)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([hidden]), textarea')].filter((node) =>
          node.checkVisibility() && !node.textContent.trim() && !node.ariaLabel && !node.labels?.length
        ).map((node) => node.outerHTML)"""
    )
    assert nameless == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
