"""The service's Prometheus metrics."""

import time
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from glede.qa.registry.database import Database
from glede.qa.registry.schema import State, versions
from glede.qa.service.gate import Gate

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Everything that /metrics shows."""

    def __init__(self, database: Database, questions: Gate, uploads: Gate) -> None:
        self._registry = CollectorRegistry()
        self._stages = Histogram(
            "glede_qa_stage_seconds",
            "Time of a question's stages: queue, embed, dense, lexical, fuse, rerank, answer, total.",
            ["stage"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.questions = self._counter(
            "questions", "Questions and searches by call and outcome.", ["call", "outcome"]
        )
        self.zero_hits = self._counter("zero_hits", "Questions for which no passage was found.")
        self.abstained = self._counter("abstained", "Questions answered with found: false.")
        self.unsupported = self._counter(
            "unsupported_sentences", "Written sentences their sources do not bear out."
        )
        self._registry.register(_Live(database, questions, uploads))

    def observe(self, timings: Mapping[str, float]) -> None:
        """Record a question's stages, given in milliseconds."""
        for stage, milliseconds in timings.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def render(self) -> bytes:
        """Give the exposition text."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"glede_qa_{name}", text, labels, registry=self._registry)


class _Live(Collector):
    """What is read at the moment of a scrape."""

    def __init__(self, database: Database, questions: Gate, uploads: Gate) -> None:
        self._database = database
        self._gates = {"questions": questions, "uploads": uploads}

    def collect(self) -> Iterable[Metric]:
        inside = GaugeMetricFamily("glede_qa_in_flight", "Requests being answered.", labels=["gate"])
        limit = GaugeMetricFamily("glede_qa_in_flight_limit", "The most at one time.", labels=["gate"])
        rejected = GaugeMetricFamily(
            "glede_qa_rejected", "Requests refused with 429 so far.", labels=["gate"]
        )
        for name, gate in self._gates.items():
            inside.add_metric([name], gate.inside)
            limit.add_metric([name], gate.limit)
            rejected.add_metric([name], gate.rejected)
        yield from (inside, limit, rejected)
        yield from self._ingest()

    def _ingest(self) -> Iterable[Metric]:
        waiting = [State.QUEUED, State.PARSING, State.EMBEDDING]
        with self._database.read() as connection:
            counts = connection.execute(
                sa.select(versions.c.state, sa.func.count()).group_by(versions.c.state)
            ).all()
            oldest = connection.execute(
                sa.select(sa.func.min(versions.c.created_at)).where(versions.c.state.in_(waiting))
            ).scalar_one()
        found = {str(state): int(number) for state, number in counts}
        documents = GaugeMetricFamily("glede_qa_documents", "Document versions by state.", labels=["state"])
        for state in State:
            documents.add_metric([state], found.get(state, 0))
        yield documents
        lag = max(0.0, time.time() - oldest) if oldest else 0.0
        yield GaugeMetricFamily(
            "glede_qa_ingest_lag_seconds", "Age of the oldest upload not ready.", value=lag
        )
