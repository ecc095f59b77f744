"""Cross-reference gold: a sentence that refers to a section, without the reference, is the question.

Bias: the writer described the linked section in context, so the question is a statement, sometimes about
the linking section's own matter rather than the target's. The sections that questions are taken from are
not indexed (a third of the manual, by hash), so no sentence finds itself, and the linking section's
neighbours remain as strong distractors. One target per question is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.qa.datasets.html import Link, Paragraph, Part, squeeze
from bench.qa.datasets.model import Corpus, Question, Section, Split
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.sampling import (
    bias_in,
    cut,
    han_count,
    read_manual,
    sample,
    sections_of,
    share,
    usable,
)

HELD_OUT = 1 / 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_POINTERS = re.compile(
    r"\b(?:see(?: also)?|refer to|described in|discussed in|in (?:section|chapter))\s*(?=[,.;)]|$)"
    r"|(?:参见|参阅|请参考|请参阅|参看|详见|参考)\s*(?=[,.;)、，。；）]|$)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Manual:
    """A manual whose sections refer to each other."""

    package: str
    root: str
    pages: str
    language: str
    skip: frozenset[str] = frozenset()


SQLITE_LISTS = frozenset(
    f"{page}.html"
    for page in [
        "capi3ref",
        "changes",
        "chronology",
        "doc_backlink_crossref",
        "doc_keyword_crossref",
        "doc_target_crossref",
        "docs",
        "fileformat",
        "fileio",
        "hlr10000",
        "keyword_index",
        "lang_keywords",
        "news",
        "oldnews",
        "requirements",
        "sitemap",
        "syntaxdiagrams",
    ]
)
"""Pages of the SQLite manual that are lists of links or copies of other pages."""
POSTGRES = Manual("postgresql-doc-15", "usr/share/doc/postgresql-doc-15/html", "*.html", "en")
SQLITE = Manual("sqlite3-doc", "usr/share/doc/sqlite3", "*.html", "en", SQLITE_LISTS)
REFERENCE_ZH = Manual("debian-reference-zh-cn", "usr/share/debian-reference", "*.zh-cn.html", "zh")


def cross_references(manual: Manual, split: Split, packages: Packages, sizes: tuple[int, int]) -> Corpus:
    """The set of one manual; `sizes` are the sections kept and the questions asked at most."""
    parts = read_manual(packages.path(manual.package) / manual.root, manual.pages, skip=manual.skip)
    sections = sections_of(parts, manual.package)
    indexed = [section for section in sections if not held_out(section)]
    questions = sample(referring(parts, sections, manual.language), sizes[1], lambda question: question.id)
    return Corpus(
        f"crossref-{manual.package.removesuffix('-zh-cn').removesuffix('3-doc')}",
        manual.language,
        split,
        bias_in(__doc__),
        cut(indexed, questions, sizes[0]),
        questions,
        {manual.package: packages.versions[manual.package]},
    )


def held_out(section: Section) -> bool:
    """Whether the section is a source of questions and so is kept out of the index."""
    return share(section.id, "held out") < HELD_OUT


def targets(parts: list[Part], sections: list[Section]) -> dict[str, Section]:
    """What each "document#anchor", or "document#" for a page's start, points at."""
    found: dict[str, Section] = {}
    for part, section in zip(parts, sections, strict=True):
        for anchor in part.anchors:
            found.setdefault(f"{part.document}#{anchor}", section)
        if part.text:
            found.setdefault(f"{part.document}#", section)
    return found


def referring(parts: list[Part], sections: list[Section], language: str) -> list[Question]:
    """The questions in held-out sections whose target is an indexed, usable section of another heading."""
    pointed = targets(parts, sections)
    questions: dict[str, Question] = {}
    for part, section in zip(parts, sections, strict=True):
        if not held_out(section):
            continue
        for paragraph in part.paragraphs:
            for link in paragraph.links:
                target = pointed.get(link.target)
                text = masked_sentence(paragraph, link)
                if target and not held_out(target) and usable(target) and _telling(text, language):
                    question = Question(f"{section.id}@{len(questions)}", text, frozenset({target.id}))
                    questions.setdefault(text, question)
    return list(questions.values())


def masked_sentence(paragraph: Paragraph, link: Link) -> str:
    """The sentence around the link without the link's text and without a bare "see" that led to it."""
    start, end = 0, len(paragraph.text)
    for boundary in _SENTENCE_END.finditer(paragraph.text):
        if boundary.end() <= link.start:
            start = boundary.end()
        elif boundary.start() >= link.end:
            end = boundary.start()
            break
    masked = f"{paragraph.text[start : link.start]} {paragraph.text[link.end : end]}"
    unled = _POINTERS.sub("", squeeze(masked))
    unquoted = re.sub(r"\(\s*\)|（\s*）|“\s*”", "", unled)
    return re.sub(r"\s+(?=[,.;:!?，。；：！？])", "", squeeze(unquoted))


def _telling(text: str, language: str) -> bool:
    if ".html" in text:
        return False
    if language == "zh":
        return 16 <= han_count(text) <= 120
    return 8 <= len(re.findall(r"[A-Za-z]{2,}", text)) <= 60
