"""What stands in the way of a move is told with its remedy, and nothing is changed."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from lab.api import ApiLab
from lab.certificates import Authority
from lab.kubeconfig import write_kubeconfig
from tests.compat.installed import installed, operator
from tests.compat.scene import NAMESPACE, PLAIN, Ended, Scene, scene
from tests.compat.theirs import Theirs

from glede.kube import objects
from glede.kube.objects import Key, Object, Resource, key_of, uid_of
from glede.milvus.kinds import MILVUS, RESOURCES

pytestmark = pytest.mark.timeout(300)

OPERATOR = Key("milvus-operator", "milvus-operator")
LEASE = Key(OPERATOR.namespace, "71808ec5.milvus.io")
ROLE = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
BINDING = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
ROLE_BINDING = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
DEFINITION = Key("", "milvuses.milvus.io")


async def refused(found: Scene, *told: str, kubeconfig: Path | None = None) -> Ended:
    """Run the command without --dry-run; it must refuse, say so, and change nothing."""
    before = await found.versions()
    ended = await found.adopt(kubeconfig=kubeconfig)
    assert ended.code == 1, ended
    for words in told:
        assert words in ended.out + ended.err, ended
    after = await found.versions()
    assert before == after
    return ended


async def passes(found: Scene) -> None:
    ended = await found.adopt("--dry-run")
    assert (ended.code, ended.err) == (0, ""), ended


async def an_operator_that_runs(found: Scene) -> None:
    user, place = found.user, {"metadata": {"name": OPERATOR.namespace}}
    await user.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", **place})
    await user.create(objects.DEPLOYMENT, operator(OPERATOR.namespace, "mirror.example.com/operator:v1.3.8"))
    stop = "kubectl -n milvus-operator scale deployment milvus-operator --replicas=0"
    await refused(found, "Deployment milvus-operator/milvus-operator", stop)
    await user.patch(objects.DEPLOYMENT, OPERATOR, {"spec": {"replicas": 0}})

    async def stopped() -> bool:
        body = await user.get(objects.DEPLOYMENT, OPERATOR)
        return not body["status"].get("replicas", 0)

    await found.until("milvus-operator is stopped", stopped)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    held = {"holderIdentity": "operator-7", "leaseDurationSeconds": 600, "renewTime": moment}
    lease: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": held}
    await user.create(
        objects.LEASE, {**lease, "metadata": {"name": LEASE.name, "namespace": LEASE.namespace}}
    )
    await refused(found, f"Lease {LEASE}", "is held by operator-7")
    await user.patch(objects.LEASE, LEASE, {"spec": {"leaseDurationSeconds": 1}})
    await asyncio.sleep(1.1)
    await passes(found)


async def a_milvus_that_is_not_there(found: Scene) -> None:
    ended = await found.adopt(name="gull")
    assert (ended.code, ended.out) == (3, "")
    assert f"Milvus gull in namespace {found.namespace}: there is none of this name" in ended.err


async def rights_that_are_missing(found: Scene) -> None:
    pair = Authority(found.lab.places.pki).issue("looker", "looker", [])
    path = found.lab.places.run / "looker.kubeconfig"
    authority = found.lab.places.pki / "ca.crt"
    write_kubeconfig(path, found.lab.server, authority, pair)
    ended = await found.adopt(kubeconfig=path)
    assert (ended.code, "403 Forbidden" in ended.err) == (1, True), ended
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    await found.user.create(ROLE, {**_rbac(ROLE, "look"), "rules": rules})
    subject = {"kind": "User", "name": "looker", "apiGroup": ROLE.group}
    bound = {"subjects": [subject], "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": "look"}}
    here = _rbac(ROLE_BINDING, "look")
    here["metadata"]["namespace"] = found.namespace
    await found.user.create(ROLE_BINDING, {**here, **bound})
    await refused(found, "whether it runs cannot be seen", "--operator-namespace", kubeconfig=path)
    await found.user.create(BINDING, {**_rbac(BINDING, "look"), **bound})
    rights = ("patch milvuses", "patch deployments", "create deployments", "delete deployments", "patch pods")
    told = [f"rights: you may not {right} in namespace {found.namespace}" for right in rights]
    await refused(found, *told, kubeconfig=path)


def _rbac(resource: Resource, name: str) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}}


async def a_version_that_is_too_old(found: Scene) -> None:
    key = Key(found.namespace, found.theirs.name)
    await found.user.patch(MILVUS, key, {"spec": {"components": {"image": "milvusdb/milvus:v2.1.4"}}})
    await refused(found, "spec.components.image: found version 2.1.4, expected 2.2")
    await found.user.patch(MILVUS, key, {"spec": {"components": {"image": found.theirs.image}}})
    await passes(found)


async def data_at_another_place(found: Scene) -> None:
    key = Key(found.namespace, found.theirs.name)
    settings = copy.deepcopy(found.theirs.settings())
    settings["minio"]["bucketName"] = "elsewhere"
    await found.user.patch(objects.CONFIG_MAP, key, {"data": {"user.yaml": yaml.safe_dump(settings)}})
    await refused(found, "spec.config.minio.bucketName", "found elsewhere")
    await found.user.patch(MILVUS, key, {"spec": {"config": {"minio": {"bucketName": "elsewhere"}}}})
    await passes(found)


async def a_rollout_that_is_not_over(found: Scene) -> None:
    key = Key(found.namespace, f"{found.theirs.name}-milvus-querynode-1")
    await found.user.patch(objects.DEPLOYMENT, key, {"spec": {"replicas": 1}})
    await found.until("both have pods", found.settled)
    names = "kite-milvus-querynode-0 and kite-milvus-querynode-1 both have pods"
    await refused(found, names, "wait until milvus-operator is done")
    await found.user.patch(objects.DEPLOYMENT, key, {"spec": {"replicas": 0}})
    await found.until("one has pods", found.settled)
    await passes(found)


async def definitions_of_the_other_operator(found: Scene) -> None:
    ours = await found.user.get(objects.CRD, DEFINITION)
    versions = copy.deepcopy(ours["spec"]["versions"])
    for version in versions:
        columns = version.get("additionalPrinterColumns", [])
        version["additionalPrinterColumns"] = [c for c in columns if c["name"] != "Ready"]
    await found.user.patch(objects.CRD, DEFINITION, {"spec": {"versions": versions}})
    await refused(found, "CustomResourceDefinition milvuses.milvus.io", "kubectl apply --server-side")
    await found.user.patch(objects.CRD, DEFINITION, {"spec": {"versions": ours["spec"]["versions"]}})


Act = Callable[[Scene], Awaitable[None]]
ACTS: tuple[Act, ...] = (
    an_operator_that_runs,
    a_milvus_that_is_not_there,
    rights_that_are_missing,
    a_version_that_is_too_old,
    data_at_another_place,
    a_rollout_that_is_not_over,
    definitions_of_the_other_operator,
)


@pytest.fixture(scope="module")
def played(ground: ApiLab) -> dict[str, BaseException | None]:
    """Play all on one Milvus, one after another; gives what came of each."""

    async def run() -> dict[str, BaseException | None]:
        found: dict[str, BaseException | None] = {}
        async with scene(ground, **PLAIN) as stage:
            for act in ACTS:
                [found[act.__name__]] = await asyncio.gather(act(stage), return_exceptions=True)
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_a_refusal(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error


def test_what_helm_installed_is_not_rendered_over(ground: ApiLab) -> None:
    """A Milvus that nobody has looked after has no status: its name alone must not cost others theirs."""

    async def run() -> None:
        async with scene(ground, make=False, **PLAIN) as found:
            kept = {}
            for body in installed(Theirs(found.namespace, **PLAIN)):
                if body["kind"] != "Secret":
                    made = await found.user.create(RESOURCES[body["kind"]], body)
                    kept[body["kind"], body["metadata"]["name"]] = uid_of(made)
            await found.user.create(MILVUS, found.theirs.manifest())

            async def told() -> bool:
                conditions = (await found.milvus()).get("status", {}).get("conditions", [])
                failed = [c["message"] for c in conditions if c.get("reason") == "ApplyFailed"]
                names = [f"Service kite-{name}" for name in ("etcd", "etcd-headless", "minio", "kafka")]
                return failed != [] and failed[0].startswith(f"{', '.join(names)}: made by another")

            await found.until("the operator says that the names are taken", told)
            for (kind, name), uid in kept.items():
                body = await found.user.get(RESOURCES[kind], Key(found.namespace, name))
                labels = body["metadata"]["labels"]
                assert (uid_of(body), "glede.io/milvus" in labels) == (uid, False), (kind, name)
            assert await found.all(objects.DEPLOYMENT) == []
            assert "kite" not in [key_of(item).name for item in await found.all(objects.CONFIG_MAP)]

    asyncio.run(run())
