"""Searching without pause, and counting what a client would complain of."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from pymilvus import MilvusClient

# The client prints a page for each error; here errors are counted.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

LATE_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
LIMIT = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One search: when it began (monotonic), how long it took, how many hits it gave, what went wrong."""

    began: float
    seconds: float
    hits: int
    error: str = ""

    @property
    def verdict(self) -> str:
        """``failed``, ``short``, ``late`` or ``good``, the worst that applies."""
        if self.error:
            return "failed"
        if self.hits < LIMIT:
            return "short"
        return "late" if self.seconds > LATE_SECONDS else "good"


@dataclass
class Searcher:
    """Clients that search a collection without pause, each in a thread with a connection of its own."""

    uri: str
    collection: str
    questions: np.ndarray
    clients: int = 4
    answers: list[Answer] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def searching(self) -> Iterator[Searcher]:
        """Search while the block lasts."""
        threads = [threading.Thread(target=self._search, args=(number,)) for number in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS * 3)

    def between(self, begin: float, end: float) -> list[Answer]:
        """Give the searches that began in a span of time."""
        return [answer for answer in list(self.answers) if begin <= answer.began < end]

    def last_bad(self, begin: float) -> float | None:
        """Give when the last search since ``begin`` that was not good had ended, or none."""
        bad = [a.began + a.seconds for a in self.between(begin, float("inf")) if a.verdict != "good"]
        return max(bad, default=None)

    def _search(self, number: int) -> None:
        client = MilvusClient(self.uri, timeout=TIMEOUT_SECONDS)
        place = number
        while not self._ended.is_set():
            question = self.questions[place % len(self.questions)].tolist()
            place += self.clients
            begin = time.monotonic()
            try:
                found = client.search(self.collection, [question], limit=LIMIT, timeout=TIMEOUT_SECONDS)
                answer = Answer(begin, time.monotonic() - begin, len(found[0]))
            except Exception as error:  # whatever a client meets counts as a failed search
                answer = Answer(begin, time.monotonic() - begin, 0, f"{type(error).__name__}: {error}"[:200])
                time.sleep(0.02)
            self.answers.append(answer)
        client.close()


def counted(answers: Sequence[Answer]) -> dict[str, int]:
    """Count verdicts."""
    counts = Counter(answer.verdict for answer in answers)
    return {verdict: counts[verdict] for verdict in ("good", "failed", "late", "short")}
