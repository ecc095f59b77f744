"""Known-item search in LibreOffice's help: the page's title is the question, the page without it the answer.

Bias: lexically easy, since a help page repeats the words of its title, and titles are noun phrases rather
than questions. Some Chinese pages are half translated; pages with less than 60 % Han letters are left out.
In the cross-language set the English title is asked of the Chinese pages: only names and a few untranslated
words are shared, so a lexical search can hardly score there.

A page belongs to the tune or the report half by a hash of its file name, the same in both languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.qa.datasets.html import Part, read_parts, squeeze
from bench.qa.datasets.model import Corpus, Question, Section, Split
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.sampling import bias_in, han_count, han_share, sample, share, usable

_PACKAGES = {
    "en": ("libreoffice-help-en-us", "usr/share/libreoffice/help/en-US"),
    "zh": ("libreoffice-help-zh-cn", "usr/share/libreoffice/help/zh-CN"),
}
_SECTIONS = {("en", "tune"): 300, ("en", "report"): 400, ("zh", "tune"): 500, ("zh", "report"): 520}
_QUESTIONS: dict[Split, int] = {"tune": 80, "report": 120}
_HAN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Page:
    """A help page: its title, and its text without that title."""

    file: str
    title: str
    text: str


def titles(packages: Packages, language: str, split: Split) -> Corpus:
    """One half of the help in one language ("en" or "zh")."""
    pages = _pages(packages, language, split)
    kept = sample(pages, _SECTIONS[language, split], lambda page: page.file)
    asked = sample(_askable(kept, language), _QUESTIONS[split], lambda page: f"ask {page.file}")
    package = _PACKAGES[language][0]
    sections = [_section(page, package) for page in kept]
    questions = [_question(page.file, page.title, package) for page in asked]
    versions = {package: packages.versions[package]}
    return Corpus("titles-libreoffice", language, split, bias_in(__doc__), sections, questions, versions)


def cross_language(packages: Packages) -> Corpus:
    """The report half in Chinese, asked with the English titles of the same files."""
    chinese = titles(packages, "zh", "report")
    package = _PACKAGES["zh"][0]
    here = {section.id for section in chinese.sections}
    pages = [page for page in _pages(packages, "en", "report") if f"{package}/{page.file}" in here]
    asked = sample(_askable(pages, "en"), _QUESTIONS["report"], lambda page: f"ask {page.file}")
    return Corpus(
        "cross-language-libreoffice",
        "en-zh",
        "report",
        chinese.bias,
        chinese.sections,
        [_question(page.file, page.title, package) for page in asked],
        chinese.packages | {name: packages.versions[name] for name, _ in [_PACKAGES["en"]]},
    )


def _pages(packages: Packages, language: str, split: Split) -> list[Page]:
    package, folder = _PACKAGES[language]
    root = packages.path(package) / folder
    pages = []
    for path in sorted(root.glob("text/**/*.html")):
        file = path.relative_to(root).as_posix()
        if (share(file, "half") < 0.5) != (split == "tune"):
            continue
        page = _page(path, file)
        text = Section(file, "", page.text, file)
        if page.title and usable(text) and (language == "en" or han_share(page.text) >= _HAN_SHARE):
            pages.append(page)
    return pages


def _page(path: Path, file: str) -> Page:
    parts = read_parts(path, file)
    title = next((part.heading for part in parts if part.heading), "")
    return Page(file, title, "\n".join(_lines(parts, title)))


def _lines(parts: list[Part], title: str) -> list[str]:
    lines = []
    for part in parts:
        if part.heading and part.heading != title:
            lines.append(part.heading)
        if part.text:
            lines.append(part.text)
    return lines


def _askable(pages: list[Page], language: str) -> list[Page]:
    count: dict[str, int] = {}
    for page in pages:
        count[page.title.casefold()] = count.get(page.title.casefold(), 0) + 1
    return [page for page in pages if count[page.title.casefold()] == 1 and _telling(page.title, language)]


def _telling(title: str, language: str) -> bool:
    return han_count(title) >= 4 if language == "zh" else len(title.split()) >= 2


def _section(page: Page, package: str) -> Section:
    return Section(f"{package}/{page.file}", "", page.text, f"{package}/{page.file}")


def _question(file: str, title: str, package: str) -> Question:
    identity = f"{package}/{file}"
    return Question(identity, squeeze(title), frozenset({identity}))
