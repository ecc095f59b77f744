"""FAQ gold: the question is a heading that a manual's authors wrote, the answer is the text under it.

Bias: the questions are real ones, but written by somebody who knew the answer, so they share more words
with it than a newcomer's would. Only the FAQ entry counts as relevant although another part of the manual
may answer too (a true answer scored as wrong, for every system alike). The entries have lost their heading
while the other sections keep theirs, which makes the set harder than real use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.qa.datasets.crossref import SQLITE_LISTS
from bench.qa.datasets.html import HeadingRule, Part, squeeze, standard_headings
from bench.qa.datasets.model import Corpus, Question, Section, Split
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.sampling import bias_in, cut, han_count, read_manual, sections_of, usable
from lxml.etree import _Element

_QUESTION = re.compile(
    r"[?？]|^(?:how|what|why|where|when|which|who|can|do|does|is|are|should|i|my|the|some)\b|什么|如何|怎|吗|是否|为何|哪",
    re.I,
)


def git_headings(element: _Element) -> int | None:
    """The entries of a definition list are headings in gitfaq."""
    if element.tag == "dt" and "hdlist1" in (element.get("class") or ""):
        return 5
    return standard_headings(element)


def sqlite_headings(element: _Element) -> int | None:
    """The SQLite FAQ numbers its questions "(1) ..." in bold paragraphs."""
    if element.tag == "p" and re.match(r"\(\d+\)\s", squeeze(str(element.xpath("string()")))):
        return 5
    return standard_headings(element)


@dataclass(frozen=True, slots=True)
class Faq:
    """Where one manual keeps its FAQ: `pages` matches its own pages, `level` is that of its questions."""

    package: str
    root: str
    pages: str
    level: int
    rest: tuple[str, ...] = ()
    headings: HeadingRule = standard_headings
    skip: frozenset[str] = frozenset()


GIT = Faq(
    "git-doc", "usr/share/doc/git-doc", "gitfaq.html", 5, ("gi*.html", "user-manual.html"), git_headings
)
SQLITE = Faq(
    "sqlite3-doc", "usr/share/doc/sqlite3", "faq.html", 5, ("*.html",), sqlite_headings, SQLITE_LISTS
)
DJANGO = Faq(
    "python-django-doc",
    "usr/share/doc/python-django-doc/html",
    "faq/*.html",
    2,
    ("topics/**/*.html", "howto/**/*.html", "ref/**/*.html", "intro/*.html"),
)
APACHE = Faq(
    "apache2-doc", "usr/share/doc/apache2-doc/manual/en", "ssl/ssl_faq.html", 3, ("*.html", "*/*.html")
)
DEBIAN_EN = Faq("debian-faq", "usr/share/doc/debian/FAQ", "*.en.html", 2)
DEBIAN_ZH = Faq("debian-faq-zh-cn", "usr/share/doc/debian/FAQ/zh-cn", "*.html", 2)
DEBIAN_REFERENCE_ZH = ("debian-reference-zh-cn", "usr/share/debian-reference", "*.zh-cn.html")


def tune_en(packages: Packages) -> Corpus:
    """The FAQs of git and SQLite among their manuals."""
    return _corpus("faq-git-sqlite", "tune", [(GIT, 280), (SQLITE, 180)], packages)


def report_en(packages: Packages) -> Corpus:
    """The FAQs of Django, Apache's TLS module and Debian; the first two among their manuals."""
    return _corpus(
        "faq-django-apache-debian", "report", [(DJANGO, 250), (APACHE, 200), (DEBIAN_EN, 150)], packages
    )


def tune_zh(packages: Packages) -> Corpus:
    """The Debian FAQ in Chinese among the Chinese Debian reference."""
    sections, questions = _extract(DEBIAN_ZH, packages)
    questions = [question for question in questions if han_count(question.text) >= 4]
    package, root, pages = DEBIAN_REFERENCE_ZH
    sections += sections_of(read_manual(packages.path(package) / root, pages), package)
    every = cut(sections, questions, 500)
    versions = {name: packages.versions[name] for name in (DEBIAN_ZH.package, package)}
    return Corpus("faq-debian", "zh", "tune", bias_in(__doc__), every, questions, versions)


def _corpus(name: str, split: Split, faqs: list[tuple[Faq, int]], packages: Packages) -> Corpus:
    sections: list[Section] = []
    questions: list[Question] = []
    for faq, count in faqs:
        found, asked = _extract(faq, packages)
        sections += cut(found, asked, count)
        questions += asked
    versions = {faq.package: packages.versions[faq.package] for faq, _ in faqs}
    return Corpus(name, "en", split, bias_in(__doc__), sections, questions, versions)


def _extract(faq: Faq, packages: Packages) -> tuple[list[Section], list[Question]]:
    root = packages.path(faq.package) / faq.root
    parts = read_manual(root, faq.pages, headings=faq.headings)
    gold = {id(part) for part in parts if _is_question(part, faq)}
    sections = sections_of(parts, faq.package, stripped=lambda part: id(part) in gold)
    questions = [
        Question(section.id, _clean(part.heading), frozenset({section.id}))
        for part, section in zip(parts, sections, strict=True)
        if id(part) in gold and usable(section)
    ]
    if faq.rest:
        rest = read_manual(root, *faq.rest, skip=faq.skip | {part.document for part in parts})
        sections += sections_of(rest, faq.package)
    return sections, questions


def _is_question(part: Part, faq: Faq) -> bool:
    return part.level == faq.level and bool(_QUESTION.search(_clean(part.heading)))


def _clean(heading: str) -> str:
    return re.sub(r"^\(\d+\)\s*", "", heading)
