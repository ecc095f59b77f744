"""A change goes through the components one after another, and back where it fails; kwok plays the pods."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import NAME, NEW, OLD, ONE, cluster
from tests.kube.matrix.scene import (
    Scene,
    all_played,
    condition,
    deployment,
    is_rolled,
    pod_spec,
    staged,
    status_of,
)

from glede.kube.objects import Object

pytestmark = pytest.mark.timeout(600)

ORDER = ("mixcoord", "streamingnode", "querynode", "datanode", "proxy")
# No node has it, so that no new pod finds a place.
NOWHERE = {"nodeSelector": {"no-node": "has-this"}}
SOON = {"rollout": {"progressDeadlineSeconds": 30}}


def spec(**components: Any) -> Object:
    return cluster(**{"queryNode": ONE, "proxy": ONE, **SOON, **components})


Act = Callable[[Scene], Coroutine[Any, Any, None]]


async def play(chronicle: Chronicle, act: Act) -> None:
    """Have a Milvus that serves, then act."""
    async with staged(chronicle) as scene:
        await scene.settles(spec())
        await act(scene)


def is_new(body: Object) -> bool:
    return bool(pod_spec(body)["containers"][0]["image"] == NEW)


def lacks_new(component: str, now: Now) -> str:
    return "" if is_new(deployment(now, component)) else component


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


STOPPED = {
    field: {"replicas": 0} for field in ("mixCoord", "streamingNode", "queryNode", "dataNode", "proxy")
}
GO = (("proxy",), ("datanode", "querynode"), ("streamingnode",), ("mixcoord",))
COME = (("mixcoord", "streamingnode"), ("datanode", "querynode"), ("proxy",))


def too_soon(
    before: Now, changes: Iterable[Change], stages: Iterable[tuple[str, ...]], *, up: bool
) -> list[str]:
    """Find each moment at which a component was asked to go, or to come, while one before it was not done."""
    now, found = dict(before), []
    for change in changes:
        now[change.name] = change.body
        done = True
        for stage in stages:
            bodies = [deployment(now, component) for component in stage]
            found += [
                f"{body['metadata']['name']} at version {change.version}"
                for body in bodies
                if bool(body["spec"]["replicas"]) == up and not done
            ]
            counts = [
                (b["spec"]["replicas"], b.get("status", {}).get("availableReplicas", 0)) for b in bodies
            ]
            done = done and all(all(count) if up else not any(count) for count in counts)
    return found


async def a_milvus_stops_and_starts_in_its_order_though_operators_die(scene: Scene) -> None:
    before = dict(scene.now)
    await scene.apply(spec(**STOPPED))
    await scene.until(lambda now: "" if not deployment(now, "proxy")["spec"]["replicas"] else "proxy")
    await scene.keeper.restart()

    def stopped(now: Now) -> str:
        status = status_of(now[Name("milvuses", NAME)])
        return "" if status.get("status") == "Stopped" else str(status)

    await scene.until(stopped)
    assert not too_soon(before, scene.changes("deployments"), GO, up=False)
    told = {condition(change.body, "Progressing")["message"] for change in scene.changes("milvuses")}
    assert any(words.startswith("is being stopped: proxy first") for words in told), told

    before = dict(scene.now)
    generation = await scene.apply(spec())
    await scene.until(lambda now: "" if deployment(now, "querynode")["spec"]["replicas"] else "querynode")
    await scene.keeper.restart()
    await scene.until(lambda now: settled(now, NAME, generation))
    assert not too_soon(before, scene.changes("deployments"), COME, up=True)


ACTS: tuple[Act, ...] = (
    a_milvus_stops_and_starts_in_its_order_though_operators_die,
    a_new_image_reaches_the_components_in_their_order_though_operators_die,
    all_at_once_where_the_manifest_says_so,
    a_change_that_fails_is_taken_back_and_its_correction_goes_on,
    without_rollback_a_change_that_fails_stands_still,
)


@pytest.fixture(scope="module")
def played(ground: Path) -> dict[str, BaseException | None]:
    return asyncio.run(all_played(ground, ACTS, play))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_a_change(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
