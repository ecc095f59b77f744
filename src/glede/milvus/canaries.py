"""Has the canaries of Milvuses watched, for as long as a change depends on it, beside the reconciling."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from glede.api.milvus.canary import Canary
from glede.canary import Counts, Limits, Subject, Target, Watched, Watcher, fetch
from glede.milvus.desired import Desired
from glede.milvus.observed import Observed
from glede.milvus.podviews import PodView
from glede.milvus.probe.net import http_client
from glede.milvus.proxymetrics import FAMILIES, PROOF, counts_of
from glede.milvus.render.probes import HEALTH_PORT
from glede.milvus.resolved import Resolved
from glede.milvus.trial import WATCHED, canary_pods, limits_of, trial

MetricsOf = Callable[[PodView], str]


def metrics_of(pod: PodView) -> str:
    """Give the address of a pod's metrics. Milvus serves them without TLS, and asks for no login."""
    return f"http://{pod.host}:{HEALTH_PORT}/metrics"


class ProxyReader:
    """Reads the counts of proxies."""

    def __init__(self) -> None:
        self._parsing = asyncio.Lock()

    async def read(self, url: str) -> Counts:
        """Read a proxy's counts. Raises Unreadable."""
        async with http_client(None) as client:
            text = await fetch(client, url, FAMILIES, PROOF)
        # Of a thousand collections it takes a second: the loop must not wait for it, nor for several at once.
        async with self._parsing:
            return await asyncio.to_thread(counts_of, text)


@dataclass(frozen=True, slots=True)
class Canaries:
    """Tells what the canaries of Milvuses have shown; ``metrics`` gives where a pod's are."""

    watcher: Watcher
    metrics: MetricsOf = metrics_of

    def watched(self, resolved: Resolved, wanted: Desired, observed: Observed) -> Watched | None:
        """Give what is known now; None where nothing depends on it."""
        asked, uid = limits_of(resolved), resolved.milvus.metadata.uid
        phase = trial(resolved, wanted, observed).phase if observed.canaries() else "none"
        if phase == "rolling":
            return self.watcher.known(uid)
        if asked is None or phase not in WATCHED:
            self.forget(uid)
            return None
        return self.watcher.watched(uid, self._subject(resolved, asked, observed))

    def _subject(self, resolved: Resolved, asked: Canary, observed: Observed) -> Subject:
        meta = resolved.milvus.metadata
        template = observed.canaries()[0].template
        proxies = [pod for pod in observed.pods if pod.component == "proxy" and not pod.canary]
        return Subject(
            owner=(meta.namespace, meta.name),
            attempt=f"{meta.generation} {template}",
            canary=self._targets(canary_pods(observed)),
            others=self._targets(pod for pod in proxies if pod.ready and not pod.deleting),
            limits=Limits(asked.max_error_rate, asked.max_latency_ratio, asked.min_requests),
            seconds=float(asked.watch_seconds),
        )

    def _targets(self, pods: Iterable[PodView]) -> tuple[Target, ...]:
        return tuple(
            Target(pod.key.name, self.metrics(pod), f"{pod.uid} {pod.process}")
            for pod in sorted(pods, key=lambda pod: pod.key)
            if pod.address
        )

    def forget(self, uid: str) -> None:
        """Watch no more for a Milvus: nothing depends on it."""
        self.watcher.forget(uid)
