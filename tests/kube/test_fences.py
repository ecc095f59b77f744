"""A query node is fenced and freed by an annotation: kwok plays the pods, a server the coordinator."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube.coordinator import Coordinator, coordinator
from tests.kube.matrix.chronicle import Chronicle, Name, Now
from tests.kube.matrix.manifests import NAME, ONE, TWO, cluster
from tests.kube.matrix.scene import Scene, all_played, condition, staged, status_of

from glede.kube.objects import EVENT, POD, Key, Object
from glede.kube.transport import Selection
from glede.milvus import operator
from glede.milvus.fences import FenceAnswer, FenceTarget, ask_fences
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL, FENCED
from glede.milvus.observed import NOTED
from glede.milvus.probe import Pace, ProbeResult, ProbeTarget
from glede.milvus.render import strategy

pytestmark = pytest.mark.timeout(300)

LAST = "milvusdb/milvus:v2.4.15"


def target(*endpoints: str, **of: Any) -> FenceTarget:
    return FenceTarget("1", ("sky", "kite"), "etcd", "management", endpoints, **of)


def asked(*endpoints: str, **of: Any) -> ProbeResult:
    return asyncio.run(ask_fences(target(*endpoints, **of)))


def test_a_node_is_suspended_and_emptied_and_another_resumed() -> None:
    with coordinator() as found:
        found.register(7, "10.0.0.7", 2)
        found.register(8, "10.0.0.8", 5)
        found.suspended[8] = 0.0
        for left in (2, 1, 0, 0):
            answer = asked(found.endpoint, fenced=("10.0.0.7",), freed=("10.0.0.8",))
            assert answer == FenceAnswer(True, "", "", (("10.0.0.7", left),), ("10.0.0.8",))
        assert set(found.suspended) == {7}
        # What is left is moved, not copied, to all others; an empty node's is not.
        assert found.asked_for("transfer/segment") == [{"source_node_id": "7", "copy_mode": "false"}] * 2
        assert found.asked_for("transfer/channel") == []


def test_a_node_that_is_not_registered_is_told_and_one_to_free_is_free() -> None:
    with coordinator() as found:
        answer = asked(found.endpoint, fenced=("10.0.0.7",), freed=("10.0.0.8",))
        assert answer == FenceAnswer(True, "", "", (("10.0.0.7", None),), ("10.0.0.8",))


def test_the_next_proxy_is_asked_where_one_does_not_answer_and_why_not_is_told() -> None:
    with coordinator() as found:
        found.register(7, "10.0.0.7", 0)
        assert asked("127.0.0.1:1", found.endpoint, fenced=("10.0.0.7",)).ok
        assert asked(fenced=("10.0.0.7",)) == ProbeResult(False, "", "no proxy is ready")
        assert asked("127.0.0.1:1").message == "proxy 127.0.0.1:1: connection refused"
        found.lacking = True
        words = "this Milvus has no /management/querycoord/node/list"
        assert asked(found.endpoint, fenced=("10.0.0.7",)).message == f"proxy {found.endpoint}: {words}"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (500, {"msg": "querycoord is not ready\n"}, "node/list answers 500: querycoord is not ready"),
        (200, ["a"], "node/list answers 200: "),
        (200, "text", "node/list answers 200: "),
    ],
)
def test_an_answer_of_another_kind_is_told(
    status: int, answer: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with coordinator() as found:
        monkeypatch.setattr(found, "answer", lambda _path, _form: (status, answer))
        assert words in asked(found.endpoint, fenced=("10.0.0.7",)).message


def query_nodes(now: Now) -> dict[str, Object]:
    return {
        name.name: body
        for name, body in now.items()
        if name.plural == POD.plural and body["metadata"]["labels"].get(COMPONENT_LABEL) == "querynode"
    }


def told(reason: str, words: str, now: Now) -> str:
    found = condition(now[Name(MILVUS.plural, NAME)], "QueryNodesFenced")
    return "" if found.get("reason", "") == reason and words in found.get("message", "") else str(found)


async def annotated(scene: Scene, pod: str, value: str | None) -> None:
    change = {"metadata": {"annotations": {FENCED: value}}}
    await scene.chronicle.user.patch(POD, Key(scene.namespace, pod), change)


async def registered(scene: Scene, found: Coordinator) -> dict[str, int]:
    """Register the query nodes, each with three segments; gives their IDs by their pods' names."""
    numbers = {}
    for number, name in enumerate(sorted(query_nodes(scene.now)), 1):
        body = await scene.chronicle.user.get(POD, Key(scene.namespace, name))
        found.register(number, body["status"]["podIP"], 3)
        numbers[name] = number
    return numbers


