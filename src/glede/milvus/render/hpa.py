"""The autoscaler that the operator keeps for a component."""

from glede.milvus.render.labels import owned, selector
from glede.milvus.render.strategy import grace_seconds
from glede.milvus.resolved import Object, Resolved, Workload
from glede.milvus.versions import HANDING_OVER

_CPU_PERCENT = 60
# Beyond the time that a pod may take to stop: until what it held is served by others.
_SETTLE_SECONDS = 60
_LONGEST_PERIOD_SECONDS = 1800


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
            "behavior": _behavior(resolved, workload, wanted.behavior),
        },
    }


def _behavior(resolved: Resolved, workload: Workload, written: Object | None) -> Object | None:
    """Give how fast it may scale: where pods hand over while they stop, one goes at a time.

    An autoscaler alone lets all that are too many go at once.
    """
    behavior = written or {}
    down = behavior.get("scaleDown", {})
    if workload.component not in HANDING_OVER or not isinstance(down, dict) or down.get("policies"):
        return written
    period = min(grace_seconds(resolved, workload) + _SETTLE_SECONDS, _LONGEST_PERIOD_SECONDS)
    policy = {"type": "Pods", "value": 1, "periodSeconds": period}
    return {**behavior, "scaleDown": {**down, "policies": [policy]}}
