import zipfile
from pathlib import Path

import pytest
from docx import Document
from tests.qa.parse.documents import read, refused, replace_parts

from glede.qa.parse import BlockKind, PageKind


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.docx"
    document = Document()
    document.core_properties.title = "Annual report"
    document.add_heading("Results", 1)
    document.add_paragraph("Kites flew higher than ever.")
    document.add_heading("By region", 3)
    document.add_paragraph("North first", style="List Bullet")
    document.add_paragraph("South second", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells),
        ["Region", "Kites", "North\nEast", "12"],
        strict=True,
    ):
        cell.text = text
    document.add_heading("Outlook", 1)
    document.add_paragraph("第一季度的销售额有所增长。")
    document.save(str(path))
    return path


def test_blocks_in_document_order(report: Path) -> None:
    document = read(report)

    assert (document.info.title, document.info.page_kind) == ("Annual report", PageKind.SECTION)
    assert [(block.kind, text) for text, block in document.blocks()] == [
        (BlockKind.HEADING, "Results"),
        (BlockKind.TEXT, "Kites flew higher than ever."),
        (BlockKind.HEADING, "By region"),
        (BlockKind.LIST, "- North first\n- South second"),
        (BlockKind.TABLE, "Region | Kites\nNorth East | 12"),
        (BlockKind.HEADING, "Outlook"),
        (BlockKind.TEXT, "第一季度的销售额有所增长。"),
    ]


def test_sections_paths_and_table_header(report: Path) -> None:
    document = read(report)

    assert [(page.number, page.label) for page in document.pages] == [(1, "Results"), (2, "Outlook")]
    assert document.path_of("North first") == ("Results", "By region")
    assert document.path_of("第一季度") == ("Outlook",)
    assert document.blocks(BlockKind.TABLE)[0][1].header == "Region | Kites"


def test_long_sections_are_cut_between_paragraphs_and_keep_their_path(tmp_path: Path) -> None:
    document = Document()
    document.add_heading("Log", 1)
    for number in range(60):
        document.add_paragraph(f"Entry {number}: " + "the kite circled over the lake. " * 6)
    path = tmp_path / "log.docx"
    document.save(str(path))

    parsed = read(path)

    assert len(parsed.pages) > 2
    assert all(len(page.text) <= 4200 for page in parsed.pages)
    assert {block.heading for _, block in parsed.blocks()} == {("Log",)}
    assert len(parsed.texts(BlockKind.TEXT)) == 60


def test_insertions_are_read_and_deletions_are_not(tmp_path: Path) -> None:
    path = tmp_path / "review.docx"
    Document().save(str(path))
    body = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>'
        "<w:r><w:t>The limit is </w:t></w:r>"
        '<w:del w:id="1" w:author="a"><w:r><w:delText>five</w:delText></w:r></w:del>'
        '<w:ins w:id="2" w:author="a"><w:r><w:t>seven</w:t></w:r></w:ins>'
        "</w:p></w:body></w:document>"
    )
    replace_parts(path, {"word/document.xml": body.encode()})

    assert read(path).text == "The limit is seven"


def test_macros_stay_unread(tmp_path: Path, report: Path) -> None:
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    content = zipfile.ZipFile(report).read("[Content_Types].xml").decode()
    macro = content.replace(types, "application/vnd.ms-word.document.macroEnabled.main+xml")
    replace_parts(report, {"[Content_Types].xml": macro.encode(), "word/vbaProject.bin": b"\xd0\xcf\x11\xe0"})

    assert "Kites flew higher than ever." in read(report, "report.docm").text


def test_no_text(tmp_path: Path) -> None:
    path = tmp_path / "blank.docx"
    Document().save(str(path))

    assert refused(path) == (
        "no_text",
        "blank.docx: there is no text in the file, so there is nothing to search",
    )


def test_damaged(report: Path) -> None:
    replace_parts(report, {"word/document.xml": b"<w:document"})

    code, message = refused(report)

    assert code == "damaged"
    assert message.startswith("report.docx: the file is damaged (")
    assert message.endswith("save it again in its program and upload that")
