"""The object store as the operator runs it: one server, or several with erasure coding between them.

The arguments, variables and paths are those of MinIO and of its forks.
"""

from dataclasses import replace
from typing import Any

from glede.milvus.dependencies.credentials import STORAGE_KEYS, storage_env
from glede.milvus.dependencies.plan import Asked, Kind, in_cluster, replicas_of
from glede.milvus.dependencies.pods import Program, domain_of, objects_of, plain_env, secret_env
from glede.milvus.dependencies.values import Values
from glede.milvus.resolved import Dependency, InClusterPlan, Object, Resolved

PORT = 9000
STORE = Kind(
    kind="storage",
    name="minio",
    field="storage",
    image="pgsty/silo:RELEASE.2026-09-03T13-18-01Z",
    size="100Gi",
    full=4,
    requests={"cpu": "100m", "memory": "512Mi"},
    limits={"memory": "4Gi"},
    required_apart=False,
)
_PATH = "/data"
_KEYS_ANNOTATION = "glede.io/secrets"
_MOST_OF_ONE_SET = 16
# A single server has one copy of everything; with erasure coding half of the parts may be lost.
_LEAST_SERVERS = 4
_SHORTEST = {"accesskey": 3, "secretkey": 8}
_OPTIONS = {
    "MINIO_BROWSER": "off",
    "MINIO_UPDATE": "off",
    "MINIO_PROMETHEUS_AUTH_TYPE": "public",
    # A server refuses data on the disk of its own root, lest a disk is not mounted. A pod's volume always is,
    # and with some container runtimes it is on that very disk.
    "MINIO_ROOTDRIVE_THRESHOLD_SIZE": "1",
}
_NOT_OFFERED = ("tls", "ingress", "networkPolicy", "metrics", "nasgateway", "s3gateway", "azuregateway")
_NOT_OFFERED_TOO = ("gcsgateway", "ossgateway", "b2gateway", "serviceAccount", "defaultBucket")


def resolve_storage(asked: Asked) -> Dependency:
    """Resolve the object store that the operator runs."""
    spec = asked.milvus.spec.dependencies.storage
    values = asked.values("storage", spec.in_cluster)
    replicas = replicas_of(asked, STORE, _written_replicas(values))
    plan = in_cluster(asked, STORE, spec.in_cluster, values, replicas)
    plan = replace(plan, options=dict(_OPTIONS))
    own = f"{asked.name}-{STORE.name}"
    secret = values.text("existingSecret") or spec.secret_ref or own
    credentials = _credentials(values, ours=secret == own)
    values.off(*_NOT_OFFERED, *_NOT_OFFERED_TOO)
    values.without_effect(("buckets",), "Milvus makes its bucket itself")
    settings: dict[str, object] = {"address": f"{own}.{asked.namespace}", "port": PORT, "useSSL": False}
    if bucket := values.text("bucketName"):
        settings |= {"bucketName": bucket}
    asked.notes.problems.extend(values.problems())
    keys = STORAGE_KEYS if secret == own else ()
    return Dependency(
        "storage",
        "minio",
        endpoints=(f"{own}.{asked.namespace}:{PORT}",),
        secret=secret,
        generated=tuple(key for key in keys if key not in credentials),
        credentials=credentials,
        in_cluster=plan,
        settings={"minio": settings},
        env=storage_env(secret, asked.facts.secrets.get(secret)),
    )


def _written_replicas(values: Values) -> int | None:
    """Read the number of servers; a single one where ``mode`` is standalone."""
    mode = values.choice("mode", ("standalone", "distributed"))
    number = values.count("replicas", most=_MOST_OF_ONE_SET)
    for name in ("drivesPerNode", "zones"):
        if values.count(name) not in (None, 1):
            values.unsupported(name, "only 1 is offered; take more replicas")
    if mode == "standalone":
        return 1
    if mode == "distributed" and number is None:
        return _LEAST_SERVERS
    if number in (2, 3) or (mode == "distributed" and number == 1):
        values.wrong("replicas", number, "1 or at least 4", "with fewer, one lost server stops every write")
        return _LEAST_SERVERS
    return number


def _credentials(values: Values, *, ours: bool) -> dict[str, str]:
    """Read keys that are written in clear; they go to the store's own Secret and nowhere else."""
    found: dict[str, str] = {}
    for key, names in (
        ("accesskey", ("accessKey", "rootUser")),
        ("secretkey", ("secretKey", "rootPassword")),
    ):
        for name in names:
            text = values.text(name)
            if not text:
                continue
            if not ours:
                values.unsupported(name, "another Secret is named")
            elif len(text) < _SHORTEST[key]:
                values.wrong(
                    name, "a shorter one", f"at least {_SHORTEST[key]} characters", "take a longer one"
                )
            else:
                found[key] = text
    return found


def render_storage(resolved: Resolved, dependency: Dependency, plan: InClusterPlan) -> list[Object]:
    """Render the object store's objects.

    A server counts as ready when its files can be read from where it stands, which in a distributed store
    needs half of the others too.
    """
    secret = dependency.secret or ""
    access, key = (item["valueFrom"]["secretKeyRef"]["key"] for item in dependency.env[:2])
    program = Program(
        name=STORE.name,
        annotations=_annotations(resolved, secret, plan.replicas),
        ports={"s3": PORT},
        data_path=_PATH,
        probes=_probes(),
        args=("server", *_places(resolved, plan), "--address", f":{PORT}"),
        env=[
            secret_env("MINIO_ROOT_USER", secret, access),
            secret_env("MINIO_ROOT_PASSWORD", secret, key),
            *plain_env(plan.options),
        ],
        grace=60,
        min_ready_seconds=10 if plan.replicas > 1 else 0,
    )
    return objects_of(resolved, dependency, program)


def _probes() -> dict[str, Any]:
    alive = {"path": "/minio/health/live", "port": "s3"}
    ready = {"path": "/minio/health/cluster/read", "port": "s3"}
    return {
        "livenessProbe": {
            "httpGet": alive,
            "periodSeconds": 15,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        "readinessProbe": {
            "httpGet": ready,
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }


def _annotations(resolved: Resolved, secret: str, replicas: int) -> dict[str, str]:
    """Restart a single server when its keys change.

    Servers of a distributed store refuse those with other keys: one by one they would not come back.
    """
    digest = resolved.secret_digests.get(secret)
    return {_KEYS_ANNOTATION: digest} if digest and replicas == 1 else {}


def _places(resolved: Resolved, plan: InClusterPlan) -> tuple[str, ...]:
    if plan.replicas == 1:
        return (_PATH,)
    pods = f"{plan.workload}-{{0...{plan.replicas - 1}}}"
    return (f"http://{pods}{domain_of(plan, resolved.namespace)}.svc:{PORT}{_PATH}",)
