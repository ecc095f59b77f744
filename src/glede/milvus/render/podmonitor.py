"""What tells Prometheus to scrape the pods."""

from glede.milvus.labels import COMPONENT_LABEL, GROUP_LABEL
from glede.milvus.render.labels import instance_labels, owned
from glede.milvus.resolved import Object, Resolved

_INTERVAL = "30s"
_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/name", COMPONENT_LABEL, GROUP_LABEL)


def pod_monitor(resolved: Resolved) -> Object | None:
    """Render the PodMonitor; None where its kind is not installed, or the manifest wants none."""
    components = resolved.milvus.spec.components
    if not resolved.pod_monitors or components.disable_metric:
        return None
    endpoint = {
        "port": "metrics",
        "path": "/metrics",
        "interval": components.metric_interval or _INTERVAL,
        "honorLabels": True,
        "relabelings": [
            {"targetLabel": label, "replacement": value}
            for label, value in sorted(components.metric_labels.items())
        ],
    }
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": owned(resolved, resolved.name),
        "spec": {
            "namespaceSelector": {"matchNames": [resolved.namespace]},
            "selector": {"matchLabels": instance_labels(resolved.milvus)},
            "podTargetLabels": list(_LABELS),
            "podMetricsEndpoints": [endpoint],
        },
    }
