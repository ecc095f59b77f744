"""Excel workbooks: visible sheets as tables, sliced so that a page can be read by a person."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from glede.qa.parse.layout import HeadingPath, PageBuilder
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind
from glede.qa.parse.normalise import one_line, table_row

PAGE_ROWS = 200
PAGE_CHARS = 20_000
_HEADER_WITHIN = 10  # rows with something in them, above which titles and notes may stand
_MIDNIGHT = dt.time()


def parse(path: Path, name: str, _: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the workbook's info and the slices of its sheets; formulas give their stored values."""
    workbook = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    title = one_line(workbook.properties.title or "")
    return DocumentInfo(title or PurePosixPath(name).stem, PageKind.SHEET, None), _pages(workbook)


def _pages(workbook: Any) -> Iterator[Page]:
    number = 0
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":  # nobody could look a citation up there
            continue
        header = ""
        for piece in _slices(sheet):
            number += 1
            header = header or piece.header
            yield piece.page(number, sheet.title, header)


class _Slice:
    """Consecutive rows of one sheet."""

    def __init__(self, is_first: bool) -> None:
        self._first = is_first
        self._rows: list[tuple[int, str, int]] = []
        self._header_at: int | None = None
        self.header = ""
        self.chars = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, at: int, cells: list[Any], texts: list[str]) -> None:
        """Add a row; the sheet's first row of two texts or more, and of texts alone, is its header."""
        line = table_row(texts)
        filled = [cell.value for cell in cells if cell.value is not None]
        width = max(i for i, text in enumerate(texts, 1) if text)
        if self._first and not self.header and len(self._rows) < _HEADER_WITHIN and _names_columns(filled):
            self.header, self._header_at = line, len(self._rows)
        self._rows.append((at, line, width))
        self.chars += len(line) + 1

    def page(self, number: int, sheet: str, header: str) -> Page:
        """Return the slice as a page; the lines above the header are text of their own."""
        builder = PageBuilder()
        headings = HeadingPath()
        path = headings.enter((1,), sheet)
        top = self._header_at or 0
        lines = [line for _, line, _ in self._rows]
        builder.add(BlockKind.TEXT, "\n".join(lines[:top]), path)
        builder.add(BlockKind.TABLE, "\n".join(lines[top:]), path, header)
        last = get_column_letter(max(width for _, _, width in self._rows))
        return builder.page(number, f"{sheet}!A{self._rows[0][0]}:{last}{self._rows[-1][0]}")


def _names_columns(values: list[Any]) -> bool:
    return len(values) >= 2 and all(isinstance(value, str) for value in values)


def _slices(sheet: Any) -> Iterator[_Slice]:
    sheet.reset_dimensions()  # the stored size is often wrong, and rows beyond it would be lost
    held = _Slice(is_first=True)
    for at, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_shown(cell) for cell in cells]
        if not any(texts):
            continue
        if len(held) >= PAGE_ROWS or held.chars > PAGE_CHARS:
            yield held
            held = _Slice(is_first=False)
        held.add(at, list(cells), texts)
    if len(held):
        yield held


def _shown(cell: Any) -> str:
    """Return a cell about as the program shows it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ", "seconds")
    return str(value).strip()


def _number(value: float, shape: str) -> str:
    if "%" in shape:
        return f"{round(value * 100, 10):.12g}%"
    return str(value) if isinstance(value, int) else f"{value:.15g}"
