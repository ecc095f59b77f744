"""Question sets with known answers, made from documentation packages of Debian and from the handbook.

`load` gives a set by name, from the cache when it was built before. Each builder's module says how its
set is biased.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.qa.datasets import crossref, faq, handbook, pdf, postgres, titles
from bench.qa.datasets.model import Corpus, Question, Section, read, write
from bench.qa.datasets.packages import PackageError, Packages, cache_folder

__all__ = [
    "SETS",
    "Corpus",
    "PackageError",
    "Question",
    "Section",
    "cache_folder",
    "load",
]

FORMAT = 1
"""Part of the cached files' names; to be raised when a builder gives other sections or questions."""

SETS: dict[str, Callable[[Packages], Corpus]] = {
    "tune-en-faq": faq.tune_en,
    "tune-en-titles": lambda packages: titles.titles(packages, "en", "tune"),
    "tune-en-crossref": lambda packages: crossref.cross_references(
        crossref.SQLITE, "tune", packages, (220, 70)
    ),
    "tune-en-pdf": lambda packages: pdf.pdf_pages(packages, "en", "tune"),
    "tune-zh-faq": faq.tune_zh,
    "tune-zh-titles": lambda packages: titles.titles(packages, "zh", "tune"),
    "tune-zh-pdf": lambda packages: pdf.pdf_pages(packages, "zh", "tune"),
    "report-en-faq": faq.report_en,
    "report-en-index": lambda packages: postgres.postgres(packages)[0],
    "report-en-crossref": lambda packages: postgres.postgres(packages)[1],
    "report-en-titles": lambda packages: titles.titles(packages, "en", "report"),
    "report-en-pdf": lambda packages: pdf.pdf_pages(packages, "en", "report"),
    "report-zh-crossref": lambda packages: crossref.cross_references(
        crossref.REFERENCE_ZH, "report", packages, (600, 120)
    ),
    "report-zh-titles": lambda packages: titles.titles(packages, "zh", "report"),
    "report-zh-pdf": lambda packages: pdf.pdf_pages(packages, "zh", "report"),
    "report-cross-titles": titles.cross_language,
    "report-en-handbook": lambda _: handbook.handbook("en"),
    "report-zh-handbook": lambda _: handbook.handbook("zh"),
}
"""Builders by the name used on the command line: split, language, kind."""


_LIVE = frozenset({"report-en-handbook", "report-zh-handbook"})
"""Sets read from this repository each time, for their files change with it."""


def load(name: str, cache: Path) -> Corpus:
    """The set of that name, built on first use; KeyError for another name, PackageError without apt."""
    path = cache / "sets" / f"{name}.{FORMAT}.jsonl"
    if name not in _LIVE and path.exists():
        return read(path)
    corpus = SETS[name](Packages(cache))
    corpus.check()
    if name not in _LIVE:
        write(corpus, path)
    return corpus
