"""How often canary searches came to what."""

import contextlib

from prometheus_client import CollectorRegistry, Counter

from glede.milvus.canarysearch.collection import COUNTED, Result


class Counts:
    """Counts answers, for each Milvus that is searched."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("milvus_namespace", "milvus_name", "result")
        text = "Canary searches, by what they came to: ok, empty, short, late or error"
        self._total = Counter("glede_milvus_canary", text, labels, registry=registry)

    def begin(self, owner: tuple[str, str]) -> None:
        """Show every result: an increase is seen only of a series that was there before."""
        for result in COUNTED:
            self._total.labels(*owner, result)

    def add(self, owner: tuple[str, str], result: Result) -> None:
        """Count an answer."""
        if result in COUNTED:
            self._total.labels(*owner, result).inc()

    def forget(self, owner: tuple[str, str]) -> None:
        """Show nothing more of a Milvus."""
        for result in COUNTED:
            with contextlib.suppress(KeyError):  # of a Milvus made anew under the name
                self._total.remove(*owner, result)
