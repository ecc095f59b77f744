"""Cutting text into sentences by position, for verbatim quotation."""

import re
from dataclasses import dataclass

# A sentence ends at a CJK stop; at a Latin stop followed by space and something that can begin a
# sentence; or at a line break (list items, table rows, headings are units of their own).
_END = re.compile(r"[。！？；]+[”’」』）)]*|[.!?]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[^\sa-z])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Mrs|Ms|Prof|No|Fig|Sec|Eq|Vol|pp|St|Inc|Ltd|Jr)|\b[A-Z])\.$"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``[start, end)`` of some text, without surrounding white space."""

    start: int
    end: int


def sentence_spans(text: str) -> list[Span]:
    """Cut text into sentences; every non-blank character belongs to exactly one span."""
    spans: list[Span] = []
    begin = 0
    for match in _END.finditer(text):
        if match.group()[0] == "." and _ABBREVIATION.search(text, max(begin, match.start() - 8), match.end()):
            continue
        _append(spans, text, begin, match.end())
        begin = match.end()
    _append(spans, text, begin, len(text))
    return spans


def _append(spans: list[Span], text: str, begin: int, end: int) -> None:
    piece = text[begin:end]
    stripped = piece.strip()
    if stripped:
        start = begin + len(piece) - len(piece.lstrip())
        spans.append(Span(start, start + len(stripped)))
