"""Blocks as a Word document with real heading, list and table styles, for Chinese text."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

from blocks import Block, Run, parse_blocks
from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

LATIN_FONT, CHINESE_FONT, CODE_FONT = "Calibri", "Microsoft YaHei", "Consolas"
STAMP = datetime(2026, 3, 1)  # noqa: DTZ001 - the core properties take a naive UTC time
ZIP_STAMP = (1980, 1, 1, 0, 0, 0)
TABLE_STYLE = "Light Grid Accent 1"
UNUSED_PARTS = {"stylesWithEffects", "thumbnail", "customXml"}
LISTS = {"bullet": "List Bullet", "number": "List Number"}


def docx_bytes(source: str) -> bytes:
    """A .docx of the Markdown text; the first heading is also its title property."""
    document = Document()
    _set_fonts(document)
    blocks = parse_blocks(source)
    for block in blocks:
        _add(document, block)
    _set_properties(document, "".join(run.text for run in blocks[0].runs))
    _trim(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return _repacked(buffer.getvalue())


def _set_fonts(document: DocxDocument) -> None:
    for name in ("Normal", "Heading 1", "Heading 2", "List Bullet", "List Number"):
        style = document.styles[name]
        style.font.name = LATIN_FONT
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE_FONT)
    document.styles["Normal"].font.size = Pt(10.5)


def _set_properties(document: DocxDocument, title: str) -> None:
    core = document.core_properties
    core.title, core.author, core.last_modified_by = title, "Glede handbook", "Glede handbook"
    core.comments, core.language, core.revision = "", "zh-CN", 1
    core.created = core.modified = core.last_printed = STAMP


def _trim(document: DocxDocument) -> None:
    """Drop what the library's template brings and nothing here uses: most of the uncompressed size."""
    for rels in (document.part.rels, document.part.package.rels):
        for key in [key for key, rel in rels.items() if rel.reltype.rsplit("/", 1)[-1] in UNUSED_PARTS]:
            del rels[key]
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in {TABLE_STYLE, "Normal Table"}:
            style.delete()


def _add(document: DocxDocument, block: Block) -> None:
    if block.kind == "heading":
        _fill(document.add_heading(level=block.level), block.runs)
    elif block.kind == "code":
        document.add_paragraph().add_run(block.text).font.name = CODE_FONT
    elif block.kind == "table":
        _add_table(document, block)
    else:
        _fill(document.add_paragraph(style=LISTS.get(block.kind, "Normal")), block.runs)


def _add_table(document: DocxDocument, block: Block) -> None:
    table = document.add_table(rows=len(block.rows), cols=len(block.rows[0]), style=TABLE_STYLE)
    for row, cells in zip(table.rows, block.rows, strict=True):
        for cell, runs in zip(row.cells, cells, strict=True):
            _fill(cell.paragraphs[0], runs)
    # The header row repeats on every page the table reaches.
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001
    document.add_paragraph()


def _fill(paragraph: Paragraph, runs: list[Run]) -> None:
    for run in runs:
        added = paragraph.add_run(run.text)
        added.bold = True if run.style == "bold" else None
        added.italic = True if run.style == "italic" else None
        if run.style == "code":
            added.font.name = CODE_FONT


def _repacked(data: bytes) -> bytes:
    """The same parts under one fixed time and uncompressed: deflate differs between zlib builds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, ZIP_STAMP)
            part.create_system = 0  # the same byte on every platform
            new.writestr(part, old.read(name))
    return buffer.getvalue()
