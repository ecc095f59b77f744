"""The pods of one component as milvus-operator runs them."""

from collections.abc import Iterator

from glede.kube.objects import Object

# In seconds: for as long its pods may take to stop.
MONTH = 2_592_000
_ENTRIES = ("proxy", "standalone")
_TOOLS: Object = {"name": "tools", "mountPath": "/milvus/tools"}
_METRICS: Object = {"name": "metrics", "containerPort": 9091, "protocol": "TCP"}
_MIXTURE = ("mixture", "-rootcoord", "-querycoord", "-datacoord", "-indexcoord")


def template(milvus: str, component: str, labels: dict[str, str], image: str, *, claim: str = "") -> Object:
    """Give the template of a component's pods; ``claim`` holds the log, where it is within Milvus."""
    if component in _ENTRIES:
        labels = {**labels, "milvus.io/service": "true"}
    data = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    config = {
        "name": "config",
        "image": "milvusdb/milvus-operator:v1.3.8",
        "command": ["/bin/sh"],
        "args": ["/init.sh"],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
        "volumeMounts": [_TOOLS],
    }
    return {
        "metadata": {"labels": labels, "annotations": {"milvus.io/using-configmap": milvus}},
        "spec": {
            "terminationGracePeriodSeconds": MONTH,
            "initContainers": [config],
            "containers": [_container(milvus, component, image)],
            "volumes": [
                {"name": "milvus-data", **data},
                {"name": "milvus-config", "configMap": {"name": milvus, "defaultMode": 0o777}},
                {"name": "tools", "emptyDir": {}},
            ],
        },
    }


def _container(milvus: str, component: str, image: str) -> Object:
    run = _MIXTURE if component == "mixcoord" else (component,)
    entry = component in _ENTRIES
    found: Object = {
        "name": component,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["/milvus/tools/run.sh", "milvus", "run", *run],
        "env": list(_environment(milvus)),
        "ports": [*([{**_METRICS, "name": "milvus", "containerPort": 19530}] if entry else []), _METRICS],
        **_probes(),
        "volumeMounts": [
            {"name": "milvus-data", "mountPath": "/var/lib/milvus"},
            {"name": "milvus-config", "mountPath": "/milvus/configs/operator", "readOnly": True},
            _TOOLS,
        ],
    }
    return found | ({"lifecycle": {"preStop": {"exec": {"command": ["sleep", "30"]}}}} if entry else {})


def _environment(milvus: str) -> Iterator[Object]:
    reference = {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Gi"}}
    yield {"name": "CACHE_SIZE", "valueFrom": reference}
    for key, names in (
        ("accesskey", ("MINIO_ACCESS_KEY", "MINIO_ACCESS_KEY_ID")),
        ("secretkey", ("MINIO_SECRET_KEY", "MINIO_SECRET_ACCESS_KEY")),
    ):
        for name in names:
            yield {"name": name, "valueFrom": {"secretKeyRef": {"name": f"{milvus}-minio", "key": key}}}


def _probes() -> Object:
    alive = {"tcpSocket": {"port": 9091}, "timeoutSeconds": 3, "successThreshold": 1}
    health = {"path": "/healthz", "port": 9091, "scheme": "HTTP"}
    return {
        "startupProbe": {**alive, "periodSeconds": 10, "failureThreshold": 18},
        "livenessProbe": {**alive, "periodSeconds": 15, "failureThreshold": 3, "timeoutSeconds": 10},
        "readinessProbe": {
            "httpGet": health,
            "periodSeconds": 15,
            "failureThreshold": 2,
            "timeoutSeconds": 3,
        },
    }
