"""Paragraphs, headings, lists and listings out of the lines of a PDF page."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from glede.qa.parse.model import BlockKind
from glede.qa.parse.normalise import join_lines
from glede.qa.parse.pdf_text import Line

_HEADING_RATIO = 1.14
_HEADING_CHARS = 200
_HEADING_LINES = 3
_PARAGRAPH_GAP = 1.3  # times the usual distance of lines
_BULLET = re.compile(r"^(?:[•◦▪▫‣·●○■□➢✓\uf0b7\uf0a7–-]\s*|\(?\d{1,2}[.)]\s+|\([a-z]\)\s+)\S")
_NUMBERED_TITLE = re.compile(
    r"^(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?\s+\S|(?:chapter|appendix|part|section)\s+\S|"
    r"第[0-9零一二三四五六七八九十百]+[章节節篇部条條]|[一二三四五六七八九十]{1,3}、)",
    re.IGNORECASE,
)
# Dots between an entry of a table of contents and its page; the page number follows.
_LEADER = re.compile(r"\s*(?:\.\s?|…\s?|·\s?){4,}\s*(?=[\divxlc]{1,6}$)")
_FINAL = tuple(".?!。？！：:;；")
_WORD_END = re.compile(r"[\w-]+$")
_WORD_START = re.compile(r"^\w+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A block of a page; ``top`` is its upper edge, and ``rank`` orders headings: larger is outer."""

    kind: BlockKind
    text: str
    top: float
    rank: float = 0


def body_size(pages: list[list[Line]]) -> float:
    """Return the type size that most characters have, 0 when there are none."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes.update(line.sizes)
    return sizes.most_common(1)[0][0] if sizes else 0


def paragraphs(lines: list[Line], body: float) -> list[Paragraph]:
    """Group a page's lines, given the document's body size."""
    if not lines:
        return []
    groups = _grouped(lines)
    text = "\n".join(line.text for line in lines)
    found = [_paragraph(group, body, text) for group in groups]
    return _lists_joined(found)


def _grouped(lines: list[Line]) -> list[list[Line]]:
    usual = _usual_distances(lines)
    right = max(line.right for line in lines)
    groups = [[lines[0]]]
    for previous, line in pairwise(lines):
        if _breaks(previous, line, usual, right):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _usual_distances(lines: list[Line]) -> dict[float, float]:
    """Return, for each type size, the usual distance from one line down to the next."""
    distances: dict[float, list[float]] = {}
    for previous, line in pairwise(lines):
        distance = previous.bottom - line.bottom
        if previous.size == line.size and 0 < distance < 3 * max(line.size, 1):
            distances.setdefault(line.size, []).append(distance)
    return {size: min(median(values), 1.8 * max(size, 1)) for size, values in distances.items()}


def _breaks(previous: Line, line: Line, usual: dict[float, float], right: float) -> bool:
    """Tell whether a paragraph ends between two lines."""
    if previous.hyphenated:
        return False
    if _LEADER.search(previous.text):
        return True
    distance = previous.bottom - line.bottom
    if abs(distance) < 0.3 * line.size:  # two runs on one line: columns of a table, or a tab
        return abs(line.size - previous.size) > 0.1 * previous.size
    resized = abs(line.size - previous.size) > 0.08 * max(previous.size, line.size)
    apart = distance < 0 or distance > _PARAGRAPH_GAP * usual.get(line.size, 1.5 * line.size)
    if resized or apart:
        return True
    if previous.mono != line.mono or previous.bold != line.bold:
        return not _same_sentence(previous, line)
    return not line.mono and (bool(_BULLET.match(line.text)) or _ends(previous, line, right))


def _ends(previous: Line, line: Line, right: float) -> bool:
    """Tell by the margins whether a paragraph ends: a short last line, or an indented first one."""
    indented = line.left > previous.left + 0.9 * line.size and not _BULLET.match(previous.text)
    short = previous.right < right - 0.2 * max(right - previous.left, 1)
    return previous.text.endswith(_FINAL) and (short or indented)


def _same_sentence(previous: Line, line: Line) -> bool:
    """A change of face inside a running sentence, such as a line that begins with a word in code."""
    return (
        not previous.text.endswith(_FINAL)
        and line.text[:1].islower()
        and not (previous.bold and not line.bold)
    )


def _paragraph(group: list[Line], body: float, page: str) -> Paragraph:
    top = group[0].top
    rank = _heading_rank(group, body)
    if all(line.mono for line in group) and not rank:
        return Paragraph(BlockKind.CODE, _listing(group), top)
    text = _joined(group, page)
    if _LEADER.search(text):
        return Paragraph(BlockKind.LIST, _LEADER.sub(" … ", text), top)
    if rank:
        return Paragraph(BlockKind.HEADING, text, top, rank)
    return Paragraph(BlockKind.LIST if _BULLET.match(text) else BlockKind.TEXT, text, top)


def _heading_rank(group: list[Line], body: float) -> float:
    """Return a heading's rank, 0 for what is none: large type, or a bold line that is numbered."""
    text = group[0].text
    length = sum(len(line.text) for line in group)
    if not body or len(group) > _HEADING_LINES or length > _HEADING_CHARS:
        return 0
    if length < 2 or not any(char.isalpha() for line in group for char in line.text):
        return 0
    size = group[0].size
    if size >= _HEADING_RATIO * body:
        return size
    numbered = all(line.bold for line in group) and _NUMBERED_TITLE.match(text)
    if numbered and len(group) == 1 and size >= 0.98 * body and not text.endswith(_FINAL):
        return size
    return 0


def _joined(group: list[Line], page: str) -> str:
    """Join a paragraph's lines, those cut by a hyphen without it."""
    joined: list[str] = []
    for previous, line in pairwise([None, *group]):
        assert line is not None  # noqa: S101 - only the first of the pairs begins with None
        if previous is not None and previous.hyphenated and joined:
            joined[-1] += _hyphen(joined[-1], line.text, page) + line.text
        else:
            joined.append(line.text)
    text = join_lines(joined)
    return text + "-" if group[-1].hyphenated else text


def _hyphen(left: str, right: str, page: str) -> str:
    """Return ``-`` for a compound that keeps its hyphen: one the page writes with it elsewhere."""
    first, second = _WORD_END.search(left), _WORD_START.search(right)
    if not first or not second or not second[0][0].islower():
        return "-"
    return "-" if f"{first[0]}-{second[0]}" in page else ""


def _listing(group: list[Line]) -> str:
    """Return monospaced lines with the indentation that their positions show."""
    left = min(line.left for line in group)
    rows = []
    for line in group:
        width = 0.6 * line.size or 1
        rows.append(
            " " * min(round((line.left - left) / width), 80) + line.text + ("-" if line.hyphenated else "")
        )
    return "\n".join(rows)


def _lists_joined(found: list[Paragraph]) -> list[Paragraph]:
    joined: list[Paragraph] = []
    for paragraph in found:
        last = joined[-1] if joined else None
        if last and last.kind is paragraph.kind is BlockKind.LIST:
            joined[-1] = Paragraph(BlockKind.LIST, f"{last.text}\n{paragraph.text}", last.top)
        else:
            joined.append(paragraph)
    return joined
