"""The operator's own metrics: every name in one place, labels from bounded sets only."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX = "glede_operator"

RECONCILE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
REQUEST_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Metrics on a registry of their own. Ages and depths are computed when they are scraped."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.reconcile_total = self._counter(
            "reconcile_total", "Passes over an object, by how they ended", "controller", "result"
        )
        self.reconcile_seconds = self._histogram(
            "reconcile_duration_seconds", "How long a pass took", RECONCILE_SECONDS, "controller"
        )
        self.queue_retries_total = self._counter(
            "queue_retries_total", "Keys that were put back after a failure", "controller"
        )
        self.queue_depth = self._gauge("queue_depth", "Keys that wait for a worker", "controller")
        self.queue_oldest = self._gauge(
            "queue_oldest_seconds", "How long the oldest key has waited for a worker", "controller"
        )
        self.watch_age = self._gauge(
            "watch_age_seconds", "Since when a watch has heard nothing, not even a bookmark", "resource"
        )
        self.api_requests_total = self._counter(
            "api_requests_total", "Requests to the API server; code 0: no answer", "verb", "resource", "code"
        )
        self.api_request_seconds = self._histogram(
            "api_request_seconds", "How long a request to the API server took", REQUEST_SECONDS, "verb"
        )
        self.leader = Gauge(f"{PREFIX}_leader", "1 while this replica leads, else 0", registry=self.registry)
        self.events_total = self._counter(
            "events_total", "Events asked for, by what became of them", "type", "result"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, registry=self.registry, buckets=buckets)

    def observe_request(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """Count a request to the API server: a transport's ``observe``."""
        self.api_requests_total.labels(verb, resource, str(code)).inc()
        self.api_request_seconds.labels(verb).observe(seconds)

    def reconciled(self, controller: str, result: str, seconds: float) -> None:
        """Count a pass; ``result`` is ``success``, ``retry``, ``error`` or ``deadline``."""
        self.reconcile_total.labels(controller, result).inc()
        self.reconcile_seconds.labels(controller).observe(seconds)

    def track_queue(self, controller: str, depth: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Show a queue's depth and the age of its oldest key at each scrape."""
        self.queue_depth.labels(controller).set_function(depth)
        self.queue_oldest.labels(controller).set_function(oldest)

    def track_watch(self, resource: str, age: Callable[[], float]) -> None:
        """Show a watch's age at each scrape."""
        self.watch_age.labels(resource).set_function(age)
