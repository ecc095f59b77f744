"""Volumes of dependencies grow; kwok plays nodes and pods."""

import asyncio
from pathlib import Path

import pytest
from lightkube import Client
from tests.kube.etcds import MEMBERS, edit, play, until, watched
from tests.kube.matrix.manifests import NAME
from tests.kube.operators import Bench

from glede.kube.errors import NotFound
from glede.kube.objects import PVC, STATEFUL_SET, Key, Object, Resource
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS

pytestmark = pytest.mark.timeout(240)

VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
CLASS = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)


async def storage(bench: Bench, *, grows: bool) -> str:
    """Make a class of volumes, and a volume for each member; gives the class's name."""
    name = f"{bench.namespace}-{'grows' if grows else 'stays'}"
    made = {
        "apiVersion": CLASS.api_version,
        "kind": CLASS.kind,
        "metadata": {"name": name},
        "provisioner": "example.org/none",
        "allowVolumeExpansion": grows,
    }
    await bench.user.apply(CLASS, Key("", name), made)
    for member in MEMBERS:
        spec = {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": PVC.kind,
                "namespace": bench.namespace,
                "name": f"data-{member}",
            },
        }
        body = {"apiVersion": "v1", "kind": VOLUME.kind, "metadata": {"name": f"{name}-{member}"}}
        await bench.user.apply(VOLUME, Key("", f"{name}-{member}"), {**body, "spec": spec})
    return name


def on_disk(class_name: str, size: str) -> Object:
    return {"persistence": {"enabled": True, "size": size, "storageClass": class_name}}


async def asked(bench: Bench) -> list[str]:
    """Give the sizes that etcd's claims ask for."""
    claims = await bench.all(PVC, f"glede.io/milvus={NAME}")
    return [claim["spec"]["resources"]["requests"]["storage"] for claim in claims]


async def template_size(bench: Bench) -> str:
    try:
        found = await bench.user.get(STATEFUL_SET, Key(bench.namespace, f"{NAME}-etcd"))
    except NotFound:
        return ""
    [template] = found["spec"]["volumeClaimTemplates"]
    return str(template["spec"]["resources"]["requests"]["storage"])


async def phases(bench: Bench, told: set[str]) -> None:
    """Note each phase that the status tells, for ever."""
    selection = Selection(bench.namespace)
    stream = bench.user.watch(MILVUS, selection, resource_version="", timeout_seconds=600)
    async for event in stream:
        told.add(event.object["status"]["status"])


def test_volumes_grow_and_no_pod_is_touched(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        class_name = await storage(bench, grows=True)
        await edit(bench, **on_disk(class_name, "1Gi"))
        await bench.healthy(NAME)
        told: set[str] = set()
        telling = asyncio.create_task(phases(bench, told))
        async with watched(bench) as members:
            before = members.uids()
            await edit(bench, **on_disk(class_name, "2Gi"))

            async def grown() -> bool:
                return await template_size(bench) == "2Gi"

            await until(grown, "the StatefulSet is not made anew")
            await bench.healthy(NAME)
            assert await asked(bench) == ["2Gi"] * 3
            assert members.uids() == before
            assert members.fewest == 3
        assert (await bench.milvus(NAME))["status"]["volumes"]["etcd"] == "2Gi"
        telling.cancel()
        assert told == {"Healthy"}

        # A volume does not shrink: that manifest is refused, and nothing is touched.
        await edit(bench, **on_disk(class_name, "1Gi"))

        async def refused() -> bool:
            found = await bench.condition(NAME, "SpecAccepted")
            return found["status"] == "False" and "cannot shrink" in found["message"]

        await until(refused, "it is not refused")
        assert await template_size(bench) == "2Gi"

    play(ground, kube, act)


def test_a_class_that_cannot_grow_is_told_and_the_rest_of_the_change_goes_on(
    ground: Path, kube: Client
) -> None:
    async def act(bench: Bench) -> None:
        class_name = await storage(bench, grows=False)
        await edit(bench, **on_disk(class_name, "1Gi"))
        await bench.healthy(NAME)
        async with watched(bench) as members:
            await edit(bench, **on_disk(class_name, "2Gi"), podAnnotations={"turn": "1"})

            async def told() -> bool:
                found = await bench.condition(NAME, "Progressing")
                return found["reason"] == "ApplyFailed" and f"data-{MEMBERS[0]}" in found["message"]

            async def rolled() -> bool:
                return all("turn" in p["metadata"].get("annotations", {}) for p in members.now.values())

            await until(told, "it is not told")
            await until(rolled, "the annotation does not come")
            assert members.fewest == 2
        # As it was: the recorded size is the one that there is, so that going back is no shrinking.
        await edit(bench, **on_disk(class_name, "1Gi"), podAnnotations={"turn": "1"})
        await bench.healthy(NAME)

    play(ground, kube, act)
