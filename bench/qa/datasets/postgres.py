"""Known-item search by PostgreSQL's index: a term is the question, the sections it points at the answer.

Bias: a term of one to four words, chosen by the authors, usually occurs in its section; terms that are
just the section's title are left out. Sections longer than 6,000 characters (the function tables) are not
asked for. All sections an entry points at count as relevant.

The corpus is that of the cross-reference set of the same manual, so both are indexed once.
"""

from __future__ import annotations

from dataclasses import replace

from bench.qa.datasets.crossref import POSTGRES, held_out, referring, targets
from bench.qa.datasets.crossref import __doc__ as crossref_doc
from bench.qa.datasets.html import parse, squeeze
from bench.qa.datasets.model import Corpus, Question, Section
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.sampling import bias_in, cut, read_manual, sample, sections_of, usable
from lxml.etree import _Element

_INDEX = "bookindex.html"
_SECTIONS = 430
_SINGLE_WORDS, _PHRASES, _REFERENCES = 40, 80, 100


def postgres(packages: Packages) -> list[Corpus]:
    """The index-term set and the cross-reference set."""
    root = packages.path(POSTGRES.package) / POSTGRES.root
    parts = read_manual(root, POSTGRES.pages, skip={_INDEX, "biblio.html", "release.html"})
    sections = sections_of(parts, POSTGRES.package)
    pointed = {
        target: section for target, section in targets(parts, sections).items() if not held_out(section)
    }
    terms = _questions(parse(root / _INDEX), pointed)
    single = sample((term for term in terms if " " not in term.text), _SINGLE_WORDS, lambda term: term.id)
    phrases = sample((term for term in terms if " " in term.text), _PHRASES, lambda term: term.id)
    references = sample(
        referring(parts, sections, POSTGRES.language), _REFERENCES, lambda question: question.id
    )
    indexed = [section for section in sections if not held_out(section)]
    kept = cut(indexed, [*single, *phrases, *references], _SECTIONS)
    by_term = Corpus(
        "index-postgres",
        "en",
        "report",
        bias_in(__doc__),
        kept,
        [*single, *phrases],
        {POSTGRES.package: packages.versions[POSTGRES.package]},
    )
    return [
        by_term,
        replace(by_term, name="crossref-postgres", bias=bias_in(crossref_doc), questions=references),
    ]


def _questions(index: _Element, pointed: dict[str, Section]) -> list[Question]:
    questions = []
    for entry in index.iter("dt"):
        term = _term(entry)
        found = {link.get("href", "") for link in entry.iterchildren("a")}
        hrefs = {href if "#" in href else f"{href}#" for href in found if href}
        hits = {pointed[href].id: pointed[href] for href in hrefs if href in pointed}
        if not hits or len(hits) < len(hrefs) or not 1 <= len(term.split()) <= 4 or len(term) < 3:
            continue
        titles = {title.casefold() for hit in hits.values() for title in hit.title.split(" > ")}
        if term.casefold() not in titles and all(usable(hit) for hit in hits.values()):
            questions.append(Question(f"index/{entry.get('id') or term}", term, frozenset(hits)))
    return questions


def _term(entry: _Element) -> str:
    own = _own_text(entry)
    holder = entry.getparent()
    detail = holder.getparent() if holder is not None else None
    if detail is None or detail.tag != "dd":
        return own
    above = detail.getprevious()
    return f"{_own_text(above)} {own}" if above is not None and above.tag == "dt" else own


def _own_text(entry: _Element) -> str:
    pieces = [entry.text or ""]
    for child in entry:
        if child.tag == "a" or not isinstance(child.tag, str):
            break
        pieces.append(str(child.xpath("string()")))
        pieces.append(child.tail or "")
    return squeeze("".join(pieces)).rstrip(", ")
