"""PDF files: the text layer page by page, headings from the outline or from the size of type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from glede.qa.parse.layout import HeadingPath, PageBuilder
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind, ParseError
from glede.qa.parse.normalise import clean, one_line
from glede.qa.parse.pdf_layout import Paragraph, body_size, paragraphs
from glede.qa.parse.pdf_text import Line, PageText

_SAMPLED_PAGES = 8
_MAX_OUTLINE = 20_000
_UNTITLED = frozenset({"untitled", "(anonymous)", "anonymous", ""})
_NOT_WORD = re.compile(r"[\W_]+")
_NUMBER_PREFIX = re.compile(
    r"^[\divxlc.]+\s+|^(?:chapter|appendix|part|section)\s+[\w.]+\s*[:.]?\s*", re.IGNORECASE
)


def parse(path: Path, name: str, limits: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its pages.

    Raises ParseError: ``encrypted``, ``damaged``, ``no_pages``, ``too_many_pages`` (at once), and at
    the end of the pages ``no_text_layer`` when none had text.
    """
    document = _open(path, name)
    count = len(document)
    if count == 0:
        raise _no_pages(name)
    if count > limits.max_pages:
        raise ParseError(
            "too_many_pages",
            f"{name}: it has {count} pages, and {limits.max_pages} are allowed; split it",
        )
    title = clean(one_line(document.get_metadata_value("Title")))
    if title.lower() in _UNTITLED:
        title = PurePosixPath(name).stem
    return DocumentInfo(title, PageKind.PAGE, count), _Reader(document, name, limits).pages()


def _open(path: Path, name: str) -> Any:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        code = error.err_code
        if code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise ParseError(
                "encrypted",
                f"{name}: the PDF is protected with a password; save a copy without one and upload that",
            ) from error
        if code == pdfium.FPDF_ERR_SUCCESS:  # the file is well-formed, but there is no page in it
            raise _no_pages(name) from error
        raise ParseError(
            "damaged", f"{name}: the PDF is damaged or cut short; save or download it again and upload that"
        ) from error


def _no_pages(name: str) -> ParseError:
    return ParseError("no_pages", f"{name}: the PDF has no pages; save it again and upload that")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the outline; ``y`` is where it points on its page, in points from the bottom."""

    level: int
    title: str
    y: float | None


class _Reader:
    """Reads one document's pages in order, carrying the heading path along."""

    def __init__(self, document: Any, name: str, limits: ParseLimits) -> None:
        self._document = document
        self._name = name
        self._limits = limits
        self._headings = HeadingPath()
        self._outline = _outline(document)
        self._early: dict[int, list[Line]] = {}

    def pages(self) -> Iterator[Page]:
        """Yield every page, those without text included, so that numbers agree with the file's."""
        count = len(self._document)
        for index in range(min(_SAMPLED_PAGES, count)):
            self._early[index] = self._lines(index)
        body = body_size(list(self._early.values()))
        with_text = False
        for index in range(count):
            lines = self._early.pop(index, None)
            page = self._page(index, paragraphs(self._lines(index) if lines is None else lines, body))
            with_text = with_text or bool(page.blocks)
            yield page
        if not with_text:
            raise ParseError(
                "no_text_layer",
                f"{self._name}: the PDF has {count} pages but no text layer, so it is probably scanned; "
                "run OCR first (for example with ocrmypdf) and upload the result",
            )

    def _lines(self, index: int) -> list[Line]:
        try:
            page = self._document[index]
        except pypdfium2.PdfiumError:  # one unreadable page does not lose the rest
            return []
        text = None
        try:
            text = PageText(page)
            if text.count() > 2 * self._limits.max_page_chars:
                raise ParseError(
                    "output_too_large",
                    f"{self._name}: page {index + 1} holds {text.count()} characters, and "
                    f"{self._limits.max_page_chars} are allowed on one; split it",
                )
            return text.lines()
        finally:
            if text is not None:
                text.close()
            page.close()

    def _page(self, index: int, found: list[Paragraph]) -> Page:
        builder = PageBuilder()
        waiting = self._outline.get(index, [])
        places = _places(waiting, found)
        for at, paragraph in enumerate(found):
            entered = [entry for entry, place in zip(waiting, places, strict=True) if place == at]
            for entry in entered:
                self._headings.enter((0, entry.level), entry.title)
            matched = bool(entered) and _same_title(entered[-1].title, paragraph.text)
            kind = BlockKind.HEADING if matched else paragraph.kind
            if kind is BlockKind.HEADING and not matched:
                self._headings.enter((1, -paragraph.rank), paragraph.text)
            builder.add(kind, paragraph.text, self._headings.path)
        for entry, place in zip(waiting, places, strict=True):
            if place >= len(found):
                self._headings.enter((0, entry.level), entry.title)
        return builder.page(index + 1, self._document.get_page_label(index))


def _outline(document: Any) -> dict[int, list[_Entry]]:
    """Return the outline's entries by page index; broken entries are left out."""
    entries: dict[int, list[_Entry]] = {}
    for bookmark in islice(document.get_toc(max_depth=8), _MAX_OUTLINE):
        destination = bookmark.get_dest()
        title = one_line(clean(bookmark.get_title()))
        page = destination.get_index() if destination is not None else None
        if page is not None and title:
            entries.setdefault(page, []).append(_Entry(bookmark.level, title, _height(destination)))
    return entries


def _height(destination: Any) -> float | None:
    mode, position = destination.get_view()
    if mode == pdfium.PDFDEST_VIEW_XYZ and len(position) > 1 and position[1]:
        return float(position[1])
    if mode in (pdfium.PDFDEST_VIEW_FITH, pdfium.PDFDEST_VIEW_FITBH) and position:
        return float(position[0])
    return None


def _places(entries: list[_Entry], found: list[Paragraph]) -> list[int]:
    """Return the paragraph before which each entry begins: by its title, else by its height.

    The places never go back, since an outline follows its text.
    """
    places: list[int] = []
    least = 0
    for entry in entries:
        titled = (i for i in range(least, len(found)) if _same_title(entry.title, found[i].text))
        place = next(titled, None)
        if place is None and entry.y is not None:
            lower = (i for i in range(least, len(found)) if found[i].top <= entry.y + 2)
            place = next(lower, len(found))
        least = least if place is None else max(least, place)
        places.append(least)
    return places


def _same_title(title: str, text: str) -> bool:
    if len(text) > 2 * len(title) + 40:
        return False
    wanted, there = _key(title), _key(text)
    bare = _key(_NUMBER_PREFIX.sub("", text)), _key(_NUMBER_PREFIX.sub("", title))
    return bool(wanted) and (wanted == there or (bool(bare[0]) and bare[0] == bare[1]))


def _key(text: str) -> str:
    return _NOT_WORD.sub("", text).casefold()
