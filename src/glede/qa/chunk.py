"""Chunking: pages into spans of 200 to 350 tokens that keep to the document's structure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from glede.qa.parse.model import Block, BlockKind, Page
from glede.qa.text.script import CJK, Script, dominant_script
from glede.qa.text.sentences import sentence_spans

TARGET_TOKENS = 220
MAX_TOKENS = 320
MIN_TOKENS = 60
OVERLAP_TOKENS = 35  # about an eighth, inside long paragraphs only

_UNIT = re.compile(rf"[{CJK}]|[^\W{CJK}]+")
_LISTING_LINE = re.compile(
    r"(?:\.{4,}|…{2,}|·{4,}|\s{3,}|\t)\s*\d{1,4}\s*$|^\s*[^\d\n]{2,80},\s+\d+(?:,\s*\d+)*$"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a page's text. ``listing`` marks a table of contents or an index."""

    page: int
    start: int
    end: int
    heading: tuple[str, ...]
    header: str
    script: Script
    listing: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a block that is never cut; ``fresh`` begins a paragraph of its own."""

    start: int
    end: int
    tokens: int
    heading: tuple[str, ...]
    header: str = ""
    opens: bool = False


def count_tokens(text: str) -> int:
    """Estimate a text's tokens: one a CJK character; a Latin word one for every 6 letters begun."""
    return sum(1 + (len(unit) - 1) // 6 for unit in _UNIT.findall(text))


def chunk_page(page: Page) -> list[Chunk]:
    """Cut a page into chunks; each stands under one heading path as far as its size allows."""
    pieces = [piece for block in page.blocks for piece in _pieces(page.text, block)]
    groups = _merge_tails(list(_pack(pieces)))
    return [_chunk(page, group) for group in groups]


def _pieces(text: str, block: Block) -> Iterator[_Piece]:
    tokens = count_tokens(text[block.start : block.end])
    opens = block.kind is BlockKind.HEADING
    if tokens <= MAX_TOKENS:
        yield _Piece(block.start, block.end, tokens, block.heading, block.header, opens)
        return
    if block.kind in {BlockKind.TABLE, BlockKind.CODE, BlockKind.LIST}:
        units = _lines(text, block)
    else:
        units = [
            (block.start + s.start, block.start + s.end)
            for s in sentence_spans(text[block.start : block.end])
        ]
    for start, end in units:
        yield from _bounded(
            text, _Piece(start, end, count_tokens(text[start:end]), block.heading, block.header)
        )


def _lines(text: str, block: Block) -> list[tuple[int, int]]:
    lines = re.finditer(r"[^\n]*\S[^\n]*", text[block.start : block.end])
    return [(block.start + line.start(), block.start + line.end()) for line in lines]


def _bounded(text: str, piece: _Piece) -> Iterator[_Piece]:
    """Cut a sentence or line that is longer than a chunk at word boundaries."""
    start, tokens = piece.start, 0
    for unit in _UNIT.finditer(text, piece.start, piece.end):
        cost = 1 + (len(unit.group()) - 1) // 6
        if tokens + cost > MAX_TOKENS and unit.start() > start:
            yield replace(piece, start=start, end=len(text[: unit.start()].rstrip()), tokens=tokens)
            start, tokens = unit.start(), 0
        tokens += cost
    yield replace(piece, start=start, tokens=tokens)


def _pack(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    group: list[_Piece] = []
    size = 0
    for piece in pieces:
        if group and _breaks(group, size, piece):
            yield group
            group = _overlap(group, piece)
            size = sum(kept.tokens for kept in group)
        group.append(piece)
        size += piece.tokens
    if group:
        yield group


def _breaks(group: Sequence[_Piece], size: int, piece: _Piece) -> bool:
    if size + piece.tokens > MAX_TOKENS:
        return True
    if piece.opens:
        # A heading with nothing under it yet goes with what follows.
        return size >= MIN_TOKENS and not group[-1].opens
    return size >= TARGET_TOKENS and piece.heading != group[-1].heading


def _overlap(group: Sequence[_Piece], following: _Piece) -> list[_Piece]:
    """Repeat the last sentences of a paragraph that goes on in the next chunk."""
    kept: list[_Piece] = []
    size = 0
    for piece in reversed(group):
        same = piece.heading == following.heading and piece.end <= following.start <= piece.end + 2 + size * 8
        if following.opens or piece.opens or piece.header or not same or size + piece.tokens > OVERLAP_TOKENS:
            break
        kept.insert(0, piece)
        size += piece.tokens
    return kept if len(kept) < len(group) else []


def _merge_tails(groups: list[list[_Piece]]) -> list[list[_Piece]]:
    """Join short groups to the one before: short chunks win searches by accident."""
    merged: list[list[_Piece]] = []
    for group in groups:
        size = sum(piece.tokens for piece in group)
        before = sum(piece.tokens for piece in merged[-1]) if merged else 0
        if merged and size < MIN_TOKENS and before + size <= MAX_TOKENS + MIN_TOKENS:
            merged[-1] = [*merged[-1], *group]
        else:
            merged.append(group)
    return merged


def _chunk(page: Page, group: Sequence[_Piece]) -> Chunk:
    start, end = group[0].start, group[-1].end
    text = page.text[start:end]
    header = next((piece.header for piece in group if piece.header), "")
    return Chunk(
        page=page.number,
        start=start,
        end=end,
        heading=_shared_heading(group),
        header=header,
        script=dominant_script(text),
        listing=_is_listing(text),
    )


def _shared_heading(group: Sequence[_Piece]) -> tuple[str, ...]:
    """The heading path of the chunk's first own text; what it shares with the rest where they differ."""
    paths = [piece.heading for piece in group if not piece.opens] or [group[-1].heading]
    first = paths[0]
    if all(path == first for path in paths):
        return first
    shared = 0
    while all(len(path) > shared for path in paths) and len({path[shared] for path in paths}) == 1:
        shared += 1
    return first[: max(shared, 1)]


def _is_listing(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) >= 4 and sum(bool(_LISTING_LINE.search(line)) for line in lines) * 2 > len(lines)
