import time
from pathlib import Path
from typing import Any

import pytest
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import PageBreak, Paragraph, Preformatted, SimpleDocTemplate, Spacer
from tests.qa.parse.documents import blank_pdf, pdf, read, refused, save

from glede.qa.parse import BlockKind, PageKind, ParseLimits, open_document

CHINESE = "向量数据库是一种专门用于存储和检索高维向量的数据库系统，它支持近似最近邻搜索。"


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pdf") / "manual.pdf"
    styles = getSampleStyleSheet()
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    chinese = styles["Normal"].clone("chinese", fontName="STSong-Light", wordWrap="CJK", fontSize=10)
    SimpleDocTemplate(str(path), title="Flight manual").build(
        [
            Paragraph("Preparation", styles["Heading1"]),
            Paragraph("Check the altimeter before every flight. " * 6, styles["Normal"]),
            Spacer(1, 12),
            Paragraph("Fuel is measured by hand. " * 8, styles["Normal"]),
            Paragraph("Weather", styles["Heading2"]),
            Paragraph(CHINESE * 5, chinese),
            Preformatted("if wind > 20:\n    wait()", styles["Code"]),
            Paragraph("• one kite", styles["Normal"]),
            Paragraph("• two kites", styles["Normal"]),
            PageBreak(),
            Paragraph("The wind turns at noon.", styles["Normal"]),
            Paragraph("Landing", styles["Heading1"]),
            Paragraph("Land into the wind.", styles["Normal"]),
        ]
    )
    return path


def test_text_blocks_and_headings(manual: Path) -> None:
    document = read(manual)

    assert document.info.title == "Flight manual"
    assert (document.info.page_kind, document.info.pages) == (PageKind.PAGE, 2)
    assert document.texts(BlockKind.HEADING) == ["Preparation", "Weather", "Landing"]
    assert document.texts(BlockKind.CODE) == ["if wind > 20:\n    wait()"]
    assert document.texts(BlockKind.LIST) == ["• one kite\n• two kites"]
    paragraphs = document.texts(BlockKind.TEXT)
    assert paragraphs[0] == ("Check the altimeter before every flight. " * 6).strip()
    assert paragraphs[1] == ("Fuel is measured by hand. " * 8).strip()


def test_wrapped_chinese_is_joined_without_spaces(manual: Path) -> None:
    assert CHINESE * 5 in read(manual).texts(BlockKind.TEXT)


def test_heading_path_goes_on_to_the_next_page(manual: Path) -> None:
    document = read(manual)

    assert document.path_of("one kite") == ("Preparation", "Weather")
    assert document.path_of("turns at noon") == ("Preparation", "Weather")
    assert document.path_of("into the wind") == ("Landing",)


def test_hyphens_at_line_ends(tmp_path: Path) -> None:
    def draw(sheet: Any) -> None:
        for row, text in enumerate(
            ["a well-known exam-", "ple of hyphena-", "tion in a well-", "known book"]
        ):
            sheet.drawString(72, 700 - 14 * row, text)

    document = read(pdf(tmp_path / "hyphens.pdf", draw))

    assert document.pages[0].text == "a well-known example of hyphenation in a well-known book"


def test_outline_gives_the_heading_path(tmp_path: Path) -> None:
    def draw(sheet: Any) -> None:
        for number, (level, title) in enumerate([(0, "Birds"), (1, "Kites"), (0, "Fish")]):
            sheet.bookmarkPage(str(number))
            sheet.addOutlineEntry(title, str(number), level)
            sheet.drawString(72, 700, title)
            sheet.drawString(72, 640, f"All about {title.lower()}.")
            sheet.showPage()

    document = read(pdf(tmp_path / "outline.pdf", draw))

    assert document.path_of("about kites") == ("Birds", "Kites")
    assert document.path_of("about fish") == ("Fish",)
    assert document.texts(BlockKind.HEADING) == ["Birds", "Kites", "Fish"]


def test_contents_lines_become_a_list(tmp_path: Path) -> None:
    def draw(sheet: Any) -> None:
        sheet.drawString(72, 700, "1.1 Kites " + ". " * 30 + "7")
        sheet.drawString(72, 686, "1.2 Hawks " + "." * 40 + " 12")

    assert read(pdf(tmp_path / "c.pdf", draw)).texts(BlockKind.LIST) == ["1.1 Kites … 7\n1.2 Hawks … 12"]


def test_page_labels_and_blank_pages_keep_their_numbers(tmp_path: Path) -> None:
    def draw(sheet: Any) -> None:
        sheet.addPageLabel(0, style="ROMAN_LOWER")
        sheet.drawString(72, 700, "Preface")
        sheet.showPage()
        sheet.showPage()
        sheet.drawString(72, 700, "Third")

    pages = read(pdf(tmp_path / "labels.pdf", draw)).pages

    assert [(page.number, page.label, page.text) for page in pages] == [
        (1, "i", "Preface"),
        (2, "ii", ""),
        (3, "iii", "Third"),
    ]


def test_first_page_of_many_comes_at_once(tmp_path: Path) -> None:
    def draw(sheet: Any) -> None:
        for number in range(200):
            for row in range(50):
                sheet.drawString(72, 780 - 14 * row, f"Page {number} row {row}: kites glide over the fields.")
            sheet.showPage()

    path = pdf(tmp_path / "long.pdf", draw)
    started = time.monotonic()
    with open_document(path, path.name, ParseLimits()) as document:
        first = next(document.pages())
        waited = time.monotonic() - started

    assert first.text.startswith("Page 0 row 0: kites")
    assert document.info.pages == 200
    assert waited < 2


def test_encrypted(tmp_path: Path) -> None:
    path = pdf(tmp_path / "secret.pdf", lambda sheet: sheet.drawString(72, 700, "hidden"), password="kite")

    assert refused(path) == (
        "encrypted",
        "secret.pdf: the PDF is protected with a password; save a copy without one and upload that",
    )


def test_scanned(tmp_path: Path) -> None:
    path = pdf(tmp_path / "scan.pdf", lambda sheet: sheet.rect(72, 72, 300, 300, fill=1))

    assert refused(path) == (
        "no_text_layer",
        (
            "scan.pdf: the PDF has 1 pages but no text layer, so it is probably scanned; "
            "run OCR first (for example with ocrmypdf) and upload the result"
        ),
    )


def test_no_pages(tmp_path: Path) -> None:
    path = save(tmp_path / "none.pdf", blank_pdf(0))

    assert refused(path) == ("no_pages", "none.pdf: the PDF has no pages; save it again and upload that")


def test_too_many_pages_are_refused_before_any_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "huge.pdf", blank_pdf(10_000))
    started = time.monotonic()

    assert refused(path) == (
        "too_many_pages",
        "huge.pdf: it has 10000 pages, and 5000 are allowed; split it",
    )
    assert time.monotonic() - started < 3


def test_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "cut.pdf", b"%PDF-1.7\nnothing of the kind")

    assert refused(path) == (
        "damaged",
        "cut.pdf: the PDF is damaged or cut short; save or download it again and upload that",
    )


def test_a_page_too_large(tmp_path: Path) -> None:
    path = pdf(tmp_path / "wide.pdf", lambda sheet: sheet.drawString(72, 700, "kite " * 100))

    assert refused(path, limits=ParseLimits(max_page_chars=300)) == (
        "output_too_large",
        "wide.pdf: page 1 holds 499 characters, and 300 are allowed on one; split it",
    )
