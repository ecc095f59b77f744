"""Text to fill an index with, and questions to ask it: real sentences in a seeded, new order.

The sentences are those of the quality sets' English sections where `make bench-qa` has left them in its
cache, else those of the handbook. Their order across paragraphs is drawn anew, so an index of any size has
real words in about their real frequencies, but its chunks answer no question as a whole.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.qa.datasets import SETS, Corpus, cache_folder, load
from bench.qa.datasets.model import Section

from glede.qa.text.sentences import sentence_spans

SENTENCES_A_PARAGRAPH = 4
WORDS_A_SECTION = 170  # about the chunker's 220 tokens
MIN_SENTENCES = 1000
LONGEST_SENTENCE = 600


@dataclass(frozen=True, slots=True)
class Source:
    """Paragraphs of running sentences, questions about them, and where they come from."""

    name: str
    paragraphs: Sequence[str]
    questions: Sequence[str]


def read_source(cache: Path | None = None) -> Source:
    """Read the cached English sets, or the handbook where there are none."""
    cache = cache or cache_folder()
    cached = [_cached(cache, name) for name in sorted(SETS) if "-en-" in name and "handbook" not in name]
    corpora = [corpus for corpus in cached if corpus]
    source = _source("the English sections of `bench/qa`'s sets (Debian documentation)", corpora)
    if len(source.paragraphs) * SENTENCES_A_PARAGRAPH >= MIN_SENTENCES:
        return source
    return _source("the handbook in examples/", [load("report-en-handbook", cache)])


def sections(source: Source, seed: int) -> Iterator[str]:
    """Give Markdown sections of about one chunk each, without end; equal seeds give equal text."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        words, body = 0, []
        while words < WORDS_A_SECTION:
            body.append(chance.choice(source.paragraphs))
            words += len(body[-1].split())
        heading = " ".join(chance.choice(source.paragraphs).split()[:5]).strip("#*-_ ")
        yield f"## {heading} {seed}.{number}\n\n" + "\n\n".join(body) + "\n"


def _source(name: str, corpora: Sequence[Corpus]) -> Source:
    found: dict[str, None] = {}
    for corpus in corpora:
        for section in corpus.sections:
            found.update(dict.fromkeys(_paragraphs(section)))
    questions = dict.fromkeys(question.text for corpus in corpora for question in corpus.questions)
    asked = sorted(questions)
    random.Random(1).shuffle(asked)
    return Source(name, list(found), asked)


def _paragraphs(section: Section) -> Iterator[str]:
    sentences = [
        section.text[span.start : span.end].replace("\n", " ") for span in sentence_spans(section.text)
    ]
    prose = [sentence for sentence in sentences if 20 < len(sentence) < LONGEST_SENTENCE]
    for begin in range(0, len(prose), SENTENCES_A_PARAGRAPH):
        yield " ".join(prose[begin : begin + SENTENCES_A_PARAGRAPH])


def _cached(cache: Path, name: str) -> Corpus | None:
    """A set that was built before; building one would fetch packages."""
    return load(name, cache) if any((cache / "sets").glob(f"{name}.*.jsonl")) else None
