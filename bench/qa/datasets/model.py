"""The shape of every question set, and its form on disk: one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Split = Literal["tune", "report"]


@dataclass(frozen=True, slots=True)
class Section:
    """A unit of retrieval: the part of a manual under one heading, or one page.

    `title` is the path of headings above the text; whatever a question was made from is in neither.
    `page` counts from 1 and is set for documents that have pages.
    """

    id: str
    title: str
    text: str
    document: str
    page: int | None = None

    @property
    def indexed(self) -> str:
        """What every system is given to index."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the sections that answer it; `answer` is a verbatim span if one is known."""

    id: str
    text: str
    relevant: frozenset[str]
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sections that are searched together and the questions asked of them.

    `language` is that of the questions ("en", "zh"), or "en-zh" for English questions over Chinese
    sections. Settings are chosen on `tune` sets only. `packages` maps a Debian package to its version.
    """

    name: str
    language: str
    split: Split
    bias: str
    sections: list[Section]
    questions: list[Question]
    packages: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ValueError when ids repeat, a question has no answer here, or the set is empty."""
        ids = {section.id for section in self.sections}
        if len(ids) != len(self.sections):
            raise ValueError(f"set {self.name}: {len(self.sections) - len(ids)} section ids repeat")
        if len({question.id for question in self.questions}) != len(self.questions):
            raise ValueError(f"set {self.name}: question ids repeat")
        if not self.questions:
            raise ValueError(
                f"set {self.name}: no questions were extracted; has the manual's markup changed?"
            )
        for question in self.questions:
            missing = question.relevant - ids
            if missing or not question.relevant:
                raise ValueError(
                    f"set {self.name}: question {question.id!r} needs a relevant section, but"
                    f" {sorted(missing)} are not among the sections"
                )


def write(corpus: Corpus, path: Path) -> None:
    """Write the corpus to `path`, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("w", encoding="utf-8") as out:
        for record in _records(corpus):
            out.write(json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n")
    partial.replace(path)


def read(path: Path) -> Corpus:
    """Read what `write` wrote. Raises ValueError naming the line that is not understood."""
    head: dict[str, Any] = {}
    sections: list[Section] = []
    questions: list[Question] = []
    # Not str.splitlines: it also splits at U+2028, which JSON leaves inside strings.
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        record = json.loads(line)
        kind = record.pop("kind", None)
        if kind == "corpus":
            head = record
        elif kind == "section":
            sections.append(Section(**record))
        elif kind == "question":
            record["relevant"] = frozenset(record["relevant"])
            questions.append(Question(**record))
        else:
            raise ValueError(
                f"{path}:{number}: kind is {kind!r}, expected corpus, section or question; delete the file"
            )
    return Corpus(sections=sections, questions=questions, **head)


def _records(corpus: Corpus) -> Iterator[dict[str, Any]]:
    yield {
        "kind": "corpus",
        "name": corpus.name,
        "language": corpus.language,
        "split": corpus.split,
        "bias": corpus.bias,
        "packages": corpus.packages,
    }
    for section in corpus.sections:
        yield {"kind": "section", **asdict(section)}
    for question in corpus.questions:
        yield {"kind": "question", **asdict(question), "relevant": sorted(question.relevant)}
