"""The lines between the parser's process and its parent: one JSON object each, bounded in size.

The parent takes nothing on trust: a decoded page has its offsets, order and sizes checked.
"""

import json
from typing import Any

from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import Block, BlockKind, DocumentInfo, Page, PageKind, ParseError

Frame = dict[str, Any]


def max_frame_bytes(limits: ParseLimits) -> int:
    """Return the longest line a page within ``limits`` can need."""
    return 16 * limits.max_page_chars + 1024 * 1024


def encode(frame: Frame) -> bytes:
    """Return ``frame`` as one line."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def info_frame(info: DocumentInfo) -> Frame:
    """Return the first line of an answer."""
    return {"type": "info", "title": info.title, "page_kind": info.page_kind.value, "pages": info.pages}


def page_frame(page: Page) -> Frame:
    """Return a page's line; heading paths, which repeat from block to block, are listed once."""
    paths: dict[tuple[str, ...], int] = {}
    blocks = [
        [b.kind.value, b.start, b.end, paths.setdefault(b.heading, len(paths)), b.header] for b in page.blocks
    ]
    return {
        "type": "page",
        "number": page.number,
        "label": page.label,
        "text": page.text,
        "paths": [list(path) for path in paths],
        "blocks": blocks,
    }


def error_frame(error: ParseError) -> Frame:
    """Return the line that ends an answer with an error."""
    return {"type": "error", "code": error.code, "message": error.message}


def decode(line: bytes) -> Frame:
    """Return the frame of one line, or raise ValueError."""
    frame = json.loads(line)
    if isinstance(frame, dict) and isinstance(frame.get("type"), str):
        return frame
    raise ValueError("not a frame")


def decode_info(frame: Frame) -> DocumentInfo:
    """Return the document's info, or raise ValueError, TypeError or KeyError."""
    if frame["type"] != "info":
        raise ValueError(f"the first frame is {frame['type']!r}")
    pages = frame["pages"]
    if not (pages is None or isinstance(pages, int)):
        raise ValueError("pages is not a number")
    return DocumentInfo(str(frame["title"]), PageKind(frame["page_kind"]), pages)


def decode_page(frame: Frame, previous: int, limits: ParseLimits) -> Page:
    """Return a page, or raise ValueError, TypeError, IndexError or KeyError.

    ``previous`` is the number of the page before it: numbers rise.
    """
    text, number = frame["text"], frame["number"]
    if not isinstance(text, str) or len(text) > limits.max_page_chars:
        raise ValueError("page text is too long")
    if not isinstance(number, int) or not previous < number <= limits.max_pages:
        raise ValueError(f"page {number!r} follows page {previous}")
    paths = [tuple(str(title) for title in path) for path in frame["paths"]]
    blocks = []
    at = 0
    for kind, start, end, path, header in frame["blocks"]:
        if not at <= start < end <= len(text):
            raise ValueError(f"block {start}:{end} of page {number} is out of order")
        blocks.append(Block(BlockKind(kind), start, end, paths[path], str(header)))
        at = end
    return Page(number, text, tuple(blocks), str(frame["label"]))
