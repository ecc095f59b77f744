"""What a parser hands on: pages of plain text, with the blocks found in them.

A page's ``text`` is the reference for every position: blocks, chunks and citations are character
spans of it, so a quotation is verbatim by construction.
"""

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """The structural role of a span of a page."""

    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


class PageKind(StrEnum):
    """What a page number counts in this document."""

    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class Block:
    """A span ``[start, end)`` of a page's text, in characters.

    ``heading`` is the path of titles above the block, outermost first; for a heading itself it
    includes its own title. ``header`` is a table's header row, repeated for retrieval when a long
    table is cut into slices.
    """

    kind: BlockKind
    start: int
    end: int
    heading: tuple[str, ...] = ()
    header: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: ``number`` counts from 1; ``label`` is what a reader calls it (sheet name, "iv")."""

    number: int
    text: str
    blocks: tuple[Block, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document before its pages are read."""

    title: str
    page_kind: PageKind
    pages: int | None


class ParseError(Exception):
    """A document that cannot be read.

    ``code`` is a stable word for programs (``encrypted``, ``no_text_layer``, ``too_many_pages`` …);
    the message tells a person what was found and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
