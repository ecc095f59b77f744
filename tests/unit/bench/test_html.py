from pathlib import Path

import pytest
from bench.qa.datasets.crossref import masked_sentence
from bench.qa.datasets.faq import git_headings
from bench.qa.datasets.html import HeadingRule, Part, read_parts, standard_headings, strip_number


def parts_of(tmp_path: Path, body: str, headings: HeadingRule = standard_headings) -> list[Part]:
    page = tmp_path / "page.html"
    page.write_text(f"<html><head><title>The page</title></head><body>{body}</body></html>", encoding="utf-8")
    return read_parts(page, "guide/page.html", headings)


def test_text_is_cut_at_headings_and_carries_their_path(tmp_path: Path) -> None:
    parts = parts_of(
        tmp_path, "<h1>1. Top</h1><p>One.</p><h2>1.1. First</h2><p>Two.</p><h2>Second</h2><p>Three</p>"
    )
    assert [(part.path, part.text) for part in parts] == [
        (("1. Top",), "One."),
        (("1. Top", "First"), "Two."),
        (("1. Top", "Second"), "Three"),
    ]


def test_page_title_stands_above_headings_of_a_page_without_a_top_heading(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, "<h2>Description</h2><p>It vacuums.</p>")
    assert part.path == ("The page", "Description")


def test_an_anchor_before_a_heading_belongs_to_the_section_it_opens(tmp_path: Path) -> None:
    first, second = parts_of(
        tmp_path, '<h1>A</h1><p>Text <a id="inside"></a>goes on.<a name="next"></a><h2>B</h2><p>More.</p>'
    )
    assert "inside" in first.anchors
    assert "next" not in first.anchors
    assert "next" in second.anchors


def test_navigation_and_lists_of_links_are_left_out(tmp_path: Path) -> None:
    (part,) = parts_of(
        tmp_path,
        '<div class="navheader">Prev Next</div><h1>A</h1><ul><li><a href="#b">How do I?</a></li></ul>'
        '<p>Kept, see <a href="#b">How do I?</a> for more.</p><div class="toc"><p>Contents</p></div>',
    )
    assert part.text == "Kept, see How do I? for more."


def test_a_note_caption_is_no_heading(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, '<h1>A</h1><div class="note"><h3>Note</h3><p>Mind this.</p></div>')
    assert part.path == ("A",)
    assert part.text == "Note\nMind this."


def test_preformatted_text_keeps_its_lines(tmp_path: Path) -> None:
    (part,) = parts_of(tmp_path, "<h1>A</h1><p>Run:</p><pre>one\n  two</pre>")
    assert part.text == "Run:\none\n  two"


def test_definition_terms_are_the_git_faq_questions(tmp_path: Path) -> None:
    parts = parts_of(
        tmp_path,
        '<h1>FAQ</h1><dl><dt class="hdlist1">Why?</dt><dd><p>Because.</p></dd></dl>',
        git_headings,
    )
    assert [(part.heading, part.text) for part in parts if part.paragraphs] == [("Why?", "Because.")]


def test_links_resolve_against_the_page_and_outside_links_are_dropped(tmp_path: Path) -> None:
    (part,) = parts_of(
        tmp_path,
        '<h1>A</h1><p>See <a href="../other.html#x">that</a>, <a href="#y">this</a> and'
        ' <a href="https://example.org/">the rest</a> now.</p>',
    )
    (paragraph,) = part.paragraphs
    assert [(paragraph.text[link.start : link.end], link.target) for link in paragraph.links] == [
        ("that", "other.html#x"),
        ("this", "guide/page.html#y"),
    ]


@pytest.mark.parametrize(
    ("heading", "bare"),
    [
        ("25.1.6. The Autovacuum Daemon", "The Autovacuum Daemon"),
        ("Chapter 25. Maintenance", "Maintenance"),
        ("第 7 章 软件包基础", "软件包基础"),
        ("3D objects", "3D objects"),
        ("Version control", "Version control"),
    ],
)
def test_section_numbers_are_stripped(heading: str, bare: str) -> None:
    assert strip_number(heading) == bare


def test_the_masked_sentence_holds_neither_link_text_nor_its_neighbours(tmp_path: Path) -> None:
    (part,) = parts_of(
        tmp_path,
        "<h1>A</h1><p>First one. Old rows are removed by the daemon"
        ' (see <a href="#v">Section 25.1, Vacuuming</a>) in time. Last one.</p>',
    )
    (paragraph,) = part.paragraphs
    sentence = masked_sentence(paragraph, paragraph.links[0])
    assert sentence == "Old rows are removed by the daemon in time."
