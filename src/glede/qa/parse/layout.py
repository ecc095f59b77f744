"""Pages built from blocks: every offset is fixed here, once, for all formats."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from glede.qa.parse.model import Block, BlockKind, Page
from glede.qa.parse.normalise import clean, one_line

SECTION_CHARS = 4000  # a flowing document's page: what a person takes in at a glance
WHOLE_CHARS = 16_000  # a table or listing up to this size stays in one piece
TITLE_CHARS = 200
HEADER_CHARS = 2000
_GAP = "\n\n"
_SENTENCE_END = re.compile(r"[.!?;]['\")\]]*(?=\s)|[。！？；…]+[”’」』）]*|\n")
_KEPT_WHOLE = (BlockKind.TABLE, BlockKind.CODE)


@dataclass(frozen=True, slots=True)
class Item:
    """One block of a flowing document, in reading order; ``level`` (1 is outermost) is a heading's."""

    kind: BlockKind
    text: str
    level: int = 0
    header: str = ""


class HeadingPath:
    """The titles above the current block.

    A heading closes those of its own rank and below. A rank is a tuple compared as such: ``(level,)``
    in most formats.
    """

    def __init__(self) -> None:
        self._open: list[tuple[tuple[float, ...], str]] = []

    def enter(self, rank: tuple[float, ...], title: str) -> tuple[str, ...]:
        """Open a heading and return the path that includes it."""
        while self._open and self._open[-1][0] >= rank:
            self._open.pop()
        self._open.append((rank, clean(one_line(title))[:TITLE_CHARS].rstrip()))
        return self.path

    @property
    def path(self) -> tuple[str, ...]:
        """The open titles, outermost first."""
        return tuple(title for _, title in self._open)


class PageBuilder:
    """Collects the blocks of one page, with a blank line between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self.length = 0
        self.has_body = False  # anything but headings
        self.ends_in_heading = False  # a heading must not be left alone at a page's end

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks so far."""
        return tuple(self._blocks)

    def add(self, kind: BlockKind, text: str, heading: tuple[str, ...] = (), header: str = "") -> None:
        """Append a block; its text is normalised, and nothing is added when none of it is left."""
        text = clean(text)
        text = text.rstrip() if kind in _KEPT_WHOLE else text.strip()
        if not text.strip():
            return
        start = self.length + (len(_GAP) if self._parts else 0)
        if self._parts:
            self._parts.append(_GAP)
        self._parts.append(text)
        self.length = start + len(text)
        self.ends_in_heading = kind is BlockKind.HEADING
        self.has_body = self.has_body or not self.ends_in_heading
        self._blocks.append(Block(kind, start, self.length, heading, clean(header[:HEADER_CHARS])))

    def page(self, number: int, label: str = "") -> Page:
        """Return the finished page."""
        return Page(number, "".join(self._parts), tuple(self._blocks), clean(one_line(label)))


def cut(text: str, limit: int) -> Iterator[str]:
    """Cut a text of more than ``limit`` characters at sentence ends, else at spaces, else anywhere."""
    start = 0
    while len(text) - start > limit:
        middle, end = start + limit // 2, start + limit
        ends = [found.end() for found in _SENTENCE_END.finditer(text, middle, end)]
        at = ends[-1] if ends else text.rfind(" ", middle, end) + 1
        at = at or end
        yield text[start:at]
        start = at
        while start < len(text) and text[start].isspace():
            start += 1
    yield text[start:]


def cut_lines(text: str, limit: int) -> Iterator[str]:
    """Cut a table or listing of more than ``limit`` characters between its lines."""
    held: list[str] = []
    size = 0
    for line in text.split("\n"):
        for piece in cut(line, limit) if len(line) > limit else (line,):
            if held and size + len(piece) > limit:
                yield "\n".join(held)
                held, size = [], 0
            held.append(piece)
            size += len(piece) + 1
    yield "\n".join(held)


class _Sections:
    """The page under construction of a flowing document."""

    def __init__(self) -> None:
        self.builder = PageBuilder()
        self.headings = HeadingPath()
        self.number = 0

    def finish(self) -> Iterator[Page]:
        blocks = self.builder.blocks
        if blocks:
            self.number += 1
            path = blocks[0].heading
            yield self.builder.page(self.number, path[-1] if path else "")
        self.builder = PageBuilder()

    def heading(self, item: Item) -> Iterator[Page]:
        title = one_line(item.text)
        if not clean(title).strip():
            return
        crowded = self.builder.length > SECTION_CHARS
        if crowded or (self.builder.has_body and item.level <= 2):
            yield from self.finish()
        self.builder.add(BlockKind.HEADING, title, self.headings.enter((item.level,), title))

    def body(self, item: Item) -> Iterator[Page]:
        text = clean(item.text)
        whole = item.kind in _KEPT_WHOLE
        pieces = cut_lines(text, WHOLE_CHARS) if whole else cut(text, SECTION_CHARS)
        for piece in pieces:
            full = self.builder.length + len(piece) > SECTION_CHARS
            if full and self.builder.has_body and not self.builder.ends_in_heading:
                yield from self.finish()
            self.builder.add(item.kind, piece, self.headings.path, item.header)


def sections(items: Iterable[Item]) -> Iterator[Page]:
    """Lay a flowing document out in sections, each a page.

    A section ends before a heading of level 1 or 2, and before a block that would take it over
    ``SECTION_CHARS``; tables and listings stay whole up to ``WHOLE_CHARS``. The heading path goes on
    from one page to the next. The label is the title under which the page begins.
    """
    state = _Sections()
    for item in items:
        yield from state.heading(item) if item.kind is BlockKind.HEADING else state.body(item)
    yield from state.finish()
