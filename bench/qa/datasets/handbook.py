"""The handbook in examples/, asked with questions written by hand.

Bias: the questions were written by people who had the handbook before them. A question's gold is every
section of the named document that holds its answer word for word (white space aside), so an answer given
in other words elsewhere counts as wrong. The handbook's files are read with Glede's own parsers, by all
systems alike.

Questions that the handbook does not answer belong to no corpus; `unanswerable` gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from bench.qa.datasets.model import Corpus, Question, Section
from bench.qa.datasets.sampling import bias_in
from bench.qa.metrics import contains_answer, flatten

from glede.qa.parse import Block, BlockKind, Page, ParseLimits, open_document

REPOSITORY = Path(__file__).resolve().parents[3]
HANDBOOK = REPOSITORY / "examples" / "handbook"
QUESTIONS = REPOSITORY / "bench" / "qa" / "questions"


def handbook(language: str) -> Corpus:
    """The handbook in "en" or "zh" with its questions. Raises ValueError for an answer not found in it."""
    files = sorted(path for path in (HANDBOOK / language).iterdir() if path.is_file())
    sections = [section for path in files for section in read_sections(path, f"{language}/{path.name}")]
    source = QUESTIONS / f"handbook.{language}.yaml"
    questions = [
        _question(source.stem, number, entry, sections)
        for number, entry in enumerate(_read(source)["questions"], start=1)
    ]
    return Corpus("handbook", language, "report", bias_in(__doc__), sections, questions)


def unanswerable(language: str) -> dict[str, list[str]]:
    """Questions without an answer: "near" the handbook's subject, and "far" from it."""
    entries = _read(QUESTIONS / f"unanswerable.{language}.yaml")
    return {kind: [str(question) for question in entries[kind]] for kind in ("near", "far")}


def read_sections(path: Path, document: str) -> list[Section]:
    """A section for each run of blocks under one heading on one page; the heading is its title only."""
    sections: list[Section] = []
    with open_document(path, path.name, ParseLimits()) as parsed:
        for page in parsed.pages():
            for heading, blocks in _runs(page):
                text = page.text[blocks[0].start : blocks[-1].end]
                identity = f"{document}#{page.number}.{len(sections)}"
                sections.append(Section(identity, " > ".join(heading), text, document, page=page.number))
    return sections


def _runs(page: Page) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    run: list[Block] = []
    for block in page.blocks:
        if run and (block.kind is BlockKind.HEADING or block.heading != run[0].heading):
            yield run[0].heading, run
            run = []
        if block.kind is not BlockKind.HEADING:
            run.append(block)
    if run:
        yield run[0].heading, run


def _question(source: str, number: int, entry: Mapping[str, Any], sections: list[Section]) -> Question:
    answer, document, page = str(entry["answer"]), str(entry["document"]), entry.get("page")
    inside = [
        section for section in sections if section.document == document and page in (None, section.page)
    ]
    relevant = frozenset(section.id for section in inside if contains_answer(section.text, answer))
    relevant = relevant or _spanned(inside, answer)
    if not relevant:
        where = f"{document}, page {page}" if page else document
        raise ValueError(
            f"{source}, question {number} ({entry['question']}): the answer {answer!r} was not"
            f" found in {where}; correct the answer, or the parser that lost it"
        )
    return Question(f"{source}/{number}", str(entry["question"]), relevant, answer)


def _spanned(sections: list[Section], answer: str) -> frozenset[str]:
    """The neighbours that hold the answer together, when it crosses a heading or a page."""
    for first, second in pairwise(sections):
        both = f"{first.text} {second.title.rpartition(' > ')[2]} {second.text}"
        if flatten(answer) in flatten(both) or contains_answer(f"{first.text} {second.text}", answer):
            return frozenset({first.id, second.id})
    return frozenset()


def _read(path: Path) -> dict[str, Any]:
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(entries, dict):
        raise TypeError(f"{path}: found {type(entries).__name__}, expected a mapping")
    return entries
