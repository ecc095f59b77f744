"""Reading a Milvus with all that is around it, and what in the cluster stands in the way of a move."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.cli.cluster import Cluster
from glede.kube import objects
from glede.kube.errors import ApiError, Forbidden, NotFound
from glede.kube.objects import Key, Object, Resource, owner_uid, uid_of
from glede.kube.transport import Selection
from glede.milvus import podviews
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.kinds import MILVUS
from glede.milvus.references import secrets_named
from glede.milvus.resolved import Problem
from glede.milvus.takeover import Found, Move
from glede.milvus.takeover.found import is_installed, name_of, wanted

# What is rendered by the command is only looked at; the operator knows its own image.
TOOL_IMAGE = "glede"
_OPERATOR = "milvus-operator"
_LEASE = "71808ec5.milvus.io"
_STOP = "kubectl -n {} scale deployment {} --replicas=0"
_REVIEW = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
)
_DEFINITION = Key("", f"{MILVUS.plural}.{MILVUS.group}")
_KEYS = frozenset({"accesskey", "secretkey", "username", "password"})
_CHILDREN = (objects.CONFIG_MAP, objects.SERVICE, objects.INGRESS, objects.POD_MONITOR)
_INSTALLED = (objects.STATEFUL_SET, objects.DEPLOYMENT, objects.PVC)


async def found_of(cluster: Cluster, key: Key) -> Found:
    """Read a Milvus and what is around it. Raises CommandError where there is none, ApiError."""
    milvus = await cluster.get(MILVUS, key)
    mine = Selection(
        key.namespace,
        f"app.kubernetes.io/instance={key.name},app.kubernetes.io/managed-by={_OPERATOR}",
    )
    everything = Selection(key.namespace)
    others = [
        item
        for resource in _CHILDREN
        for item in await _optional(cluster, resource, everything)
        if owner_uid(item) == uid_of(milvus)
    ]
    claims = await cluster.list(objects.PVC, everything)
    others += [item for item in claims if name_of(item) == f"{key.name}-data"]
    installed = [
        item
        for resource in _INSTALLED
        for item in await cluster.list(resource, everything)
        if is_installed(item, key.name)
    ]
    return Found(
        milvus=milvus,
        deployments=tuple(await cluster.list(objects.DEPLOYMENT, mine)),
        replica_sets=tuple(await cluster.list(objects.REPLICA_SET, mine)),
        pods=tuple(await cluster.list(objects.POD, mine)),
        others=tuple(others),
        installed=tuple(installed),
        autoscalers=tuple(await cluster.list(objects.HPA, everything)),
        facts=await _facts(cluster, milvus, monitored=any(item["kind"] == "PodMonitor" for item in others)),
    )


async def _optional(cluster: Cluster, resource: Resource, selection: Selection) -> list[Object]:
    """List a kind that may not be installed."""
    try:
        return await cluster.list(resource, selection)
    except NotFound:
        return []


async def _facts(cluster: Cluster, milvus: Object, *, monitored: bool) -> Facts:
    namespace = str(milvus["metadata"]["namespace"])
    try:
        nodes = [podviews.node(item) for item in await cluster.list(objects.NODE, Selection())]
        usable = len([node for node in nodes if node.usable])
    except Forbidden:
        usable = None
    secrets = {}
    for name in _secrets(milvus):
        try:
            held = await cluster.transport.get(objects.SECRET, Key(namespace, name))
        except NotFound:
            continue
        except Forbidden:
            # The operator will read it; what it has in it is not this command's to know.
            secrets[name] = SecretFacts(_KEYS, "")
            continue
        secrets[name] = SecretFacts(frozenset(held.get("data") or {}), "")
    return Facts(nodes=usable, tool_image=TOOL_IMAGE, secrets=secrets, pod_monitors=monitored)


def _secrets(milvus: Object) -> Iterable[str]:
    try:
        named = secrets_named(read_milvus(milvus))
    except ManifestProblem:
        return ()
    return sorted({*named, f"{name_of(milvus)}-minio"})


async def obstacles(cluster: Cluster, move: Move, operator_namespace: str) -> list[Problem]:
    """Tell what in the cluster stands in the way: another operator that runs, definitions, rights."""
    found = [problem async for problem in _operators(cluster, operator_namespace)]
    if problem := await _definitions(cluster):
        found.append(problem)
    return [*found, *[problem async for problem in _rights(cluster, move)]]


async def _operators(cluster: Cluster, namespace: str) -> AsyncIterator[Problem]:
    place = Selection(namespace or None)
    try:
        deployments = await cluster.list(objects.DEPLOYMENT, place)
        leases = await cluster.list(objects.LEASE, place)
    except Forbidden as error:
        message = (
            f"whether it runs cannot be seen ({error.message}); get the right to list deployments and leases "
            "in all namespaces, or name its namespace by --operator-namespace"
        )
        yield Problem("invalid", _OPERATOR, message)
        return
    if namespace and not any(map(_is_operator, deployments)):
        message = f"found no Deployment of {_OPERATOR} in namespace {namespace}; name the one that it is in"
        yield Problem("invalid", "--operator-namespace", message)
    for item in deployments:
        told = item.get("status", {}).get("replicas", 0)
        if _is_operator(item) and (wanted(item) or told):
            at = item["metadata"]["namespace"]
            message = (
                f"found {max(wanted(item), told)} of its pods, expected none, since two operators undo each "
                f"other's work; stop it: {_STOP.format(at, name_of(item))}"
            )
            yield Problem("invalid", f"Deployment {at}/{name_of(item)}", message)
    for item in leases:
        if name_of(item) == _LEASE and _is_held(item["spec"]):
            holder = item["spec"]["holderIdentity"]
            message = f"is held by {holder}, expected by nobody; stop milvus-operator, and wait half a minute"
            yield Problem("invalid", f"Lease {item['metadata']['namespace']}/{_LEASE}", message)


def _is_operator(deployment: Object) -> bool:
    labels = deployment["metadata"].get("labels", {})
    containers = deployment["spec"]["template"]["spec"]["containers"]
    programs = [c for c in containers if c.get("command") == ["/manager"] and _OPERATOR in c["image"]]
    return labels.get("app.kubernetes.io/name") == _OPERATOR or bool(programs)


def _is_held(lease: Object) -> bool:
    if not lease.get("holderIdentity") or not lease.get("renewTime"):
        return False
    until = datetime.fromisoformat(lease["renewTime"]) + timedelta(
        seconds=lease.get("leaseDurationSeconds", 15)
    )
    return until > datetime.now(UTC)


async def _definitions(cluster: Cluster) -> Problem | None:
    try:
        definition = await cluster.transport.get(objects.CRD, _DEFINITION)
    except Forbidden:
        return None
    columns = [
        c["name"] for v in definition["spec"]["versions"] for c in v.get("additionalPrinterColumns", ())
    ]
    if "Ready" in columns:
        return None
    message = (
        "is milvus-operator's, without the fields that are needed; apply those of the chart: helm template "
        "charts/glede --show-only 'templates/crd-*.yaml' | kubectl apply --server-side --force-conflicts -f -"
    )
    return Problem("invalid", f"CustomResourceDefinition {_DEFINITION.name}", message)


async def _rights(cluster: Cluster, move: Move) -> AsyncIterator[Problem]:
    namespace = move.found.namespace
    for verb, resource in _needed(move):
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
        }
        body = {
            "apiVersion": _REVIEW.api_version,
            "kind": _REVIEW.kind,
            "metadata": {},
            "spec": {"resourceAttributes": attributes},
        }
        answer = await cluster.transport.create(_REVIEW, body)
        if not answer.get("status", {}).get("allowed"):
            message = (
                f"you may not {verb} {resource.plural} in namespace {namespace}; get a role that allows it"
            )
            yield Problem("invalid", "rights", message)


def _needed(move: Move) -> Iterator[tuple[str, Resource]]:
    """Give the rights that a move needs, each verb with its kind."""
    yield "patch", MILVUS
    if move.renames:
        yield "create", objects.DEPLOYMENT
    if move.idle or move.renames:
        yield "delete", objects.DEPLOYMENT
    kinds = {item["kind"] for item in move.hand_over} | ({"Pod"} if move.pods else set())
    for resource in (*_CHILDREN, objects.DEPLOYMENT, objects.PVC, objects.POD):
        if resource.kind in kinds:
            yield "patch", resource


async def refusal_of_write(cluster: Cluster, move: Move) -> Problem | None:
    """Have the API server check the edit of the Milvus, webhooks included; nothing is kept."""
    key = Key(move.found.namespace, move.found.name)
    try:
        await cluster.transport.patch(MILVUS, key, {"spec": move.spec}, dry_run=True)
    except ApiError as error:
        if error.status == 0:
            raise
        message = (
            f"the API server refuses the edit: {error.message}; a webhook of milvus-operator is to be deleted"
        )
        return Problem("invalid", f"Milvus {move.found.name}", message)
    return None
