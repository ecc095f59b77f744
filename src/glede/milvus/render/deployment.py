"""One Deployment for each component, or for each of its groups."""

from glede.milvus.labels import TEMPLATE_ANNOTATION
from glede.milvus.render.environment import digest
from glede.milvus.render.labels import owned, selector
from glede.milvus.render.pod import pod_template
from glede.milvus.render.strategy import min_ready_seconds, strategy
from glede.milvus.resolved import Object, Resolved, Workload

# Kept for going back to an earlier template; each old one is an empty ReplicaSet.
_HISTORY = 3


def deployment(resolved: Resolved, workload: Workload) -> Object:
    """Render a workload. Without ``replicas`` its number is its autoscaler's."""
    labels = selector(resolved, workload)
    template = pod_template(resolved, workload)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": owned(resolved, workload.name, labels, {TEMPLATE_ANNOTATION: digest(template)}),
        "spec": {
            "replicas": workload.replicas,
            "paused": workload.settings.paused or None,
            "selector": {"matchLabels": labels},
            "strategy": strategy(resolved, workload),
            "minReadySeconds": min_ready_seconds(workload),
            "progressDeadlineSeconds": resolved.milvus.spec.components.rollout.progress_deadline_seconds,
            "revisionHistoryLimit": _HISTORY,
            "template": template,
        },
    }
