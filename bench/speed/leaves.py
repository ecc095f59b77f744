"""A PDF whose every page bears a word of its own, so that a search can tell whether the page is there yet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.speed.text import Source, sections
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

FONT, SIZE, LEADING, MARGIN = "Helvetica", 10, 13, 56


def leaf_word(number: int) -> str:
    """Give the word that stands on page ``number`` only."""
    return f"leaf{number:04d}"


def write_leaves(path: Path, pages: int, source: Source, seed: int) -> None:
    """Write a PDF of A4 pages, each filled with text."""
    width, height = A4
    canvas = Canvas(str(path), pagesize=A4)
    lines = _lines(source, seed, width - 2 * MARGIN)
    room = int((height - 2 * MARGIN) / LEADING) - 2
    for number in range(1, pages + 1):
        text = canvas.beginText(MARGIN, height - MARGIN)
        text.setFont(FONT, SIZE, LEADING)
        text.textLine(f"Page {number}: {leaf_word(number)}.")
        text.textLine("")
        text.textLines(list(islice(lines, room)))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()


def _lines(source: Source, seed: int, width: float) -> Iterator[str]:
    for section in sections(source, seed):
        for paragraph in section.lstrip("# ").split("\n\n"):
            # The standard fonts have Latin-1 only.
            plain = paragraph.strip().encode("latin-1", "ignore").decode("latin-1")
            yield from simpleSplit(plain, FONT, SIZE, width)
            yield ""
