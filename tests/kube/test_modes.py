"""A standalone becomes a cluster with no pod of both at any moment; kwok plays the pods."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import CRASH, Series
from tests.kube.matrix.manifests import NAME, NEW, ONE, cluster, standalone
from tests.kube.matrix.scene import Scene, all_played, condition, staged, status_of
from tests.kube.matrix.sick import LEFT_ALONE

from glede.kube.objects import POD, Key, Object
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL
from glede.milvus.render import strategy

pytestmark = pytest.mark.timeout(420)

ALONE = Name("deployments", f"{NAME}-milvus-standalone")
# kwok leaves such a pod alone: it does not end.
OF_THE_CLUSTER = frozenset({"mixcoord", "streamingnode", "datanode", "querynode", "proxy"})
A_WHILE = 2.5

Act = Callable[[Scene], Coroutine[Any, Any, None]]


def wide(**components: Any) -> Object:
    return cluster(**{"queryNode": ONE, "proxy": ONE, **components})


def alone() -> Object:
    return {**wide(), "mode": "standalone", "components": {"image": cluster()["components"]["image"]}}


def modes(body: Object) -> str:
    """Give the mode that a pod is of; "" for one of etcd, store or log."""
    component = str(body["metadata"].get("labels", {}).get(COMPONENT_LABEL, ""))
    if component == "standalone":
        return component
    return "cluster" if component in OF_THE_CLUSTER else ""


def never_both(before: Now, changes: list[Change]) -> list[str]:
    """Follow every state; gives the modes in turn of which there were pods."""
    now = {name: modes(body) for name, body in before.items() if name.plural == POD.plural}
    turns = [set(now.values()) - {""}]
    for change in sorted(changes):  # of all kinds by their versions
        if change.name.plural != POD.plural:
            continue
        if change.type == "DELETED":
            now.pop(change.name, None)
        else:
            now[change.name] = modes(change.body)
        there = set(now.values()) - {""}
        assert len(there) < 2, f"at {change.version}: {sorted(name.name for name in now)}"
        if there != turns[-1]:
            turns.append(there)
    return ["".join(turn) for turn in turns]


def says(words: str, now: Now) -> str:
    told = str(condition(now[Name(MILVUS.plural, NAME)], "Progressing").get("message", ""))
    return "" if words in told else f"it says: {told}"


def accepted(wanted: str, generation: int, now: Now) -> str:
    body = now[Name(MILVUS.plural, NAME)]
    fresh = status_of(body).get("observedGeneration") == generation
    return "" if fresh and condition(body, "SpecAccepted")["status"] == wanted else str(status_of(body))


async def the_one_goes_before_the_other_comes_though_operators_die(scene: Scene) -> None:
    await scene.settles(alone())
    before = dict(scene.now)
    scene.keeper.series = Series(CRASH, 1, 3)
    await scene.settles(wide())
    deaths, scene.keeper.series = scene.keeper.deaths, Series()
    assert deaths > 1
    assert never_both(before, scene.changes_of_all[scene.begun :]) == ["standalone", "", "cluster"]
    assert ALONE not in scene.now
    assert status_of(scene.milvus)["mode"] == "cluster"
    # And it is not taken back.
    generation = await scene.apply(alone())
    await scene.until(partial(accepted, "False", generation))
    assert "expected cluster, which it runs as" in condition(scene.milvus, "SpecAccepted")["message"]
    await asyncio.sleep(A_WHILE)
    assert ALONE not in scene.now


async def a_pod_that_does_not_end_is_waited_for(scene: Scene) -> None:
    await scene.settles(alone())
    before = dict(scene.now)
    name = next(n for n, b in scene.now.items() if n.plural == POD.plural and modes(b) == "standalone")
    await annotated(scene, name, LEFT_ALONE)
    generation = await scene.apply(wide())
    words = f"goes to mode cluster, without a pod of both at one time: waits until pod {name.name} has ended"
    await scene.until(partial(says, words))
    await scene.keeper.restart()
    await asyncio.sleep(A_WHILE)
    assert not [n for n, b in scene.now.items() if n.plural == "deployments" and n != ALONE]
    assert condition(scene.milvus, "Progressing")["message"].endswith(words)
    await annotated(scene, name, dict.fromkeys(LEFT_ALONE))
    await scene.until(lambda now: settled(now, NAME, generation))
    assert never_both(before, scene.changes_of_all[scene.begun :]) == ["standalone", "", "cluster"]


async def annotated(scene: Scene, name: Name, annotations: Object) -> None:
    change = {"metadata": {"annotations": annotations}}
    await scene.chronicle.user.patch(POD, Key(scene.namespace, name.name), change)


async def what_would_lose_rows_is_refused_and_the_standalone_goes_on(scene: Scene) -> None:
    await scene.settles(standalone())
    before = scene.now[ALONE]["spec"]
    for refused in (wide(), {**wide(), "dependencies": standalone()["dependencies"]}):
        generation = await scene.apply(refused)
        await scene.until(partial(accepted, "False", generation))
        told = condition(scene.milvus, "SpecAccepted")["message"]
        assert "its log, rocksmq, is in the standalone's own pod" in told
    await scene.keeper.restart()
    await asyncio.sleep(A_WHILE)
    assert scene.now[ALONE]["spec"] == before
    assert status_of(scene.milvus)["status"] == "Healthy"
    await scene.settles(standalone(image=NEW))


async def a_cluster_that_does_not_come_gives_way_to_the_standalone(scene: Scene) -> None:
    await scene.settles(alone())
    before = dict(scene.now)
    # No node has so much: its pods find no room.
    greedy = {"queryNode": {**ONE, "resources": {"requests": {"cpu": "900"}}}}
    await scene.apply(wide(**greedy))
    await scene.until(lambda now: "" if any(modes(b) == "cluster" for b in now.values()) else "no pod")
    generation = await scene.apply(alone())
    await scene.until(lambda now: settled(now, NAME, generation))
    turns = never_both(before, scene.changes_of_all)
    assert turns[-1] == "standalone"
    assert "cluster" in turns


ACTS: tuple[Act, ...] = (
    the_one_goes_before_the_other_comes_though_operators_die,
    a_pod_that_does_not_end_is_waited_for,
    what_would_lose_rows_is_refused_and_the_standalone_goes_on,
    a_cluster_that_does_not_come_gives_way_to_the_standalone,
)


@pytest.fixture(scope="module")
def played(ground: Path) -> dict[str, BaseException | None]:

    async def play(chronicle: Chronicle, act: Act) -> None:
        async with staged(chronicle) as scene:
            await act(scene)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 2, "streamingnode": 2})
        return asyncio.run(all_played(ground, ACTS, play))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_modes(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
