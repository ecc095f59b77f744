"""Some proxies with a change first, watched by their metrics; kwok plays the pods, a server their metrics."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import NAME, NEW, OLD, ONE, cluster, milvus
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
from tests.kube.metered import Meters, metered

from glede.kube.errors import ApiError
from glede.kube.objects import EVENT, Key, Object
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS

pytestmark = pytest.mark.timeout(600)

CANARY = Name("deployments", f"{NAME}-milvus-proxy-canary")
MILVUS_NAME = Name(MILVUS.plural, NAME)
SECONDS = 10
NEWER = "milvusdb/milvus:v2.6.19"
Act = Callable[[Scene, Meters], Coroutine[Any, Any, None]]


def spec(image: str = OLD, **components: Any) -> Object:
    """Give a spec whose proxies alone have an image, since those before them take their time."""
    proxy = {"replicas": 2, "canary": {"watchSeconds": SECONDS}, "image": image}
    return cluster(**{"queryNode": ONE, "proxy": proxy, **components})


def image_of(body: Object) -> str:
    return str(pod_spec(body)["containers"][0]["image"])


def is_watched(now: Now, image: str = NEW) -> str:
    """Tell what is lacking until the canary is whole."""
    body = now.get(CANARY)
    if body is None or image_of(body) != image:
        return f"no canary with {image}"
    return "" if is_rolled(body) and body["spec"]["replicas"] else str(body.get("status"))


def says(reason: str, now: Now) -> str:
    found = condition(now[MILVUS_NAME], "Progressing")
    return "" if found.get("reason") == reason else str(found)


def tells(words: str, now: Now) -> str:
    found = condition(now[MILVUS_NAME], "Progressing")
    return "" if found.get("message") == words else str(found)


def canary_is_gone(now: Now) -> str:
    left = [name.name for name in now if "proxy-canary" in name.name]
    return ", ".join(left)


def proxies_at(changes: Iterable[Change], image: str) -> list[Change]:
    name = Name("deployments", f"{NAME}-milvus-proxy")
    return [c for c in changes if c.name == name and c.type != "DELETED" and image_of(c.body) == image]


def watched_before(scene: Scene, image: str) -> float:
    """Give for how many seconds the canary was whole before the proxies took the same image."""
    whole = [
        change
        for change in scene.changes("deployments")
        if change.name == CANARY and image_of(change.body) == image and is_rolled(change.body)
    ]
    return proxies_at(scene.changes("deployments"), image)[0].at - whole[0].at


async def good_ones_are_followed_though_an_operator_dies_meanwhile(scene: Scene, meters: Meters) -> None:
    wanted = spec(NEW, dataNode={**ONE, "image": NEW})
    generation = await scene.apply(wanted)
    await scene.until(is_watched)
    assert image_of(deployment(scene.now, "datanode")) == NEW
    assert image_of(deployment(scene.now, "proxy")) == OLD
    assert scene.now[CANARY]["spec"]["replicas"] == 1
    await scene.until(partial(tells, f"1 new pod of proxy is watched for {SECONDS} s; then proxy"))
    assert condition(scene.milvus, "MilvusUpdated")["status"] == "False"
    assert status_of(scene.milvus)["componentsDeployStatus"]["proxy"]["image"] == OLD
    await scene.keeper.restart()
    await scene.until(lambda now: settled(now, NAME, generation))
    assert CANARY not in scene.now
    assert image_of(deployment(scene.now, "proxy")) == NEW
    assert watched_before(scene, NEW) >= SECONDS
    assert {condition(c.body, "Ready")["status"] for c in scene.changes(MILVUS.plural)} == {"True"}
    assert {path.split("/")[1] for path in meters.asked} == {"canary", "others"}
    # Another change of the same Milvus has a canary of its own, by a setting too.
    generation = await scene.apply({**wanted, "config": {"proxy": {"timeTickInterval": 300}}})
    await scene.until(is_watched)
    assert status_of(scene.milvus)["lastHealthy"]["generation"] == generation - 1
    await scene.until(lambda now: settled(now, NAME, generation))
    await scene.until(canary_is_gone)


async def taken_back(scene: Scene, generation: int, words: str) -> None:
    """Wait until a change is taken back; the proxies were never touched."""
    await scene.until(partial(says, "RolledBack"))
    await scene.until(canary_is_gone)
    back = status_of(scene.milvus)["rolledBack"]
    assert back["generation"] == generation
    assert words in back["reason"], back
    assert not proxies_at(scene.changes("deployments"), NEW)
    page = await scene.chronicle.user.list(EVENT, Selection(scene.namespace))
    told = [event for event in page.items if event["reason"] == "ProgressingRollingBack"]
    assert any(words in event["message"] for event in told), told


async def failing_ones_are_taken_back(scene: Scene, meters: Meters) -> None:
    meters.canary.failing = 0.2
    generation = await scene.apply(spec(NEW))
    await taken_back(scene, generation, "requests failed, of the others' ")
    reason = status_of(scene.milvus)["rolledBack"]["reason"]
    assert re.match(r"canary of proxy, 1 new pod: (19|20)\.\d\d % of \d{3} requests", reason), reason
    assert reason.endswith("0.00 %; borne is 2.00 % more"), reason


async def slow_ones_are_taken_back(scene: Scene, meters: Meters) -> None:
    meters.canary.ms = 200.0
    generation = await scene.apply(spec(NEW))
    await taken_back(scene, generation, "P99 of search is 254.7 ms, the others' 31.8 ms")
    # What was wrong is corrected: the same image again.
    meters.canary.ms = 20.0
    await scene.settles(spec(NEW, cdc={"replicas": 0}))


async def without_rollback_it_stands_still_and_the_canary_goes(scene: Scene, meters: Meters) -> None:
    stay = {"rollout": {"rollback": False}}
    meters.others.failing = 0.01
    meters.canary.failing = 0.5
    await scene.apply(spec(NEW, **stay))
    await scene.until(partial(says, "DeadlineExceeded"))
    await scene.until(canary_is_gone)
    assert status_of(scene.milvus)["canary"]["reason"].startswith("canary of proxy, 1 new pod: ")
    await scene.keeper.restart()
    await asyncio.sleep(2.0)
    assert not canary_is_gone(scene.now)
    assert image_of(deployment(scene.now, "proxy")) == OLD
    meters.canary.failing = 0.01
    await scene.settles(spec(NEWER, **stay))
    assert "canary" not in status_of(scene.milvus)
    assert image_of(deployment(scene.now, "proxy")) == NEWER


async def what_cannot_be_read_is_waited_for_and_an_edit_begins_anew(scene: Scene, meters: Meters) -> None:
    meters.canary.silent = True
    await scene.apply(spec(NEW))
    await scene.until(partial(says, "CanaryHeld"))
    told = condition(scene.milvus, "Progressing")
    assert told["status"] == "False"
    assert "its metrics cannot be read: kite-milvus-proxy-canary-" in told["message"], told
    meters.canary.silent = False
    await scene.until(partial(says, "Rolling"))
    generation = await scene.apply(spec(NEWER, dataNode={"replicas": 2}))
    await scene.until(partial(is_watched, image=NEWER))
    assert image_of(deployment(scene.now, "proxy")) == OLD
    await scene.until(lambda now: settled(now, NAME, generation))
    assert watched_before(scene, NEWER) >= SECONDS
    assert not proxies_at(scene.changes("deployments"), NEW)


async def one_that_is_stopped_meanwhile_has_no_canary_left(scene: Scene, _meters: Meters) -> None:
    await scene.apply(spec(NEW))
    await scene.until(is_watched)
    fields = ("mixCoord", "streamingNode", "queryNode", "dataNode", "proxy")
    stopped = {field: {"replicas": 0} for field in fields}
    await scene.apply(spec(NEW, **{**stopped, "proxy": {**spec(NEW)["components"]["proxy"], "replicas": 0}}))
    await scene.until(lambda now: "" if status_of(now[MILVUS_NAME]).get("status") == "Stopped" else "runs")
    await scene.until(canary_is_gone)


async def one_that_is_deleted_meanwhile_takes_its_canary_along(scene: Scene, _meters: Meters) -> None:
    await scene.apply(spec(NEW))
    # Its end, which everybody waits for, comes after this.
    await scene.until(is_watched)


WRONG = {
    "share": [0, "0%", "101%", "many", 1.5],
    "watchSeconds": [9, 86401, "soon"],
    "maxErrorRate": [-0.1, 1.1, "low"],
    "maxLatencyRatio": [0.9, 101, "fast"],
    "minRequests": [0, 1_000_001, "few"],
}


async def what_is_wrong_is_refused_with_words(scene: Scene, meters: Meters) -> None:
    key = Key(scene.namespace, NAME)
    for name, values in WRONG.items():
        for value in values:
            wanted = spec(NEW, proxy={"replicas": 2, "canary": {name: value}})
            at = f"spec.components.proxy.canary.{name}"
            said = await answer(scene.chronicle.user.apply(MILVUS, key, milvus(scene.namespace, wanted)))
            if said:
                assert at in said
            else:
                await scene.until(partial(refused, f"{at}: found "))
    groups = [{"name": "east", "replicas": 2}]
    await scene.apply(spec(NEW, proxy={"groups": groups, "canary": {"share": 1}}))
    await scene.until(partial(refused, "spec.components.proxy.canary: found groups"))
    assert image_of(deployment(scene.now, "mixcoord")) == OLD


async def answer(write: Coroutine[Any, Any, Object]) -> str:
    """Give why the API server refuses to write something; "" where it does not."""
    try:
        await write
    except ApiError as error:
        return str(error)
    return ""


def refused(words: str, now: Now) -> str:
    found = condition(now[MILVUS_NAME], "SpecAccepted")
    return "" if found.get("status") == "False" and words in found.get("message", "") else str(found)


ACTS: tuple[Act, ...] = (
    good_ones_are_followed_though_an_operator_dies_meanwhile,
    failing_ones_are_taken_back,
    slow_ones_are_taken_back,
    without_rollback_it_stands_still_and_the_canary_goes,
    what_cannot_be_read_is_waited_for_and_an_edit_begins_anew,
    one_that_is_stopped_meanwhile_has_no_canary_left,
    one_that_is_deleted_meanwhile_takes_its_canary_along,
    what_is_wrong_is_refused_with_words,
)


async def play(chronicle: Chronicle, act: Act) -> None:
    """Have a Milvus that serves, and metrics of its pods; then act."""
    async with metered() as meters, staged(chronicle, metrics_of=meters.address) as scene:
        await scene.settles(spec())
        assert not canary_is_gone(scene.now)
        await act(scene, meters)


@pytest.fixture(scope="module")
def played(ground: Path) -> dict[str, BaseException | None]:
    return asyncio.run(all_played(ground, ACTS, play))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_a_canary(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
