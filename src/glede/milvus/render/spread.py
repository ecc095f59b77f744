"""On which nodes and zones a component's pods stand."""

from glede.milvus.render.labels import selector
from glede.milvus.resolved import Object, Resolved, Workload

_HOSTNAME = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"
# Pods of another template do not count: else the pods of a rollout repel each other, and it never moves.
_OF_ONE_TEMPLATE = ["pod-template-hash"]


def affinity(resolved: Resolved, workload: Workload) -> Object | None:
    """Keep a component's pods on different nodes: surely where the nodes suffice, else where possible.

    An affinity of the manifest replaces this.
    """
    if workload.settings.affinity is not None:
        return workload.settings.affinity
    term = {
        "topologyKey": _HOSTNAME,
        "labelSelector": {"matchLabels": selector(resolved, workload)},
        "matchLabelKeys": _OF_ONE_TEMPLATE,
    }
    if workload.apart:
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def topology_spread(resolved: Resolved, workload: Workload) -> list[Object]:
    """Spread a component's pods over zones, if there are; the manifest's constraints replace this."""
    written = workload.settings.topology_spread_constraints
    if written is not None:
        return written
    if not resolved.milvus.spec.availability.zone_spread:
        return []
    return [
        {
            "maxSkew": 1,
            "topologyKey": _ZONE,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(resolved, workload)},
            "matchLabelKeys": _OF_ONE_TEMPLATE,
        }
    ]
