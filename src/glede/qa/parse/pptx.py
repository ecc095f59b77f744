"""PowerPoint presentations: a slide is a page."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER

from glede.qa.parse.layout import HeadingPath, PageBuilder
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind, ParseError
from glede.qa.parse.normalise import one_line, table_row, untabbed

_MAX_GROUPS = 20
# What a slide's layout puts on every slide says nothing about this one.
_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.HEADER)


def parse(path: Path, name: str, limits: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the presentation's info and its slides; raises ParseError for too many slides or none."""
    presentation = Presentation(str(path))
    count = len(presentation.slides)
    if count > limits.max_pages:
        raise ParseError(
            "too_many_pages",
            f"{name}: it has {count} slides, and {limits.max_pages} are allowed; split it",
        )
    if count == 0:
        raise ParseError("no_pages", f"{name}: the presentation has no slides; upload one that has")
    title = one_line(presentation.core_properties.title or "")
    if title == "PowerPoint Presentation":  # what the program writes when nobody gave a title
        title = ""
    info = DocumentInfo(title or PurePosixPath(name).stem, PageKind.SLIDE, count)
    return info, (_page(slide, number) for number, slide in enumerate(presentation.slides, 1))


def _page(slide: Any, number: int) -> Page:
    builder = PageBuilder()
    headings = HeadingPath()
    title = slide.shapes.title
    if title is not None and title.has_text_frame and title.text_frame.text.strip():
        text = one_line(title.text_frame.text)
        builder.add(BlockKind.HEADING, text, headings.enter((1,), text))
    path = headings.path
    for shape in _shapes(slide.shapes, 0):
        if title is None or shape.shape_id != title.shape_id:
            _shape(builder, shape, path)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = untabbed(slide.notes_slide.notes_text_frame.text).strip()
        builder.add(BlockKind.TEXT, f"Notes: {notes}" if notes else "", path)
    return builder.page(number)


def _shapes(shapes: Any, depth: int) -> Iterator[Any]:
    """Yield the shapes in z-order, which is reading order, those in groups included."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            if depth < _MAX_GROUPS:
                yield from _shapes(shape.shapes, depth + 1)
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _shape(builder: PageBuilder, shape: Any, path: tuple[str, ...]) -> None:
    if getattr(shape, "has_table", False):
        rows = [
            table_row(untabbed("" if cell.is_spanned else cell.text) for cell in row.cells)
            for row in shape.table.rows
        ]
        rows = [row for row in rows if row]
        builder.add(BlockKind.TABLE, "\n".join(rows), path, rows[0] if rows else "")
    elif getattr(shape, "has_chart", False):
        rows = _chart(shape.chart)
        builder.add(BlockKind.TABLE, "\n".join(rows), path, rows[0] if rows else "")
    elif shape.has_text_frame:
        _text_frame(builder, shape, path)


def _text_frame(builder: PageBuilder, shape: Any, path: tuple[str, ...]) -> None:
    paragraphs = [
        (p.level, untabbed(p.text).replace("\v", "\n").strip()) for p in shape.text_frame.paragraphs
    ]
    paragraphs = [(level, text) for level, text in paragraphs if text]
    bulleted = shape.is_placeholder and shape.placeholder_format.type in (
        PP_PLACEHOLDER.BODY,
        PP_PLACEHOLDER.OBJECT,
    )
    if bulleted and len(paragraphs) > 1:
        lines = [f"{'  ' * level}- {one_line(text)}" for level, text in paragraphs]
        builder.add(BlockKind.LIST, "\n".join(lines), path)
    else:
        builder.add(BlockKind.TEXT, "\n".join(text for _, text in paragraphs), path)


def _chart(chart: Any) -> list[str]:
    """Return a chart's data as rows: the categories, then one row for each series."""
    rows: list[str] = []
    for plot in chart.plots:
        categories = [str(category) for category in plot.categories]
        if categories:
            rows.append(table_row(["Series", *categories]))
        rows += [
            table_row([series.name or "", *("" if v is None else f"{v:g}" for v in series.values)])
            for series in plot.series
        ]
    return [row for row in rows if row]
