"""The rules every format's text goes through, so that one page reads like another.

Text is NFC (never NFKC: a citation must show what the document says), without control characters,
lone surrogates, soft hyphens or runs of blank lines.
"""

import re
import unicodedata
from collections.abc import Iterable

_NEWLINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile("[\xa0\u2007\u202f]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u2060\ufeff\ufff9-\ufffb\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n{3,}")
_WHITESPACE = re.compile(r"\s+")

# Scripts written without spaces: ideographs, kana, bopomofo and their punctuation. Hangul is not one.
_IDEOGRAPHS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u3100-\u312f\u31a0-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_PUNCTUATION = (
    "\u3001-\u3003\u3008-\u3020\u30fb\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")
_WIDE_PUNCTUATION = re.compile(f"[{_PUNCTUATION}]")
_WIDE_RUN = re.compile(f"[{_IDEOGRAPHS}{_PUNCTUATION}]+")
# Quotation marks and dashes that Chinese shares with Latin: only the other side tells.
_SHARED_PUNCTUATION = "“”‘’—…·"
_BLANKS = re.compile(r"[ \t]+")


def clean(text: str) -> str:
    """Return ``text`` normalised; line breaks and the spaces that open a line are kept."""
    text = _NEWLINES.sub("\n", text)
    text = _SPACES.sub(" ", text)
    text = _SURROGATES.sub("\ufffd", _UNWANTED.sub("", text))
    text = unicodedata.normalize("NFC", text)
    # A pattern for the spaces before a line's end would take quadratic time on a long run of spaces.
    text = "\n".join(line.rstrip(" \t\u3000") for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def separator(left: str, right: str) -> str:
    """Return what belongs between two wrapped lines of one paragraph: a space, or nothing in Chinese."""
    if not left or not right or left[-1].isspace() or right[0].isspace():
        return ""
    a, b = left[-1], right[0]
    if _WIDE_PUNCTUATION.match(a) or _WIDE_PUNCTUATION.match(b):
        return ""
    first, second = bool(_IDEOGRAPH.match(a)), bool(_IDEOGRAPH.match(b))
    if (first and second) or (first and b in _SHARED_PUNCTUATION) or (second and a in _SHARED_PUNCTUATION):
        return ""
    return " "


def join_lines(lines: Iterable[str]) -> str:
    """Join the wrapped lines of one paragraph into one line, without spaces inside Chinese."""
    parts: list[str] = []
    last = ""
    for line in lines:
        stripped = line.strip()
        if stripped:
            parts += [separator(last, stripped), stripped]
            last = stripped
    return "".join(parts)


def one_line(text: str) -> str:
    """Return ``text`` on one line: line breaks joined by the rules of its script, spaces collapsed."""
    joined = join_lines(_NEWLINES.sub("\n", text).split("\n"))
    return _WHITESPACE.sub(" ", joined).strip()


def table_row(cells: Iterable[str]) -> str:
    """Return a table's row as ``A | B | C``; empty cells at the end are dropped."""
    row = [one_line(cell) for cell in cells]
    while row and not row[-1]:
        row.pop()
    return " | ".join(row)


def untabbed(text: str) -> str:
    """Return ``text`` with each tab (a layout device in office documents) as one space."""
    return _BLANKS.sub(lambda run: " " if "\t" in run[0] else run[0], text)


def is_ideographic(char: str) -> bool:
    """Tell whether ``char`` belongs to a script written without spaces."""
    return bool(_IDEOGRAPH.match(char) or _WIDE_PUNCTUATION.match(char))


def width(text: str) -> int:
    """Return how many columns ``text`` takes on a grid where an ideograph takes two."""
    return len(text) + sum(map(len, _WIDE_RUN.findall(text)))
