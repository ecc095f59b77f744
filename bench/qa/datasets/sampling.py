"""Choices fixed by the items' names alone (no order, platform or hash seed), and cutting manuals to size."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

from bench.qa.datasets.html import HeadingRule, Part, read_parts, squeeze, standard_headings
from bench.qa.datasets.model import Question, Section

Item = TypeVar("Item")

SHORTEST = 120
LONGEST = 6000
"""Characters of a section that is kept; longer ones are reference tables, shorter ones stubs."""

_HAN = re.compile(r"[㐀-鿿]")
_LETTER = re.compile(r"[^\W\d_]")


def share(key: str, salt: str = "") -> float:
    """A number in [0, 1) fixed by the key: `share(key) < 0.5` splits keys in two halves."""
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def sample(items: Iterable[Item], count: int, key: Callable[[Item], str]) -> list[Item]:
    """Up to `count` of the items, chosen by their keys alone, in the order they came."""
    listed = list(items)
    chosen = {key(item) for item in sorted(listed, key=lambda item: share(key(item), "sample"))[:count]}
    return [item for item in listed if key(item) in chosen]


def han_share(text: str) -> float:
    """The share of Han characters among the letters of the text (0 for a text without letters)."""
    letters = len(_LETTER.findall(text))
    return len(_HAN.findall(text)) / letters if letters else 0.0


def han_count(text: str) -> int:
    """How many Han characters the text has."""
    return len(_HAN.findall(text))


def sections_of(
    parts: Iterable[Part], manual: str, *, stripped: Callable[[Part], bool] = lambda part: False
) -> list[Section]:
    """One section a part, its id being "manual/document#ordinal of the part in the document".

    A part for which `stripped` holds loses its own heading and keeps those above it.
    """
    ordinal: dict[str, int] = {}
    sections = []
    for part in parts:
        document = f"{manual}/{part.document}"
        ordinal[document] = ordinal.get(document, -1) + 1
        path = part.path[:-1] if stripped(part) else part.path
        sections.append(Section(f"{document}#{ordinal[document]}", " > ".join(path), part.text, document))
    return sections


def usable(section: Section) -> bool:
    """Whether the section is long enough to answer anything and short enough to be one passage."""
    return SHORTEST <= len(section.text) <= LONGEST


def cut(sections: Iterable[Section], questions: list[Question], count: int) -> list[Section]:
    """The relevant sections and a sample of the other usable ones, about `count` in all, in their order."""
    listed = list(sections)
    relevant = {identity for question in questions for identity in question.relevant}
    others = sample(
        (section for section in listed if section.id not in relevant and usable(section)),
        max(0, count - len(relevant)),
        lambda section: section.id,
    )
    kept = relevant | {section.id for section in others}
    return [section for section in listed if section.id in kept]


def read_manual(
    root: Path,
    *patterns: str,
    headings: HeadingRule = standard_headings,
    skip: Collection[str] = (),
) -> list[Part]:
    """The parts of every page under `root` that matches one of the globs, pattern by pattern, in name order.

    `skip` holds paths relative to `root` that are left out. Raises FileNotFoundError when no page matches.
    """
    found = dict.fromkeys(page for pattern in patterns for page in sorted(root.glob(pattern)))
    pages = {
        page.relative_to(root).as_posix(): page for page in found if page.is_file() and not page.is_symlink()
    }
    if not pages:
        raise FileNotFoundError(f"{root}: no page matches {patterns}; has the package's layout changed?")
    return [
        part
        for document, page in pages.items()
        if document not in skip
        for part in read_parts(page, document, headings)
    ]


def bias_in(docstring: str | None) -> str:
    """The paragraph of a module's docstring that starts with "Bias:", without that word."""
    return squeeze((docstring or "").split("Bias:", 1)[1].split("\n\n", 1)[0])
