"""The characters of a PDF page, gathered into lines that know their place and type size."""

import ctypes
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

_HYPHEN = 0x02  # what the library makes of a hyphen at a line's end, instead of a line break
_NEWLINES = (0x0A, 0x0D)
_FONT_NAME_BYTES = 128
_MONOSPACED = ("mono", "courier", "consol", "menlo", "typewriter", "cmtt", "sourcecode", "inconsolata")
_BOLD = ("bold", "black", "heavy", "semibold")


@dataclass(slots=True)
class Line:
    """One line: positions in points from the page's lower left, ``bottom`` the
    baseline, ``size`` the type size of most of it."""

    text: str = ""
    size: float = 0
    left: float = 0
    right: float = 0
    bottom: float = 0
    top: float = 0
    mono: bool = False
    bold: bool = False
    hyphenated: bool = False
    sizes: Counter[float] = field(default_factory=Counter)


class PageText:
    """Reads the text of one loaded page; ``close`` must be called."""

    def __init__(self, page: Any) -> None:
        self._text = page.get_textpage()
        self._rect = pdfium.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._font = ctypes.create_string_buffer(_FONT_NAME_BYTES)

    def close(self) -> None:
        """Give back the library's memory of the page's text."""
        self._text.close()

    def count(self) -> int:
        """Return how many characters the page holds."""
        return max(int(self._text.count_chars()), 0)

    def lines(self) -> list[Line]:
        """Return the lines with something on them, in the order of the document's content."""
        lines: list[Line] = []
        codes: list[int] = []
        start = 0
        count = self.count()
        for index in range(count):
            code = pdfium.FPDFText_GetUnicode(self._text, index)
            codes.append(code)
            if code in _NEWLINES or code == _HYPHEN:
                lines += self._line(start, codes)
                start, codes = index + 1, []
        lines += self._line(start, codes)
        return lines

    def _line(self, start: int, codes: list[int]) -> list[Line]:
        hyphenated = bool(codes) and codes[-1] == _HYPHEN
        text = _decoded([code for code in codes if code not in _NEWLINES and code != _HYPHEN])
        if not text.strip():
            return []
        inked = [start + i for i, code in enumerate(codes) if code > 0x20]
        line = Line(text.strip(), hyphenated=hyphenated)
        for index in inked:
            line.sizes[round(self._size(index), 1)] += 1
        line.size = line.sizes.most_common(1)[0][0]
        self._place(line, inked)
        # A face at both ends and in the middle is the line's; one at its start may be a word's.
        names = [self._font_name(index) for index in {inked[0], inked[len(inked) // 2], inked[-1]}]
        line.mono = all(any(word in name for word in _MONOSPACED) for name in names)
        line.bold = all(any(word in name for word in _BOLD) for name in names)
        return [line]

    def _size(self, index: int) -> float:
        """Return the size of a character as it is on the page: the font's, scaled by its matrix."""
        size = float(pdfium.FPDFText_GetFontSize(self._text, index))
        matrix = pdfium.FS_MATRIX()
        if size <= 2 and pdfium.FPDFText_GetMatrix(self._text, index, matrix):
            size *= float(abs(matrix.d) or abs(matrix.b) or 1)
        return size

    def _place(self, line: Line, inked: list[int]) -> None:
        (left, baseline), (_, last_baseline) = self._origin(inked[0]), self._origin(inked[-1])
        line.left = left
        line.bottom = baseline
        line.top = max(baseline, last_baseline) + 0.8 * line.size
        line.right = max(self._right(inked[-1]), left)

    def _origin(self, index: int) -> tuple[float, float]:
        """Return where a character stands on its baseline, which faces of one size share."""
        x, y = self._x, self._y
        if not pdfium.FPDFText_GetCharOrigin(self._text, index, x, y):
            return 0.0, 0.0
        return float(x.value), float(y.value)

    def _right(self, index: int) -> float:
        found = pdfium.FPDFText_GetLooseCharBox(self._text, index, self._rect)
        return float(self._rect.right) if found else 0.0

    def _font_name(self, index: int) -> str:
        flags = ctypes.c_int()
        length = pdfium.FPDFText_GetFontInfo(self._text, index, self._font, _FONT_NAME_BYTES, flags)
        if not 0 < length <= _FONT_NAME_BYTES:
            return ""
        return self._font.value.decode("utf-8", "replace").lower()


def _decoded(codes: list[int]) -> str:
    """Return the text of code units; halves of one character (UTF-16) are put together."""
    text = "".join(map(chr, codes))
    if any(0xD800 <= code <= 0xDFFF for code in codes):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
