"""A pod that waits in CrashLoopBackOff is made anew when nothing is missing any more; kwok plays the pods."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lightkube import Client
from tests.kube.etcds import LABELS, edit, play, until
from tests.kube.matrix.manifests import NAME
from tests.kube.matrix.scene import condition
from tests.kube.matrix.sick import LEFT_ALONE
from tests.kube.operators import Bench

from glede.kube.errors import NotFound
from glede.kube.objects import POD, Object, key_of, uid_of

pytestmark = pytest.mark.timeout(240)

QUERY_NODES = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=querynode"
# So long nothing happens that would have happened: a pass takes far less than a second.
A_WHILE = 3.0


def test_a_pod_is_made_anew_that_waits_though_nothing_is_missing(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        [pod] = await bench.all(POD, QUERY_NODES)
        await waits(bench, pod)
        await replaced(bench, pod)
        await bench.healthy(NAME)

    play(ground, kube, act)


def test_none_is_while_what_it_needs_is_away(ground: Path, kube: Client) -> None:
    async def act(bench: Bench) -> None:
        await edit(bench)
        await bench.healthy(NAME)
        members = await bench.all(POD, LABELS)
        for member in members:
            await ready(bench, member, "False")
        await bench.until(
            "etcd is away", lambda found: condition(found, "EtcdReady").get("status") == "False", NAME
        )
        [pod] = await bench.all(POD, QUERY_NODES)
        await waits(bench, pod)
        await asyncio.sleep(A_WHILE)
        assert [uid_of(found) for found in await bench.all(POD, QUERY_NODES)] == [uid_of(pod)]
        assert "deletionTimestamp" not in (await bench.user.get(POD, key_of(pod)))["metadata"]
        for member in members:
            await ready(bench, member, "True")
        await replaced(bench, pod)
        await bench.healthy(NAME)

    play(ground, kube, act)


async def waits(bench: Bench, pod: Object) -> None:
    """Let Milvus's container have ended, as the kubelet tells it."""
    container: Object = {
        **pod["status"]["containerStatuses"][0],
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no etcd"}},
    }
    await ready(bench, pod, "False", containerStatuses=[container])


async def ready(bench: Bench, pod: Object, status: str, **more: Any) -> None:
    """Take a pod out of kwok's hands, and have it ready or not."""
    await bench.user.patch(POD, key_of(pod), {"metadata": {"annotations": LEFT_ALONE}})
    conditions = [
        {**condition, "status": status} if condition["type"] in {"Ready", "ContainersReady"} else condition
        for condition in pod["status"]["conditions"]
    ]
    change = {"status": {"conditions": conditions, **more}}
    await bench.user.patch(POD, key_of(pod), change, subresource="status")


async def replaced(bench: Bench, pod: Object) -> None:
    """Wait until a pod is deleted, let it end, and wait until there is another."""

    async def deleted() -> bool:
        try:
            return "deletionTimestamp" in (await bench.user.get(POD, key_of(pod)))["metadata"]
        except NotFound:
            return True

    async def another() -> bool:
        return all(uid_of(found) != uid_of(pod) for found in await bench.all(POD, QUERY_NODES))

    await until(deleted, f"{key_of(pod)} is not deleted")
    annotations: dict[str, Any] = dict.fromkeys(LEFT_ALONE)
    try:
        await bench.user.patch(POD, key_of(pod), {"metadata": {"annotations": annotations}})
    except NotFound:
        return
    await until(another, f"{key_of(pod)} does not end")
