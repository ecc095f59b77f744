"""Plain text: encodings, paragraphs, and the headings that people mark by hand."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

from glede.qa.parse.charset import decode
from glede.qa.parse.layout import Item, sections
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import BlockKind, DocumentInfo, Page, PageKind
from glede.qa.parse.normalise import clean, is_ideographic, join_lines, one_line, table_row, width
from glede.qa.parse.sniff import extension

_PARAGRAPH = re.compile(r"\n[ \t]*\n+")
_UNDERLINE = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}$")
_CHAPTER = re.compile(
    r"^(?:(?:chapter|part|appendix)\s+[0-9ivxlc]+\b|第[0-9零一二三四五六七八九十百]+[章节節篇部回卷])",
    re.IGNORECASE,
)
_SUBCHAPTER = re.compile(r"^(?:第[0-9零一二三四五六七八九十百]+[节節条條]|section\s+[0-9]+\b)", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*)\.?[ \t\u3000]+\S")
_BULLET = re.compile(r"^\s*(?:[-*+•◦▪‣·]|\(?[0-9a-zA-Z]{1,3}[.)])\s+\S")
_FINAL = tuple(".,;:!?。，；：！？、…")
_TITLE_WIDTH = 80
_WRAP_WIDTHS = (40, 130)
_CSV_ROWS = 200


def parse(path: Path, name: str, _: ParseLimits) -> tuple[DocumentInfo, Iterator[Page]]:
    """Return the document's info and its sections; see :mod:`glede.qa.parse.worker` for errors."""
    text = clean(decode(path.read_bytes()))
    info = DocumentInfo(PurePosixPath(name).stem, PageKind.SECTION, None)
    if extension(name) in (".csv", ".tsv"):
        return info, sections(_rows(text, "\t" if extension(name) == ".tsv" else ","))
    return info, sections(_items(text))


def _rows(text: str, delimiter: str) -> Iterator[Item]:
    """Yield a table's slices, each with the first row as its header."""
    first = text.partition("\n")[0]
    if delimiter == "," and first.count(";") > first.count(","):
        delimiter = ";"
    csv.field_size_limit(10_000_000)
    rows = [table_row(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    rows = [row for row in rows if row]
    for start in range(0, len(rows), _CSV_ROWS):
        yield Item(BlockKind.TABLE, "\n".join(rows[start : start + _CSV_ROWS]), header=rows[0])


def _items(text: str) -> Iterator[Item]:
    paragraphs = [part.split("\n") for part in _PARAGRAPH.split(text) if part.strip()]
    marks: list[str] = []
    for lines, after in pairwise([*paragraphs, []]):
        yield from _paragraph(lines, after, marks)


def _paragraph(lines: list[str], after: list[str], marks: list[str]) -> Iterator[Item]:
    """Yield the blocks of lines with no blank one between; ``marks`` are the underlines met so far."""
    at = 0
    while at < len(lines):
        title = lines[at].strip()
        if _UNDERLINE.match(title):  # a line drawn above a title, or a ruler: dropped either way
            at += 1
        elif _underlined(lines, at):
            mark = lines[at + 1].strip()[0]
            if mark not in marks:
                marks.append(mark)
            yield Item(BlockKind.HEADING, title, marks.index(mark) + 1)
            at += 2
        elif at == len(lines) - 1 and (level := _level(lines[at], _opens_list(title, after))):
            yield Item(BlockKind.HEADING, title, level)
            at += 1
        else:
            end = next((i for i in range(at + 1, len(lines)) if _underlined(lines, i)), len(lines))
            yield from _body(lines[at:end])
            at = end


def _underlined(lines: list[str], at: int) -> bool:
    title = lines[at].strip()
    under = lines[at + 1].strip() if at + 1 < len(lines) else ""
    if not title or not _UNDERLINE.match(under) or _UNDERLINE.match(title) or len(title) > _TITLE_WIDTH:
        return False
    return width(title) <= _TITLE_WIDTH and width(under) >= 0.6 * width(title)


def _level(line: str, opens_list: bool) -> int:
    """Return the level of a heading that stands alone on its line, 0 when it is none."""
    title = line.strip()
    if (
        len(title) > _TITLE_WIDTH
        or width(title) > _TITLE_WIDTH
        or title.endswith(_FINAL)
        or line[:1].isspace()
    ):
        return 0
    if _SUBCHAPTER.match(title):
        return 2
    if _CHAPTER.match(title):
        return 1
    numbered = _NUMBERED.match(title)
    return min(numbered[1].count(".") + 1, 6) if numbered and not opens_list else 0


def _opens_list(line: str, after: list[str]) -> bool:
    """Tell a list with blank lines between its items from numbered headings."""
    here, there = _NUMBERED.match(line), _NUMBERED.match(after[0].strip()) if len(after) == 1 else None
    return bool(here and there and here[1].count(".") == there[1].count("."))


def _body(lines: list[str]) -> Iterator[Item]:
    if all(_BULLET.match(line) for line in lines) or (
        _BULLET.match(lines[0]) and sum(bool(_BULLET.match(line)) for line in lines) > 1
    ):
        yield Item(BlockKind.LIST, "\n".join(lines))
    elif all(line[:1] == "\t" or line.startswith("    ") for line in lines) and len(lines) > 1:
        yield Item(BlockKind.CODE, "\n".join(lines))
    else:
        yield Item(BlockKind.TEXT, join_lines(lines) if _wrapped(lines) else "\n".join(lines))


def _wrapped(lines: list[str]) -> bool:
    """Tell a paragraph wrapped at a margin from lines meant as lines (verse, addresses, logs)."""
    if len(lines) < 2:
        return False
    widths = [width(line.rstrip()) for line in lines]
    widest = max(widths)
    if not _WRAP_WIDTHS[0] <= widest <= _WRAP_WIDTHS[1]:
        return False
    if any(_BULLET.match(line) or line[:1].isspace() for line in lines[1:]):
        return False
    # A line was wrapped when the word after it would not have fitted.
    return all(
        widths[i] + 1 + width(_first_word(after)) >= 0.85 * widest and "|" not in line
        for i, (line, after) in enumerate(pairwise(lines))
    )


def _first_word(line: str) -> str:
    line = one_line(line)
    return line[:1] if line and is_ideographic(line[0]) else line.partition(" ")[0]
