"""How many of a component's pods may be taken down on purpose at one time."""

from glede.api.milvus.components import DisruptionBudget
from glede.milvus.render.labels import component_labels, owned
from glede.milvus.resolved import Object, Resolved, Workload


def budgets(resolved: Resolved) -> list[Object]:
    """Render a budget for each component with several pods; one for all its groups together."""
    by_component: dict[str, list[Workload]] = {}
    for workload in resolved.workloads:
        by_component.setdefault(workload.component, []).append(workload)
    return [budget for parts in by_component.values() if (budget := _budget(resolved, parts))]


def _budget(resolved: Resolved, parts: list[Workload]) -> Object | None:
    component = parts[0].component
    wanted = parts[0].settings.pod_disruption_budget or DisruptionBudget()
    scaled = any(part.replicas is None for part in parts)
    # A single pod may always be moved: a budget would only stop the node from being drained.
    if not wanted.enabled or not (scaled or sum(part.least for part in parts) > 1):
        return None
    labels = component_labels(resolved.milvus, component)
    # A pod that is not ready serves nobody, and must not keep a node from being drained.
    spec: Object = {"selector": {"matchLabels": labels}, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    if wanted.min_available is not None:
        spec["minAvailable"] = wanted.min_available
    else:
        spec["maxUnavailable"] = 1 if wanted.max_unavailable is None else wanted.max_unavailable
    metadata = owned(resolved, f"{resolved.name}-milvus-{component}", labels)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
