"""Metrics of each Milvus, computed at each scrape from what is watched."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from glede.milvus.scope import Scope

# Upstream's numbers, so that its alerts go on working.
PHASES = {"Pending": 0, "Healthy": 1, "Unhealthy": 2, "Deleting": 3, "Stopped": 4, "Maintaining": 5}
_MAINTAINING = "milvus.io/maintaining"
_LABELS = ("milvus_namespace", "milvus_name")


class _Milvuses(Collector):
    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._scopes = scopes

    def collect(self) -> Iterator[GaugeMetricFamily]:
        words = ", ".join(f"{number} {phase}" for phase, number in PHASES.items())
        status = GaugeMetricFamily("milvus_status", f"State of a Milvus: {words}", labels=_LABELS)
        condition = GaugeMetricFamily(
            "glede_milvus_condition", "1 for True, 0 for False, -1 for Unknown", labels=(*_LABELS, "type")
        )
        counts = dict.fromkeys(PHASES, 0)
        for scope in self._scopes:
            for manifest in scope.milvuses.store.values():
                milvus = manifest.milvus
                place = [milvus.metadata.namespace, milvus.metadata.name]
                phase = milvus.status.get("status", "Pending")
                if milvus.metadata.annotations.get(_MAINTAINING) == "true":
                    phase = "Maintaining"
                counts[phase] = counts.get(phase, 0) + 1
                status.add_metric(place, PHASES.get(phase, 0))
                for entry in milvus.status.get("conditions", []):
                    value = {"True": 1, "False": 0}.get(entry["status"], -1)
                    condition.add_metric([*place, entry["type"]], value)
        total = GaugeMetricFamily("milvus_total_count", "Milvuses in each state", labels=("status",))
        for phase, count in counts.items():
            total.add_metric([phase], count)
        yield from (status, condition, total)


def track_milvuses(registry: CollectorRegistry, scopes: Sequence[Scope]) -> None:
    """Show the state of every Milvus that is watched."""
    registry.register(_Milvuses(scopes))
