"""R8: what a third party does to our objects is undone, and what it does beside our fields is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.ends import kept_of
from tests.kube.matrix.manifests import everything
from tests.kube.matrix.rest import CLUSTER_NAME, KINDS, Rest, at_rest
from tests.kube.matrix.tamper import EDITS, FOREIGN, SIDECAR, edit, strip

from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import CRD, DEPLOYMENT, POD_MONITOR, SECRET, Key, Object, uid_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MANAGER, MILVUS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
INJECTOR = "injector"
# Deleted, it stays until no pod has it mounted.
IN_USE = "persistentvolumeclaims"


def pod_monitors() -> Object:
    """The kind of Prometheus's operator, with any fields."""
    names = {"kind": POD_MONITOR.kind, "plural": POD_MONITOR.plural, "listKind": "PodMonitorList"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": POD_MONITOR.version, "served": True, "storage": True}
    return {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": f"{POD_MONITOR.plural}.{POD_MONITOR.group}"},
        "spec": {
            "group": POD_MONITOR.group,
            "names": {**names, "singular": "podmonitor"},
            "scope": "Namespaced",
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


@asynccontextmanager
async def of_every_kind(chronicle: Chronicle) -> AsyncIterator[Rest]:
    """Give two Milvuses at rest, where PodMonitors are known too."""
    body = pod_monitors()
    key = Key("", body["metadata"]["name"])
    await chronicle.user.apply(CRD, key, body)
    try:
        await chronicle.served(POD_MONITOR)
        async with at_rest(chronicle) as rest:
            yield rest
    finally:
        await forget_pod_monitors(chronicle)


async def forget_pod_monitors(chronicle: Chronicle) -> None:
    """Take the kind away, if it is there."""
    key = Key("", pod_monitors()["metadata"]["name"])
    try:
        await chronicle.user.delete(CRD, key, uid=uid_of(await chronicle.user.get(CRD, key)))
    except NotFound:
        return
    await chronicle.gone(CRD, key)


async def applied(rest: Rest, *, monitored: bool = False) -> list[Name]:
    """Give what the operator applied: not claims from templates, not a Secret whose keys it made up once."""
    found = []
    for plural in EDITS:
        if plural == POD_MONITOR.plural and not monitored:
            continue
        for obj in (await rest.chronicle.user.list(KINDS[plural], Selection(rest.namespace))).items:
            owners = {(one["manager"], one["operation"]) for one in obj["metadata"].get("managedFields", [])}
            if (MANAGER, "Apply") in owners:
                found.append(Name(plural, obj["metadata"]["name"]))
    return found


def shape(name: Name, obj: Object) -> Object:
    """Cut an object down to what must be the same after it was healed."""
    kept = kept_of(name, obj)
    kept.pop("status", None)
    for field in ("generation", "finalizers", "annotations"):
        kept["metadata"].pop(field, None)
    for field in ("clusterIP", "clusterIPs"):
        kept.get("spec", {}).pop(field, None)
    return kept


async def healed(rest: Rest, wanted: dict[Name, Object], uids: dict[Name, str] | None = None) -> None:
    """Wait until objects are as they should be, and others than those of ``uids``."""
    left = dict(wanted)
    for name in list(left):
        for attempt in range(400):
            live = await rest.find(name)
            new = live and uid_of(live) != (uids or {}).get(name)
            if live and new and shape(name, live) == left[name]:
                break
            assert attempt < 399, f"{name}: {live and shape(name, live)}, expected {left[name]}"
            await asyncio.sleep(0.05)


async def tamper(rest: Rest, name: Name, how: Callable[[str, Object], None]) -> None:
    """Replace an object as somebody with an editor does."""
    while True:
        obj = await rest.read(name)
        how(name.plural, obj)
        obj["metadata"].pop("managedFields")
        try:
            await rest.chronicle.user.replace(KINDS[name.plural], Key(rest.namespace, name.name), obj)
        except Conflict:
            continue
        return


def not_applied(now: Now) -> str:
    """Tell what is said of the second manifest; "" when it is that a kind is lacking."""
    status = now[Name(MILVUS.plural, CLUSTER_NAME)]["status"]
    said = {c["type"]: c for c in status["conditions"]}["Progressing"]
    told = said["reason"] == "ApplyFailed" and POD_MONITOR.kind in said["message"]
    told = told and status["observedGeneration"] > 1
    return "" if told else str(said)


async def delete(rest: Rest, name: Name, uid: str) -> None:
    """Delete an object, and what it owns."""
    await rest.chronicle.user.delete(KINDS[name.plural], Key(rest.namespace, name.name), uid=uid)


async def inject(rest: Rest, name: Name) -> None:
    """Add a label, an annotation and, to workloads, a sidecar, as an injector does."""
    resource, key = KINDS[name.plural], Key(rest.namespace, name.name)
    metadata: dict[str, Any] = {"labels": {FOREIGN: "1"}, "annotations": {FOREIGN: "1"}}
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {**metadata, **key._asdict()},
    }
    if name.plural in {"deployments", "statefulsets"}:
        body["spec"] = {"template": {"spec": {"containers": [SIDECAR]}}}
    await rest.chronicle.user.apply(resource, key, body, manager=INJECTOR)


def foreign(obj: Object) -> tuple[Any, ...]:
    """Give what an injector added, and is still there."""
    spec = obj.get("spec", {}).get("template", {}).get("spec", {})
    sidecars = [c["image"] for c in spec.get("containers", []) if c["name"] == SIDECAR["name"]]
    metadata = obj["metadata"]
    return metadata["labels"].get(FOREIGN), metadata["annotations"].get(FOREIGN), sidecars


async def shapes(rest: Rest, names: list[Name]) -> dict[Name, Object]:
    return {name: shape(name, await rest.read(name)) for name in names}


async def test_r8_drift_is_healed(ground: Path, count: Count) -> None:
    """Edits, fields taken away, deletions, and at last a whole kind that is taken away."""
    async with following(ground) as chronicle, of_every_kind(chronicle) as rest:
        names = await applied(rest, monitored=True)
        assert {name.plural for name in names} == set(EDITS)
        wanted = await shapes(rest, names)
        for how in (edit, strip):
            await all_of(tamper(rest, name, how) for name in names)
            await healed(rest, wanted)
        deleted = [name for name in names if name.plural != IN_USE]
        for plural in EDITS:
            uids = {name: uid_of(await rest.read(name)) for name in deleted if name.plural == plural}
            await all_of(delete(rest, name, uid) for name, uid in uids.items())
            await healed(rest, {name: wanted[name] for name in uids}, uids)
        await made_up_again(rest)
        await rest.quiet()
        await forget_pod_monitors(chronicle)
        await rest.apply({**everything(), "config": {"log": {"level": "warn"}}}, CLUSTER_NAME)
        await chronicle.until(rest.namespace, not_applied)
        count(2 * len(names) + len(deleted) + 2)


async def made_up_again(rest: Rest) -> None:
    """Delete the Secret whose keys were made up: there are new ones, and the pods that use them get them."""
    name = Name(SECRET.plural, f"{CLUSTER_NAME}-minio")
    old = await rest.read(name)
    await rest.chronicle.user.delete(SECRET, Key(rest.namespace, name.name), uid=uid_of(old))
    for _ in range(400):
        new = await rest.find(name)
        if new and uid_of(new) != uid_of(old):
            assert new["data"].keys() == old["data"].keys()
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name.name} was not made again")


async def test_r8_foreign_fields_are_left_alone(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle, at_rest(chronicle) as rest:
        names = await applied(rest)
        await all_of(inject(rest, name) for name in names)
        proxy = Key(rest.namespace, f"{CLUSTER_NAME}-milvus-proxy")
        await chronicle.user.patch(DEPLOYMENT, proxy, {"spec": {"replicas": 2}}, subresource="scale")
        await rest.quiet()
        before = {name: foreign(await rest.read(name)) for name in names}
        assert all(found[:2] == ("1", "1") for found in before.values()), before
        # Our own writes to the same objects leave them too.
        await all_of(tamper(rest, name, edit_beside) for name in names)
        await rest.quiet()
        for name in names:
            assert foreign(await rest.read(name)) == before[name], name
        found = await chronicle.user.get(DEPLOYMENT, proxy)
        assert found["spec"]["replicas"] == 2, "the autoscaler's number was overwritten"
        count(len(names) + 1)


def edit_beside(plural: str, obj: Object) -> None:
    """Edit our fields; the injector's label and sidecar stay."""
    edit(plural, obj)
    obj["metadata"]["labels"][FOREIGN] = "1"


async def all_of(calls: Any) -> None:
    """Wait for calls side by side."""
    pending: list[Awaitable[None]] = list(calls)
    await asyncio.gather(*pending)
