"""Pages of PDF manuals: an outline entry is the question, the page where that section starts the answer.

Bias: lexically easy, since the heading is left on its page as it is in life. What makes it hard is also
from life: the contents pages, where every heading is repeated, are indexed and never relevant, and running
heads repeat the current heading on the following pages. A long section's later pages do not count.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from bench.qa.datasets.html import squeeze, strip_number
from bench.qa.datasets.model import Corpus, Question, Section, Split
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.sampling import bias_in, han_count, sample

_QUESTIONS = 80


@dataclass(frozen=True, slots=True)
class Manual:
    """A package and the PDF in it."""

    package: str
    file: str


DEBMAKE = "usr/share/doc/debmake-doc/debmake-doc."
SETS: dict[tuple[str, Split], Manual] = {
    ("en", "tune"): Manual("maint-guide", "usr/share/doc/maint-guide/maint-guide.en.pdf"),
    ("zh", "tune"): Manual("maint-guide-zh-cn", "usr/share/doc/maint-guide-zh-cn/maint-guide.zh-cn.pdf"),
    ("en", "report"): Manual(
        "developers-reference", "usr/share/developers-reference/developers-reference.pdf"
    ),
    ("zh", "report"): Manual(
        "debian-reference-zh-cn", "usr/share/debian-reference/debian-reference.zh-cn.pdf"
    ),
}


def pdf_pages(packages: Packages, language: str, split: Split) -> Corpus:
    """One manual, a section a page."""
    manual = SETS[language, split]
    path = packages.path(manual.package) / manual.file
    document = f"{manual.package}/{Path(manual.file).name}"
    pages, outline = read_pdf(path)
    sections = [
        Section(f"{document}#page={number}", "", text, document, page=number)
        for number, text in enumerate(pages, start=1)
        if text
    ]
    ids = {section.page: section.id for section in sections}
    questions = [
        Question(f"{document}#outline={title}", title, frozenset({ids[page]}))
        for title, page in _unique(outline)
        if page in ids and _telling(title, language)
    ]
    return Corpus(
        f"pdf-{manual.package.removesuffix('-zh-cn')}",
        language,
        split,
        bias_in(__doc__),
        sections,
        sample(questions, _QUESTIONS, lambda question: question.id),
        {manual.package: packages.versions[manual.package]},
    )


def read_pdf(path: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """The text of every page, and the outline as (title, page counted from 1); `.pdf.gz` is unpacked."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    with pypdfium2.PdfDocument(data) as document:
        pages = [page.get_textpage().get_text_range().replace("\r\n", "\n").strip() for page in document]
        outline = []
        for entry in document.get_toc():
            target = entry.get_dest()
            if target is not None and target.get_index() is not None:
                outline.append((strip_number(squeeze(entry.get_title())), target.get_index() + 1))
    return pages, outline


def _unique(outline: list[tuple[str, int]]) -> list[tuple[str, int]]:
    titles = [title.casefold() for title, _ in outline]
    return [(title, page) for title, page in outline if titles.count(title.casefold()) == 1]


def _telling(title: str, language: str) -> bool:
    return han_count(title) >= 4 if language == "zh" else len(re.findall(r"\w{2,}", title)) >= 2
