"""R12: nodes are drained one after another, and one is lost: budgets hold meanwhile, and all comes back."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from lab.api import ApiLab
from lightkube import ApiError, Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.policy_v1 import Eviction
from lightkube.resources.core_v1 import Pod
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import OLD
from tests.kube.matrix.scene import Scene, staged
from tests.kube.matrix.sick import LEFT_ALONE

from glede.kube.errors import NotFound
from glede.kube.objects import NODE, POD, Key, Object
from glede.kube.transport import Selection

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

Count = Callable[[int], None]
WORKLOADS = frozenset({"deployments", "statefulsets"})
# kwok leaves such a pod alone.
DRAIN_SECONDS = 60.0
OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "lost", "effect": "NoExecute"}


def spec() -> Object:
    """Give the spec of a cluster that says no number of anything."""
    values = {"values": {"persistence": {"enabled": False}}, "deletionPolicy": "Delete"}
    dependencies = {name: {"inCluster": values} for name in ("etcd", "storage", "kafka")}
    return {
        "mode": "cluster",
        "components": {"image": OLD},
        "dependencies": {**dependencies, "msgStreamType": "kafka"},
    }


def missing(body: Object) -> int:
    """Give how many pods of a workload are not ready."""
    return int(body["spec"]["replicas"]) - int(body.get("status", {}).get("readyReplicas", 0))


def allowed(budget: Object, workload: Object) -> int:
    """Give how many pods of a workload its budget lets go."""
    rule, replicas = budget["spec"], workload["spec"]["replicas"]
    if "minAvailable" in rule:
        return int(replicas - rule["minAvailable"])
    return int(rule["maxUnavailable"])


def budget_of(now: Now, workload: Object) -> Object | None:
    """Find the budget that counts a workload's pods."""
    labels = workload["spec"]["template"]["metadata"]["labels"].items()
    for name, body in now.items():
        if (
            name.plural == "poddisruptionbudgets"
            and body["spec"]["selector"]["matchLabels"].items() <= labels
        ):
            return body
    return None


def broken(budgets: dict[Name, int], changes: Iterable[Change]) -> Iterator[str]:
    """Find the moments at which more pods were missing than a budget allows."""
    for change in changes:
        if missing(change.body) > budgets.get(change.name, math.inf):
            yield f"{change.name.name} lacked {missing(change.body)} at version {change.version}"


class Drain:
    """Empties nodes of one namespace's pods as ``kubectl drain`` does."""

    def __init__(self, chronicle: Chronicle, client: Client, namespace: str) -> None:
        self.evicted = self.refused = 0
        self.words: dict[str, str] = {}
        self._user, self._client, self._namespace = chronicle.user, client, namespace

    async def pods(self, node: str) -> list[str]:
        """Give the pods on a node."""
        page = await self._user.list(POD, Selection(self._namespace))
        return [pod["metadata"]["name"] for pod in page.items if pod["spec"].get("nodeName") == node]

    async def drain(self, node: str) -> None:
        """Let no more pods come, and ask those that are there to go until they have."""
        await self._user.patch(NODE, Key("", node), {"spec": {"unschedulable": True}})
        end = time.monotonic() + DRAIN_SECONDS
        try:
            while pods := await self.pods(node):
                assert time.monotonic() < end, f"{node}: still there: {pods}; refused: {self.words}"
                await asyncio.gather(*(self._evict(pod) for pod in pods))
                await asyncio.sleep(0.2)
        finally:
            await self._user.patch(NODE, Key("", node), {"spec": {"unschedulable": None}})

    async def _evict(self, pod: str) -> None:
        """Ask for an eviction; the pod takes a moment to end, as pods do.

        kwok's would end at once, and where the next one has its name, its budget would take that one for the
        one that is still to go, for two minutes.
        """
        key = Key(self._namespace, pod)
        with suppress(NotFound):
            await self._user.patch(POD, key, {"metadata": {"annotations": LEFT_ALONE}})
            await asyncio.to_thread(self._ask, pod)
            await asyncio.sleep(0.5)
            annotations: dict[str, None] = dict.fromkeys(LEFT_ALONE)
            await self._user.patch(POD, key, {"metadata": {"annotations": annotations}})

    def _ask(self, pod: str) -> None:
        body = Eviction(metadata=ObjectMeta(name=pod, namespace=self._namespace))
        try:
            self._client.create(Pod.Eviction.from_dict(body.to_dict()), pod)
        except ApiError as error:
            if error.status.code == 429:
                self.refused += 1
                self.words[pod] = str(error)
            elif error.status.code != 404:
                raise
        else:
            self.evicted += 1


async def nodes(chronicle: Chronicle) -> list[str]:
    page = await chronicle.user.list(NODE, Selection())
    return sorted(node["metadata"]["name"] for node in page.items)


def workloads(now: Now) -> Now:
    return {name: body for name, body in now.items() if name.plural in WORKLOADS}


def generations(now: Now) -> dict[Name, int]:
    return {name: body["metadata"]["generation"] for name, body in workloads(now).items()}


def lacking(now: Now) -> str:
    """Tell the workloads that lack pods, and what else keeps the Milvus from being whole."""
    late = [name.name for name, body in workloads(now).items() if missing(body)]
    return ", ".join(late) or settled(now)


async def drained(scene: Scene, drain: Drain) -> int:
    """Drain each node after the other; gives how many budgets there were."""
    budgets: dict[Name, int] = {}
    for name, body in workloads(scene.now).items():
        if body["spec"]["replicas"] > 1:
            budget = budget_of(scene.now, body)
            assert budget, f"{name.name} has {body['spec']['replicas']} pods and no budget"
            budgets[name] = allowed(budget, body)
            assert 0 < budgets[name] < body["spec"]["replicas"], name.name
    before, begun = generations(scene.now), len(scene.changes_of_all)
    for node in await nodes(scene.chronicle):
        await drain.drain(node)
    await scene.until(lacking)
    changes = [one for one in scene.changes_of_all[begun:] if one.name.plural in WORKLOADS]
    assert not (found := list(broken(budgets, changes))), found[:5]
    assert generations(scene.now) == before, "a drain changed what is asked for"
    return len(budgets)


async def lost(scene: Scene, node: str) -> None:
    """Lose a node: budgets cannot help what was there, and nothing that is asked for changes."""
    before, key = generations(scene.now), Key("", node)
    user = scene.chronicle.user
    await user.patch(NODE, key, {"spec": {"taints": [OUT_OF_SERVICE]}})
    try:
        await asyncio.sleep(1.0)
        await scene.until(lacking)
    finally:
        await user.patch(NODE, key, {"spec": {"taints": None}})
    assert generations(scene.now) == before, "a lost node changed what is asked for"


async def test_r12_drains_keep_within_budgets_and_make_progress(
    ground: Path, api: ApiLab, count: Count
) -> None:
    async with following(ground) as chronicle, staged(chronicle) as scene:
        await scene.settles(spec())
        await scene.until(lacking)
        drain = Drain(chronicle, api.client(scene.namespace), scene.namespace)
        budgets = await drained(scene, drain)
        assert drain.refused, "no budget was ever asked for more than it allows"
        on = {node: await drain.pods(node) for node in await nodes(chronicle)}
        victim = max(on, key=lambda node: len(on[node]))
        await lost(scene, victim)
        assert not await drain.pods(victim)
        assert budgets
        count(drain.evicted + len(on[victim]))
