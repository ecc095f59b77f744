"""Blocks as a paged PDF: A4, standard fonts (Latin only), outline, page numbers, table headers repeated."""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

from blocks import Block, Run, parse_blocks
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Preformatted,
    Spacer,
    Table,
    TableStyle,
)

MARGIN = 22 * mm
CHAPTER_ROOM = 60 * mm  # a chapter does not begin lower than this above the foot
PADDING = 6
WIDTH = A4[0] - 2 * MARGIN
TITLE = "The four layers of high availability"
INK = colors.HexColor("#1c2733")
LINE = colors.HexColor("#b9c3cd")
SHADE = colors.HexColor("#eef2f6")

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=6, textColor=INK)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=8.8, leading=11.5, spaceAfter=0)
HEAD = ParagraphStyle("head", parent=CELL, fontName="Helvetica-Bold")
CODE = ParagraphStyle("code", parent=BODY, fontName="Courier", fontSize=8.2, leading=10.4, spaceAfter=0)
HEADINGS = {
    1: ParagraphStyle(
        "h1",
        parent=BODY,
        fontName="Helvetica-Bold",
        fontSize=18,
        leading=23,
        spaceBefore=16,
        spaceAfter=10,
        keepWithNext=1,
    ),
    2: ParagraphStyle(
        "h2",
        parent=BODY,
        fontName="Helvetica-Bold",
        fontSize=12.5,
        leading=16,
        spaceBefore=9,
        spaceAfter=4,
        keepWithNext=1,
    ),
}
MARKS = {"plain": "{}", "bold": "<b>{}</b>", "italic": "<i>{}</i>", "code": '<font face="Courier">{}</font>'}


class _Document(BaseDocTemplate):  # type: ignore[misc] # reportlab has no types
    """Adds every heading to the PDF's outline."""

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        style = getattr(getattr(flowable, "style", None), "name", "")
        if style in {"h1", "h2"}:
            key = f"heading-{self.seq.nextf('heading')}"
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level=int(style[1]) - 1)


def pdf_bytes(source: str) -> bytes:
    """A PDF of the Markdown text; ValueError when it holds characters the standard fonts lack."""
    _refuse_foreign(source)
    buffer = io.BytesIO()
    document = _Document(
        buffer,
        pagesize=A4,
        title=TITLE,
        author="Glede handbook",
        subject="Milvus on Kubernetes, chapters 4 to 7",
        invariant=1,  # fixed dates and document id
        pageCompression=0,  # compressed bytes differ between zlib builds
    )
    frame = Frame(MARGIN, MARGIN, WIDTH, A4[1] - 2 * MARGIN, id="body", leftPadding=0, rightPadding=0)
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=_furniture)])
    document.build(_story(parse_blocks(source)))
    return buffer.getvalue()


def _refuse_foreign(source: str) -> None:
    foreign = sorted({char for char in source if ord(char) > 0xFF})
    if foreign:
        raise ValueError(
            f"PDF source: {foreign} found, expected Latin-1 only; the standard fonts lack the others"
        )


def _story(blocks: list[Block]) -> list[Flowable]:
    story: list[Flowable] = []
    for block in blocks:
        if block.kind == "heading" and block.level == 1 and story:
            story.append(CondPageBreak(CHAPTER_ROOM))
        story.extend(_flowables(block))
    return story


def _flowables(block: Block) -> list[Flowable]:
    if block.kind == "heading":
        return [Paragraph(_markup(block.runs), HEADINGS[block.level])]
    if block.kind == "code":
        # A table of one cell: it gets a background and moves to the next page whole.
        box = Table(
            [[Preformatted(block.text, CODE)]],
            colWidths=[WIDTH],
            style=[("BACKGROUND", (0, 0), (-1, -1), SHADE)],
        )
        return [box, Spacer(1, 9)]
    if block.kind == "table":
        return [_table(block), Spacer(1, 9)]
    if block.kind == "paragraph":
        return [Paragraph(_markup(block.runs), BODY)]
    raise ValueError(
        f"PDF source: a {block.kind} list item found; the PDF writer knows no lists, use a table or text"
    )


def _table(block: Block) -> Table:
    rows = [
        [Paragraph(_markup(cell), HEAD if n == 0 else CELL) for cell in row]
        for n, row in enumerate(block.rows)
    ]
    style: list[Any] = [
        ("GRID", (0, 0), (-1, -1), 0.4, LINE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    return Table(rows, colWidths=_widths(block), style=TableStyle(style), repeatRows=1)


def _widths(block: Block) -> list[float]:
    """Every column holds its longest word; what is left is shared by the length of the longest cells."""
    columns = [["".join(run.text for run in row[n]) for row in block.rows] for n in range(len(block.rows[0]))]
    words = [max((word for cell in column for word in cell.split()), key=len) for column in columns]
    floors = [stringWidth(word, HEAD.fontName, HEAD.fontSize) + 2 * PADDING + 2 for word in words]
    weights = [min(max(map(len, column)), 60) for column in columns]
    rest = WIDTH - sum(floors)
    return [floor + rest * weight / sum(weights) for floor, weight in zip(floors, weights, strict=True)]


def _markup(runs: list[Run]) -> str:
    return "".join(MARKS[run.style].format(escape(run.text)) for run in runs)


def _furniture(canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(INK)
    canvas.drawString(MARGIN, 12 * mm, TITLE)
    canvas.drawRightString(A4[0] - MARGIN, 12 * mm, f"Page {document.page}")
    canvas.restoreState()