async def fenced_and_freed(scene: Scene, found: Coordinator) -> None:
    await scene.settles(cluster(queryNode=TWO, proxy=ONE))
    numbers = await registered(scene, found)
    first, second = sorted(numbers)
    await annotated(scene, first, "true")
    await scene.until(partial(told, "Fenced", f"{first} is empty, and gets nothing"))
    assert set(found.suspended) == {numbers[first]}
    # It was noted before it was asked for, so that whoever comes next knows what to take back.
    noted = next(c for c in scene.changes(MILVUS.plural) if status_of(c.body).get(NOTED) == [first])
    assert noted.at <= found.suspended[numbers[first]] + 0.2
    # A coordinator that begins anew has forgotten it.
    found.begins_anew()
    await until(lambda: set(found.suspended) == {numbers[first]})
    # The last one stays.
    await annotated(scene, second, "true")
    await scene.until(partial(told, "FenceRefused", "no other query node is ready, and one has to take over"))
    assert set(found.suspended) == {numbers[first]}
    await annotated(scene, second, None)
    await scene.until(partial(told, "Fenced", ""))
    await annotated(scene, first, None)
    await scene.keeper.restart()
    await scene.until(partial(told, "", ""))
    await until(lambda: not found.suspended)
    assert NOTED not in status_of(scene.milvus)
    assert status_of(scene.milvus)["status"] == "Healthy"
    page = await scene.chronicle.user.list(EVENT, Selection(scene.namespace))
    events = {(event["reason"], event["type"]) for event in page.items if "Fence" in event["reason"]}
    assert ("QueryNodesFenceRefused", "Warning") in events, events


async def not_in_an_older_version(scene: Scene, found: Coordinator) -> None:
    wanted = cluster(image=LAST, queryNode=TWO, proxy=ONE, indexNode=ONE)
    del wanted["components"]["streamingNode"]
    await scene.settles(wanted)
    first = min(query_nodes(scene.now))
    await annotated(scene, first, "true")
    await scene.until(
        partial(told, "FenceUnsupported", "Milvus 2.4.15 cannot empty one query node: that came with 2.5")
    )
    assert found.calls == []
    assert NOTED not in status_of(scene.milvus)
    await annotated(scene, first, None)
    await scene.until(partial(told, "", ""))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - it is elsewhere that it changes
            await asyncio.sleep(0.05)


Act = Callable[[Scene, Coordinator], Awaitable[None]]
ACTS: tuple[Act, ...] = (fenced_and_freed, not_in_an_older_version)


@pytest.fixture(scope="module")
def played(ground: Path) -> dict[str, BaseException | None]:
    places: dict[str, str] = {}

    async def play(chronicle: Chronicle, act: Act) -> None:
        with coordinator() as found:
            async with staged(chronicle) as scene:
                places[scene.namespace] = found.endpoint
                await act(scene, found)

    async def ask(wanted: ProbeTarget) -> ProbeResult:
        # Pods that kwok plays have addresses at which nobody listens.
        assert wanted.endpoints
        return await ask_fences(replace(wanted, endpoints=(places[wanted.owner[0]],)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operator, "ask_fences", ask)
        patch.setattr(operator, "FENCE_PACE", Pace(healthy=0.3, unhealthy=0.3))
        patch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 2, "streamingnode": 2})
        return asyncio.run(all_played(ground, ACTS, play))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_fences(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
