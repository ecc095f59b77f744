"""Word documents: headings, lists and tables in the order of the text."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from docx import Document
from docx.document import Document as WordDocument
from docx.opc.part import PartFactory
from docx.oxml.ns import qn
from docx.package import Package
from docx.parts.document import DocumentPart

from glede.qa.parse.layout import Item, sections
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind
from glede.qa.parse.normalise import one_line, table_row, untabbed

_HEADING_STYLE = re.compile(r"^heading ([1-9])$", re.IGNORECASE)
_LIST_STYLE = re.compile(r"^list\b", re.IGNORECASE)
_CODE_STYLE = re.compile(r"code|html preformatted|^macro", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"^(?:toc [1-9]|toc heading|table of figures)$", re.IGNORECASE)
_MACRO_DOCUMENT = "application/vnd.ms-word.document.macroEnabled.main+xml"

_P, _TBL, _TR, _TC = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXTBOX = qn("w:txbxContent")
_VAL = qn("w:val")
_WRAPPERS = frozenset({qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml"), qn("w:smartTag")})
# A deletion under review is not in the text; a fallback repeats what its alternative says.
_UNREAD = frozenset(
    {qn("w:del"), qn("w:moveFrom"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TEXTS = frozenset({qn("w:t"), "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"})


def parse(path: Path, name: str, _: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its sections; macros, if any, stay unread."""
    PartFactory.part_type_for[_MACRO_DOCUMENT] = DocumentPart
    document = _open(path)
    title = one_line(document.core_properties.title or "")
    info = DocumentInfo(title or PurePosixPath(name).stem, PageKind.SECTION, None)
    return info, sections(_merged(_Reader(document).items()))


def _open(path: Path) -> WordDocument:
    package = Package.open(str(path))
    part = package.main_document_part
    return (
        part.document if isinstance(part, DocumentPart) else Document(str(path))
    )  # which tells what it found


def _merged(items: Iterator[Item]) -> Iterator[Item]:
    """Join the paragraphs of one list, and the lines of one listing, into one block each."""
    for kind, group in groupby(items, key=lambda item: item.kind):
        if kind in (BlockKind.LIST, BlockKind.CODE):
            yield Item(kind, "\n".join(item.text for item in group))
        else:
            yield from group


class _Reader:
    """Reads the body of one document."""

    def __init__(self, document: WordDocument) -> None:
        self._body: Any = document.element.body
        self._styles: dict[str, Any] = {style.style_id: style for style in document.styles}

    def items(self) -> Iterator[Item]:
        """Yield the blocks in document order."""
        yield from self._blocks(self._body)

    def _blocks(self, parent: Any) -> Iterator[Item]:
        for child in parent:
            if child.tag == _P:
                yield from self._paragraph(child)
            elif child.tag == _TBL:
                yield from self._table(child)
            elif child.tag in _WRAPPERS:
                yield from self._blocks(child)

    def _paragraph(self, element: Any) -> Iterator[Item]:
        names, level, numbered, depth = self._style(element)
        if any(_CONTENTS_STYLE.match(name) for name in names):
            return
        text = _text(element)
        if not text.strip():
            pass
        elif level:
            yield Item(BlockKind.HEADING, one_line(untabbed(text)), level)
        elif any(_CODE_STYLE.search(name) for name in names):
            yield Item(BlockKind.CODE, text)
        elif numbered or any(_LIST_STYLE.match(name) for name in names):
            yield Item(BlockKind.LIST, "  " * depth + "- " + one_line(untabbed(text)))
        else:
            yield Item(BlockKind.TEXT, untabbed(text))
        for box in _text_boxes(element):
            yield from self._blocks(box)

    def _style(self, element: Any) -> tuple[list[str], int, bool, int]:
        """Return a paragraph's style names (own first), heading level, whether it is numbered, list depth."""
        names: list[str] = []
        level, numbered, depth = _properties(element.find(qn("w:pPr")))
        found = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style = self._styles.get(found.get(_VAL)) if found is not None else None
        while style is not None and len(names) < 10:
            names.append(style.name or "")
            styled = _HEADING_STYLE.match(names[-1])
            own_level, own_numbered, own_depth = _properties(style.element.find(qn("w:pPr")))
            level = level or (int(styled[1]) if styled else own_level)
            level = level or (1 if names[-1].lower() == "title" else 0)
            numbered, depth = numbered or own_numbered, depth or own_depth
            style = getattr(style, "base_style", None)
        return names, level, numbered, depth

    def _table(self, element: Any) -> Iterator[Item]:
        rows = [_cells(row) for row in _rows(element)]
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame around text, not a table
            yield from self._blocks(rows[0][0])
            return
        lines = [table_row(untabbed(_cell_text(cell)) for cell in row) for row in rows]
        lines = [line for line in lines if line]
        if lines:
            yield Item(BlockKind.TABLE, "\n".join(lines), header=lines[0])


def _properties(properties: Any) -> tuple[int, bool, int]:
    """Return heading level (0: none), whether numbered, and list depth from a ``w:pPr``."""
    if properties is None:
        return 0, False, 0
    outline = properties.find(qn("w:outlineLvl"))
    level = _number(outline) + 1 if outline is not None and _number(outline) < 9 else 0
    number = properties.find(f"{qn('w:numPr')}/{qn('w:numId')}")
    depth = properties.find(f"{qn('w:numPr')}/{qn('w:ilvl')}")
    return level, number is not None and _number(number) > 0, min(_number(depth), 8)


def _number(element: Any) -> int:
    value = element.get(_VAL) if element is not None else None
    return int(value) if value and value.isascii() and value.isdigit() else 0


def _text(element: Any) -> str:
    return "".join(_runs(element))


def _runs(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag in _TEXTS:
            yield child.text or ""
        elif child.tag in _BREAKS and element.tag != qn("w:tabs"):
            yield _BREAKS[child.tag]
        elif child.tag not in _UNREAD and child.tag != _TEXTBOX:
            yield from _runs(child)


def _text_boxes(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag == _TEXTBOX:
            yield child
        elif child.tag not in _UNREAD:
            yield from _text_boxes(child)


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == _TR:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _rows(child)


def _cells(row: Any) -> list[Any]:
    cells = []
    for child in row:
        if child.tag == _TC:
            cells.append(child)
        elif child.tag in _WRAPPERS:
            cells += _cells(child)
    return cells


def _cell_text(cell: Any) -> str:
    """Return a cell's paragraphs, those of tables inside it included."""
    return "\n".join(text for paragraph in cell.iter(_P) if (text := _text(paragraph)).strip())
