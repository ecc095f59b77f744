"""What Helm installs for a Milvus on behalf of milvus-operator, and milvus-operator itself."""

from collections.abc import Iterator

from tests.compat.theirs import Theirs

from glede.kube.objects import Object


def installed(theirs: Theirs) -> Iterator[Object]:
    """Give what Helm installs for a Milvus."""
    keys = {"accesskey": "minioadmin", "secretkey": "minioadmin"}
    minio = {"app": "minio", "release": f"{theirs.name}-minio"}
    etcd = {"app.kubernetes.io/name": "etcd", "app.kubernetes.io/instance": f"{theirs.name}-etcd"}
    yield _helm(theirs, "v1", "Secret", "minio", f"{theirs.name}-minio", minio) | {"stringData": keys}
    yield _set(theirs, "etcd", theirs.servers["etcd"], etcd, "data")
    yield _set(theirs, "minio", theirs.servers["minio"], minio, "export")
    yield _service(theirs, "etcd", f"{theirs.name}-etcd", etcd, 2379)
    yield _service(theirs, "etcd", f"{theirs.name}-etcd-headless", etcd, 2379, headless=True)
    yield _service(theirs, "minio", f"{theirs.name}-minio", minio, 9000)
    if theirs.log == "kafka":
        kafka = {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/instance": f"{theirs.name}-kafka"}
        yield _set(theirs, "kafka", 1, kafka, "data")
        yield _service(theirs, "kafka", f"{theirs.name}-kafka", kafka, 9092)
    if theirs.log == "pulsar":
        pulsar = {"app": "pulsar", "release": f"{theirs.name}-pulsar", "component": "proxy"}
        yield _set(theirs, "pulsar", 1, pulsar, None, suffix="-proxy")
        yield _service(theirs, "pulsar", f"{theirs.name}-pulsar-proxy", pulsar, 6650)


def _helm(theirs: Theirs, version: str, kind: str, release: str, name: str, labels: dict[str, str]) -> Object:
    metadata = {
        "name": name,
        "namespace": theirs.namespace,
        "labels": {**labels, "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": f"{theirs.name}-{release}",
            "meta.helm.sh/release-namespace": theirs.namespace,
        },
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _set(
    theirs: Theirs, release: str, count: int, labels: dict[str, str], claim: str | None, suffix: str = ""
) -> Object:
    name = f"{theirs.name}-{release}{suffix}"
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": release, "image": release}]},
    }
    spec: Object = {
        "replicas": count,
        "serviceName": f"{name}-headless",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels},
        "template": template,
    }
    if claim:
        resources = {"requests": {"storage": "10Gi"}}
        template_ = {"accessModes": ["ReadWriteOnce"], "resources": resources}
        spec["volumeClaimTemplates"] = [{"metadata": {"name": claim}, "spec": template_}]
    return _helm(theirs, "apps/v1", "StatefulSet", release, name, labels) | {"spec": spec}


def _service(
    theirs: Theirs, release: str, name: str, labels: dict[str, str], port: int, *, headless: bool = False
) -> Object:
    spec: Object = {"selector": labels, "ports": [{"name": "tcp", "port": port, "protocol": "TCP"}]}
    if headless:
        spec["clusterIP"] = "None"
    return _helm(theirs, "v1", "Service", release, name, labels) | {"spec": spec}


def operator(namespace: str, image: str) -> Object:
    """Give milvus-operator itself, as its chart installs it."""
    labels = {"app.kubernetes.io/name": "milvus-operator", "app.kubernetes.io/instance": "milvus-operator"}
    pod = {"containers": [{"name": "manager", "image": image, "command": ["/manager"]}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "milvus-operator", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
