"""A change goes through the components one after another, and back where it fails; kwok plays the pods."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import Keeper, kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, NEW, OLD, ONE, cluster, milvus

from glede.kube.objects import Key, Object
from glede.milvus.kinds import MILVUS

pytestmark = pytest.mark.timeout(600)

ORDER = ("mixcoord", "streamingnode", "querynode", "datanode", "proxy")
# No node has it, so that no new pod finds a place.
NOWHERE = {"nodeSelector": {"no-node": "has-this"}}
SOON = {"rollout": {"progressDeadlineSeconds": 30}}


def spec(**components: Any) -> Object:
    return cluster(**{"queryNode": ONE, "proxy": ONE, **SOON, **components})


Act = Callable[["Scene"], Coroutine[Any, Any, None]]


class Scene:
    """A Milvus in a namespace of its own, and an operator that looks after it."""

    def __init__(self, chronicle: Chronicle, namespace: str, keeper: Keeper) -> None:
        self.chronicle, self.namespace, self.keeper = chronicle, namespace, keeper
        self.begun = 0

    async def apply(self, wanted: Object) -> int:
        """Write the manifest; what happened before does not count any more."""
        self.begun = len(self.chronicle.place(self.namespace).changes)
        key = Key(self.namespace, NAME)
        written = await self.chronicle.user.apply(MILVUS, key, milvus(self.namespace, wanted))
        return int(written["metadata"]["generation"])

    async def settles(self, wanted: Object) -> None:
        """Write the manifest and wait until it has become so."""
        generation = await self.apply(wanted)
        await self.until(lambda now: settled(now, NAME, generation))

    async def until(self, lacking: Callable[[Now], str]) -> None:
        await self.chronicle.until(self.namespace, lacking)

    def changes(self, plural: str) -> list[Change]:
        """Give what happened to a kind since the manifest was last written."""
        changes = self.chronicle.place(self.namespace).changes[self.begun :]
        return [change for change in changes if change.name.plural == plural]

    @property
    def now(self) -> Now:
        return self.chronicle.place(self.namespace).now


async def play(chronicle: Chronicle, act: Act) -> None:
    """Have a Milvus that serves, then act."""
    namespace = await chronicle.namespace()
    await make_volume(chronicle, namespace, f"data-{NAME}-etcd-0")
    async with kept(chronicle, namespace) as keeper:
        scene = Scene(chronicle, namespace, keeper)
        await scene.settles(spec())
        await act(scene)


def deployment(now: Now, component: str) -> Object:
    return now[Name("deployments", f"{NAME}-milvus-{component}")]


def pod_spec(body: Object) -> Object:
    found: Object = body["spec"]["template"]["spec"]
    return found


def is_new(body: Object) -> bool:
    return bool(pod_spec(body)["containers"][0]["image"] == NEW)


def lacks_new(component: str, now: Now) -> str:
    return "" if is_new(deployment(now, component)) else component


def is_rolled(body: Object) -> bool:
    status, count = body.get("status", {}), body["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [count] * 3


def out_of_order(before: Now, changes: Iterable[Change], order: Iterable[str]) -> list[str]:
    """Find each moment at which a component had its new image while one before it was not done."""
    now, found = dict(before), []
    for change in changes:
        now[change.name] = change.body
        done = True
        for component in order:
            body = deployment(now, component)
            if is_new(body) and not done:
                found.append(f"{component} at version {change.version}")
            done = done and is_new(body) and is_rolled(body)
    return found


def status_of(body: Object) -> dict[str, Any]:
    found: dict[str, Any] = body.get("status", {})
    return found


def condition(body: Object, type_: str) -> Object:
    return next((c for c in status_of(body).get("conditions", []) if c["type"] == type_), {})


async def a_new_image_reaches_the_components_in_their_order_though_operators_die(scene: Scene) -> None:
    before = dict(scene.now)
    generation = await scene.apply(spec(image=NEW))
    for component in ORDER[:3]:
        await scene.until(partial(lacks_new, component))
        await scene.keeper.restart()
    await scene.until(lambda now: settled(now, NAME, generation))
    assert not out_of_order(before, scene.changes("deployments"), ORDER)
    told = {condition(change.body, "Progressing")["message"] for change in scene.changes("milvuses")}
    assert "mixcoord is being replaced; then streamingnode, querynode, datanode, proxy" in told
    assert status_of(scene.now[Name("milvuses", NAME)])["lastHealthy"]["generation"] == generation


async def all_at_once_where_the_manifest_says_so(scene: Scene) -> None:
    before = dict(scene.now)
    await scene.settles(spec(image=NEW, imageUpdateMode="all"))
    assert out_of_order(before, scene.changes("deployments"), ORDER)


async def a_change_that_fails_is_taken_back_and_its_correction_goes_on(scene: Scene) -> None:
    generation = await scene.apply(spec(image=NEW, dataNode={**ONE, **NOWHERE}))

    def lacking(now: Now) -> str:
        body = now[Name("milvuses", NAME)]
        return "" if condition(body, "Progressing").get("reason") == "RolledBack" else str(status_of(body))

    await scene.until(lacking)
    found = scene.now[Name("milvuses", NAME)]
    assert status_of(found)["rolledBack"]["generation"] == generation
    assert "datanode" in status_of(found)["rolledBack"]["reason"]
    assert "cannot be placed" in status_of(found)["rolledBack"]["reason"]
    assert (status_of(found)["status"], status_of(found)["currentImage"]) == ("Healthy", OLD)
    assert condition(found, "MilvusUpdated")["status"] == "False"
    assert not [c for c in ORDER if is_new(deployment(scene.now, c))]
    assert "nodeSelector" not in pod_spec(deployment(scene.now, "datanode"))
    proxies = [c.body for c in scene.changes("deployments") if c.name.name.endswith("proxy")]
    assert not any(is_new(body) for body in proxies)
    assert {condition(c.body, "Ready")["status"] for c in scene.changes("milvuses")} == {"True"}

    await scene.settles(spec(image=NEW))
    assert "rolledBack" not in status_of(scene.now[Name("milvuses", NAME)])
    assert all(is_new(deployment(scene.now, c)) for c in ORDER)


async def without_rollback_a_change_that_fails_stands_still(scene: Scene) -> None:
    stay = {**SOON["rollout"], "rollback": False}
    await scene.settles(spec(rollout=stay))
    await scene.apply(spec(rollout=stay, image=NEW, mixCoord={**ONE, **NOWHERE}))

    def lacking(now: Now) -> str:
        found = condition(now[Name("milvuses", NAME)], "Progressing")
        return "" if found.get("reason") == "DeadlineExceeded" else str(found)

    await scene.until(lacking)
    assert [c for c in ORDER if is_new(deployment(scene.now, c))] == ["mixcoord"]
    assert status_of(scene.now[Name("milvuses", NAME)])["status"] == "Healthy"
    await asyncio.sleep(1.0)
    assert "rolledBack" not in status_of(scene.now[Name("milvuses", NAME)])


ACTS: tuple[Act, ...] = (
    a_new_image_reaches_the_components_in_their_order_though_operators_die,
    all_at_once_where_the_manifest_says_so,
    a_change_that_fails_is_taken_back_and_its_correction_goes_on,
    without_rollback_a_change_that_fails_stands_still,
)


@pytest.fixture(scope="module")
def played(ground: Path) -> dict[str, BaseException | None]:
    """Play all of them at one time, since each mostly waits; gives what came of each."""

    async def run() -> list[BaseException | None]:
        async with following(ground) as chronicle:
            return await asyncio.gather(*(play(chronicle, act) for act in ACTS), return_exceptions=True)

    return {act.__name__: error for act, error in zip(ACTS, asyncio.run(run()), strict=True)}


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_a_change(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
