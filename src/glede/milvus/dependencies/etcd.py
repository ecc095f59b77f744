"""etcd as the operator runs it: a static cluster of members that find each other by their pods' names."""

import re
from dataclasses import replace
from typing import Any

from glede.milvus.dependencies.plan import Asked, Kind, in_cluster, replicas_of
from glede.milvus.dependencies.pods import Program, domain_of, field_env, host_of, objects_of, plain_env
from glede.milvus.dependencies.values import Values
from glede.milvus.resolved import Dependency, InClusterPlan, Object, Resolved

CLIENT_PORT = 2379
PEER_PORT = 2380
METRICS_PORT = 2381
ETCD = Kind(
    kind="etcd",
    name="etcd",
    field="etcd",
    image="quay.io/coreos/etcd:v3.6.16",
    size="10Gi",
    full=3,
    requests={"cpu": "100m", "memory": "256Mi"},
    limits={"memory": "2Gi"},
)
_PATH = "/var/lib/etcd"
_QUOTA = "ETCD_QUOTA_BACKEND_BYTES"
# The numbers of Milvus's own Helm chart: volumes of clouds answer later than etcd's defaults expect.
_OPTIONS = {
    "ETCD_AUTO_COMPACTION_MODE": "revision",
    "ETCD_AUTO_COMPACTION_RETENTION": "1000",
    "ETCD_ELECTION_TIMEOUT": "2500",
    "ETCD_HEARTBEAT_INTERVAL": "500",
    _QUOTA: str(4 << 30),
}
_NOT_OFFERED = ("auth", "metrics", "disasterRecovery", "networkPolicy", "volumePermissions", "defrag", "rbac")
# /livez and /readyz came with 3.6; the port of the metrics answers also while there is no quorum.
_NEW_CHECKS = re.compile(r"v?(3\.([6-9]|\d\d)|[4-9]|\d\d)(\D.*)?", re.ASCII)


def resolve_etcd(asked: Asked) -> Dependency:
    """Resolve the etcd that the operator runs."""
    spec = asked.milvus.spec.dependencies.etcd.in_cluster
    values = asked.values("etcd", spec)
    replicas = replicas_of(asked, ETCD, values.count("replicaCount", most=9))
    plan = replace(in_cluster(asked, ETCD, spec, values, replicas), options=_options(values))
    values.off(*_NOT_OFFERED)
    asked.notes.problems.extend(values.problems())
    hosts = (host_of(plan, asked.namespace, ordinal) for ordinal in range(replicas))
    endpoints = tuple(f"{host}:{CLIENT_PORT}" for host in hosts)
    settings = {"etcd": {"endpoints": list(endpoints)}}
    return Dependency("etcd", "etcd", endpoints=endpoints, in_cluster=plan, settings=settings)


def _options(values: Values) -> dict[str, str]:
    written = {
        "ETCD_AUTO_COMPACTION_MODE": values.choice("autoCompactionMode", ("periodic", "revision")),
        "ETCD_AUTO_COMPACTION_RETENTION": values.text("autoCompactionRetention"),
        "ETCD_LOG_LEVEL": values.choice("logLevel", ("debug", "info", "warn", "error", "panic", "fatal")),
    }
    return _OPTIONS | {name: value for name, value in written.items() if value}


def render_etcd(resolved: Resolved, dependency: Dependency, plan: InClusterPlan) -> list[Object]:
    """Render etcd's objects.

    Settings are environment variables, since etcd refuses one that is also given as a flag. A member that has
    data takes its peers from them and not from the list it is started with.
    """
    program = Program(
        name=ETCD.name,
        ports={"client": CLIENT_PORT, "peer": PEER_PORT, "metrics": METRICS_PORT},
        data_path=_PATH,
        probes=_probes(plan.image),
        command=("etcd",),
        env=_env(resolved, plan),
        read_only=True,
    )
    return objects_of(resolved, dependency, program)


def _env(resolved: Resolved, plan: InClusterPlan) -> list[Object]:
    own = domain_of(plan, resolved.namespace)
    peers = (
        f"{plan.workload}-{ordinal}=http://{host_of(plan, resolved.namespace, ordinal)}:{PEER_PORT}"
        for ordinal in range(plan.replicas)
    )
    place = {
        "ETCD_NAME": "$(POD_NAME)",
        "ETCD_DATA_DIR": f"{_PATH}/data",
        "ETCD_LISTEN_CLIENT_URLS": f"http://0.0.0.0:{CLIENT_PORT}",
        "ETCD_LISTEN_PEER_URLS": f"http://0.0.0.0:{PEER_PORT}",
        "ETCD_LISTEN_METRICS_URLS": f"http://0.0.0.0:{METRICS_PORT}",
        "ETCD_ADVERTISE_CLIENT_URLS": f"http://$(POD_NAME){own}:{CLIENT_PORT}",
        "ETCD_INITIAL_ADVERTISE_PEER_URLS": f"http://$(POD_NAME){own}:{PEER_PORT}",
        "ETCD_INITIAL_CLUSTER": ",".join(peers),
        "ETCD_INITIAL_CLUSTER_STATE": "new",
        "ETCD_INITIAL_CLUSTER_TOKEN": f"{resolved.namespace}-{plan.workload}",
    }
    return [field_env("POD_NAME", "metadata.name"), *plain_env(place), *plain_env(plan.options)]


def quota_of(plan: InClusterPlan) -> int:
    """Give how large the database of a member may become, in bytes; 0 where that is not known."""
    written = {str(item.get("name")): item.get("value") for item in plan.env}
    text = str(written.get(_QUOTA, plan.options.get(_QUOTA, "")))
    return int(text) if text.isdecimal() else 0


def _probes(image: str) -> dict[str, Any]:
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    new = _NEW_CHECKS.fullmatch(tag) is not None
    ready = {"path": "/readyz" if new else "/health", "port": "metrics"}
    alive: dict[str, Any] = (
        {"httpGet": {"path": "/livez", "port": "metrics"}} if new else {"tcpSocket": {"port": "peer"}}
    )
    return {
        "startupProbe": {**alive, "periodSeconds": 2, "failureThreshold": 150},
        "livenessProbe": {**alive, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "readinessProbe": {
            "httpGet": ready,
            "periodSeconds": 5,
            "timeoutSeconds": 4,
            "failureThreshold": 2,
        },
    }
