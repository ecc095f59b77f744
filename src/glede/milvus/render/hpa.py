"""The autoscaler that the operator keeps for a component."""

from glede.milvus.render.labels import owned, selector
from glede.milvus.resolved import Object, Resolved, Workload

_CPU_PERCENT = 60


def autoscalers(resolved: Resolved) -> list[Object]:
    """Render an autoscaler for each workload that asks for one. A component that is stopped has none."""
    return [scaler for workload in resolved.workloads if (scaler := _autoscaler(resolved, workload))]


def _autoscaler(resolved: Resolved, workload: Workload) -> Object | None:
    wanted = workload.settings.hpa
    if wanted is None or workload.replicas is not None:
        return None
    target = {"type": "Utilization", "averageUtilization": _CPU_PERCENT}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": owned(resolved, f"{workload.name}-hpa", selector(resolved, workload)),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
            "minReplicas": min(workload.least, wanted.max_replicas),
            "maxReplicas": wanted.max_replicas,
            "metrics": wanted.metrics or [cpu],
            "behavior": wanted.behavior,
        },
    }
