"""What a retriever is here, and the ones to compare with: plain BM25 and Haystack with its defaults."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from bench.qa.datasets.model import Section


class Retriever(Protocol):
    """A system under test. `index` is called once, before any `search`."""

    name: str

    def index(self, sections: Sequence[Section]) -> None:
        """Take in the sections' `indexed` texts."""

    def search(self, questions: Sequence[str], limit: int) -> list[list[str]]:
        """For each question up to `limit` section ids, best first, without repeats."""

    def close(self) -> None:
        """Free what the index takes; nothing is asked afterwards."""


Tokenizer = Callable[[str], list[str]]


def latin_words(text: str) -> list[str]:
    r"""Lower-case runs of \w."""
    return re.findall(r"\w+", text.lower())


def jieba_words(text: str) -> list[str]:
    """jieba's search-mode words, lower case, without punctuation."""
    import jieba  # noqa: PLC0415 (loading it costs a second and writes a cache file)

    jieba.setLogLevel(logging.WARNING)
    return [word.lower() for word in jieba.cut_for_search(text) if re.search(r"\w", word)]


class WordBm25:
    """rank-bm25's BM25Okapi with its own settings over whole sections; sections scoring 0 are no hits."""

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._ids: list[str] = []
        self._ranker: Any = None

    def index(self, sections: Sequence[Section]) -> None:
        """Take in the sections; an empty list is refused by the library."""
        from rank_bm25 import BM25Okapi  # noqa: PLC0415 (a benchmark dependency of this class only)

        self._ids = [section.id for section in sections]
        self._ranker = BM25Okapi([self._tokenizer(section.indexed) for section in sections])

    def search(self, questions: Sequence[str], limit: int) -> list[list[str]]:
        """Rank by score; equal scores keep the order of the sections."""
        return [self._one(question, limit) for question in questions]

    def close(self) -> None:
        """Let go of the index."""
        self._ranker = None

    def _one(self, question: str, limit: int) -> list[str]:
        scores = self._ranker.get_scores(self._tokenizer(question))
        order = np.argsort(-scores, kind="stable")[:limit]
        return [self._ids[place] for place in order if scores[place] > 0]


class HaystackBm25:
    """haystack-ai as it comes: DocumentSplitter (200 words), in-memory store and BM25 retriever."""

    name = "haystack BM25"
    _OVERFETCH = 5

    def __init__(self) -> None:
        self._retriever: Any = None

    def index(self, sections: Sequence[Section]) -> None:
        """Split and write the sections into a new in-memory store."""
        from haystack import Document  # noqa: PLC0415 (slow to import)
        from haystack.components.preprocessors import DocumentSplitter  # noqa: PLC0415
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever  # noqa: PLC0415
        from haystack.document_stores.in_memory import InMemoryDocumentStore  # noqa: PLC0415

        # The id must differ for sections of equal text, or the store refuses the second.
        documents = [
            Document(id=section.id, content=section.indexed, meta={"section": section.id})
            for section in sections
        ]
        splitter = DocumentSplitter()
        splitter.warm_up()
        store = InMemoryDocumentStore(shared=False)
        store.write_documents(splitter.run(documents=documents)["documents"])
        self._retriever = InMemoryBM25Retriever(document_store=store)

    def search(self, questions: Sequence[str], limit: int) -> list[list[str]]:
        """A section's rank is that of its best chunk."""
        hits = (
            self._retriever.run(query=question, top_k=limit * self._OVERFETCH)["documents"]
            for question in questions
        )
        return [unique((str(hit.meta["section"]) for hit in found), limit) for found in hits]

    def close(self) -> None:
        """Let go of the store."""
        self._retriever = None


def unique(ids: Iterable[str], limit: int) -> list[str]:
    """The first `limit` different ids in their order."""
    return list(dict.fromkeys(ids))[:limit]


def baselines() -> list[Retriever]:
    """Every baseline, not yet indexed."""
    return [
        WordBm25("BM25 words", latin_words),
        WordBm25("BM25 jieba", jieba_words),
        HaystackBm25(),
    ]
