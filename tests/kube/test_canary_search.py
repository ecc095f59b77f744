"""A search that watches rollouts: it holds them, and takes them back. kwok plays the pods.

That answers turn empty while every pod is well cannot be had of a real Milvus at will: here it is played.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.kube.canaries import PlayedMilvus, played
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import NAME, NEW, OLD, ONE, cluster, standalone
from tests.kube.matrix.scene import Scene, condition, deployment, pod_spec, staged, status_of

from glede.kube.objects import Object
from glede.milvus.canarysearch import target
from glede.milvus.resolved import Resolved

pytestmark = pytest.mark.timeout(600)

ORDER = ("mixcoord", "streamingnode", "querynode", "datanode", "proxy")
WATCHED = {"rollout": {"progressDeadlineSeconds": 30, "canarySearch": {"enabled": True}}}
UNWATCHED = {"progressDeadlineSeconds": 30, "canarySearch": {"enabled": False}}
MILVUS = Name("milvuses", NAME)
Act = Callable[[Scene, PlayedMilvus], Coroutine[Any, Any, None]]


def spec(**components: Any) -> Object:
    return cluster(**{"queryNode": ONE, "proxy": ONE, **WATCHED, **components})


def image(now: Now, component: str) -> str:
    return str(pod_spec(deployment(now, component))["containers"][0]["image"])


def new(now: Now) -> list[str]:
    return [component for component in ORDER if image(now, component) == NEW]


def told(now: Now) -> str:
    return str(condition(now[MILVUS], "Progressing").get("message"))


def result(now: Now, *wanted: str | None) -> str:
    found = status_of(now[MILVUS]).get("canarySearch", {}).get("result")
    return "" if found in wanted else str(status_of(now[MILVUS]))


def reason(now: Now, wanted: str) -> str:
    found = condition(now[MILVUS], "Progressing")
    return "" if found.get("reason") == wanted else str(found)


async def watched(scene: Scene, wanted: Object) -> None:
    """Have a Milvus whose search is ok."""
    await scene.settles(wanted)
    await scene.until(lambda now: result(now, "ok"))


def counted(scene: Scene, what: str) -> float:
    assert scene.keeper.manager
    labels = {"milvus_namespace": scene.namespace, "milvus_name": NAME, "result": what}
    registry = scene.keeper.manager.metrics.registry
    return registry.get_sample_value("glede_milvus_canary_total", labels) or 0.0


async def empty_answers_hold_the_next_component_until_they_are_over(scene: Scene, fake: PlayedMilvus) -> None:
    await watched(scene, spec())
    await scene.apply(spec(image=NEW))
    await scene.until(lambda now: "" if new(now) else "mixcoord")
    fake.mode = "empty"
    await scene.until(lambda now: "" if "is not ok: empty" in told(now) else told(now))
    await asyncio.sleep(5.0)
    assert new(scene.now) == ["mixcoord"]
    assert told(scene.now).endswith("; then streamingnode, querynode, datanode, proxy")
    assert counted(scene, "empty") >= 4
    assert condition(scene.now[MILVUS], "Progressing")["reason"] == "Rolling"

    fake.mode = "ok"
    await scene.until(lambda now: "" if new(now) == list(ORDER[:3]) else told(now))
    changes = scene.changes("milvuses")
    assert {condition(change.body, "Ready")["status"] for change in changes} == {"True"}
    assert {condition(change.body, "Degraded")["status"] for change in changes} == {"False"}

    await scene.apply(spec(image=NEW, rollout=UNWATCHED))
    await scene.until(lambda now: result(now, None))
    assert fake.rows is None, "the collection was not dropped"


async def a_step_that_empties_the_answers_is_taken_back(scene: Scene, fake: PlayedMilvus) -> None:
    await watched(scene, spec())
    generation = await scene.apply(spec(image=NEW))
    await scene.until(lambda now: "" if new(now) else "mixcoord")
    fake.mode = "short"
    await scene.until(lambda now: reason(now, "RolledBack"))
    back = status_of(scene.now[MILVUS])["rolledBack"]
    assert back["generation"] == generation
    assert "the canary search is not ok since" in back["reason"]
    assert "short: " in back["reason"]
    assert not new(scene.now)
    assert status_of(scene.now[MILVUS])["currentImage"] == OLD


async def a_milvus_that_was_unwell_before_is_left_alone(scene: Scene, fake: PlayedMilvus) -> None:
    await watched(scene, standalone(**WATCHED))
    fake.mode = "silent"
    await scene.until(lambda now: result(now, "error"))
    generation = await scene.apply(standalone(image=NEW, **WATCHED))
    await scene.until(lambda now: "" if "is not ok: error" in told(now) else told(now))
    await asyncio.sleep(32.0)
    assert image(scene.now, "standalone") == OLD
    assert "rolledBack" not in status_of(scene.now[MILVUS])
    fake.mode = "ok"
    await scene.until(lambda now: settled(now, NAME, generation))
    assert image(scene.now, "standalone") == NEW


async def the_last_step_has_to_prove_itself_too_though_operators_die(
    scene: Scene, fake: PlayedMilvus
) -> None:
    await watched(scene, standalone(**WATCHED))
    before = status_of(scene.now[MILVUS])["lastHealthy"]["generation"]
    await scene.apply(standalone(image=NEW, **WATCHED))

    await scene.until(lambda now: "" if image(now, "standalone") == NEW else told(now))
    fake.mode = "empty"
    await scene.until(lambda now: "" if told(now).startswith("the canary search is not ok") else told(now))
    assert condition(scene.now[MILVUS], "MilvusUpdated")["status"] == "False"
    await scene.keeper.restart()
    await scene.until(lambda now: reason(now, "RolledBack"))
    assert image(scene.now, "standalone") == OLD
    assert status_of(scene.now[MILVUS])["lastHealthy"]["generation"] == before


ACTS: tuple[Act, ...] = (
    a_milvus_that_was_unwell_before_is_left_alone,
    a_step_that_empties_the_answers_is_taken_back,
    empty_answers_hold_the_next_component_until_they_are_over,
    the_last_step_has_to_prove_itself_too_though_operators_die,
)


@pytest.fixture(scope="module")
def acted(ground: Path) -> dict[str, BaseException | None]:
    """Play all of them at one time, since each mostly waits; gives what came of each."""
    doors: dict[str, str] = {}

    def endpoint_of(resolved: Resolved) -> str:
        return doors[resolved.namespace]

    async def play(chronicle: Chronicle, act: Act) -> None:
        async with played() as (fake, endpoint), staged(chronicle) as scene:
            doors[scene.namespace] = endpoint
            await act(scene, fake)

    async def run() -> list[BaseException | None]:
        async with following(ground) as chronicle:
            return await asyncio.gather(*(play(chronicle, act) for act in ACTS), return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, "endpoint_of", endpoint_of)
        found = asyncio.run(run())
    return {act.__name__: error for act, error in zip(ACTS, found, strict=True)}


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_a_rollout_under_watch(acted: dict[str, BaseException | None], name: str) -> None:
    if error := acted[name]:
        raise error
