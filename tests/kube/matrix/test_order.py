"""R14: the paths through the release lines, component after component, with a failure at each of them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now, following
from tests.kube.matrix.keeper import CRASH, Series
from tests.kube.matrix.lines import ALONE, CLUSTER, SPLIT, Shape, Step, step
from tests.kube.matrix.scene import Scene, condition, is_rolled, staged, status_of
from tests.kube.matrix.sick import PANIC, PULLING, Trouble, nursing
from tests.kube.matrix.turns import Turns, has, name_of

from glede.kube.objects import EVENT, Object
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import TEMPLATE_ANNOTATION
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
UP = ("2.3", "2.4", "2.5", "2.6", "3.0")
DOWN = ("3.0", "2.6", "2.5")
PATCH = "milvusdb/milvus:v2.6.17"
CAUSES = {"image": PULLING, "crash": PANIC}
SIDE_BY_SIDE = 28
UNHURRIED = {"rollout": {"progressDeadlineSeconds": 600}}
# Steps that are refused, by where they begin.
REFUSED = {"2.3": ("2.6", "3.0"), "2.4": ("2.6", "2.3"), "2.5": ("2.4",), "2.6": ("2.5",), "3.0": ("2.6",)}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """New query nodes count 2 s after they are ready, not 15: nothing is loaded into them here."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 2, "streamingnode": 2})


async def walk(chronicle: Chronicle, shape: Shape, lines: tuple[str, ...], seed: int, **common: Any) -> None:
    """Go through lines one after another while operators die."""
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    async with staged(chronicle) as scene:
        await scene.settles(shape.spec(lines[0], **common))
        for old, new in pairwise(lines):
            scene.keeper.series = Series(CRASH, chance.randint(1, 6), chance.randint(3, 9))
            taken, before = step(shape, old, new), dict(scene.now)
            await scene.settles(shape.spec(new, **common))
            deaths = sorted(scene.keeper.series.struck)
            scene.keeper.series = Series()
            where = f"{scene.namespace}, {old} to {new}, seed {seed}, deaths at {deaths}"
            faults = Turns(taken, before).faults(scene.changes("deployments"))
            assert not faults, f"{where}: {faults[:5]}"
            assert deployed(scene.now) == set(taken.order), where
            if not shape.split:  # change data capture has one pod, and none while that is replaced
                told = [condition(one.body, "Ready") for one in scene.changes("milvuses")]
                words = [one["message"] for one in told if one["status"] != "True"]
                assert not words or shape.alone, f"{where}: not ready meanwhile: {words}"


def deployed(now: Now) -> set[str]:
    """Give the components that there are."""
    return {name.name.rpartition("-")[2] for name in now if name.plural == "deployments"}


async def test_r14_every_line_after_the_other_in_order_though_operators_die(
    ground: Path, count: Count
) -> None:
    seed = random.randrange(2**32)  # noqa: S311
    async with following(ground) as chronicle:
        await asyncio.gather(
            walk(chronicle, CLUSTER, UP, seed),
            walk(chronicle, SPLIT, UP, seed + 1),
            walk(chronicle, ALONE, UP, seed + 2),
            walk(chronicle, CLUSTER, DOWN, seed + 3, imageUpdateMode="rollingDowngrade"),
        )
    count(3 * (len(UP) - 1) + len(DOWN) - 1)


async def test_r14_a_step_that_upstream_cannot_take_is_refused(ground: Path, count: Count) -> None:
    async def from_line(line: str) -> None:
        async with staged(chronicle) as scene:
            await scene.settles(ALONE.spec(line))
            for to in REFUSED[line]:
                before = templates(scene.now)
                generation = await scene.apply(ALONE.spec(to))
                await scene.until(partial(not_refused, generation))
                assert templates(scene.now) == before, f"{line} to {to}"
                assert status_of(scene.milvus)["status"] == "Healthy", f"{line} to {to}"
            await scene.settles(ALONE.spec(line))

    async with following(ground) as chronicle:
        await asyncio.gather(*(from_line(line) for line in REFUSED))
    count(sum(len(to) for to in REFUSED.values()))


def not_refused(generation: int, now: Now) -> str:
    body = now[Name(MILVUS.plural, "kite")]
    told = status_of(body).get("observedGeneration") == generation
    return "" if told and condition(body, "SpecAccepted")["status"] == "False" else str(status_of(body))


def templates(now: Now) -> dict[Name, Object]:
    """Give the pod templates of all Deployments, with their digests."""
    return {
        name: {**body["spec"]["template"], "digest": body["metadata"]["annotations"][TEMPLATE_ANNOTATION]}
        for name, body in now.items()
        if name.plural == "deployments"
    }


def failures() -> Iterator[tuple[Step, str, Trouble]]:
    """Give a failure at each component of each step; at the first one of a cluster, both kinds of it."""
    kinds: tuple[Trouble, Trouble] = ("image", "crash")
    steps = [step(CLUSTER, "2.3", "2.4"), step(CLUSTER, "2.4", "2.5"), step(CLUSTER, PATCH, "2.6")]
    steps += [step(SPLIT, "2.5", "2.6"), step(SPLIT, "2.6", "3.0")]
    steps += [step(ALONE, *pair) for pair in (*pairwise(UP), (PATCH, "2.6"))]
    for taken in steps:
        if not taken.shape.alone or taken.new == UP[-1]:
            yield taken, taken.order[0], "crash"
        yield from ((taken, component, kinds[place % 2]) for place, component in enumerate(taken.order))


async def fail(chronicle: Chronicle, taken: Step, component: str, trouble: Trouble) -> None:
    """Take a step in which a component does not come up, then the same without that."""
    async with staged(chronicle) as scene:
        where = f"{scene.namespace}, {taken.old} to {taken.new}, {trouble} at {component}"
        await scene.settles(taken.shape.spec(taken.old))
        before = dict(scene.now)
        await scene.apply(taken.shape.ill(taken.new, component, trouble))
        nothing_ran = component == taken.order[0] and trouble == "image"
        if taken.same_line or nothing_ran:
            await went_back(scene, taken, before, where)
        else:
            await stood_still(scene, taken, component, before, where)
        await told(scene, component, CAUSES[trouble], where)
        before = dict(scene.now)
        # No hurry any more: what is late now is late for want of a processor.
        await scene.settles(taken.shape.spec(taken.new, **UNHURRIED))
        faults = Turns(taken, before).faults(scene.changes("deployments"))
        assert not faults, f"{where}, corrected: {faults[:5]}"
        assert deployed(scene.now) == set(taken.order), where


async def went_back(scene: Scene, taken: Step, before: Now, where: str) -> None:
    """It goes back in the reverse order, to just what there was."""
    await scene.until(partial(not_told, "RolledBack"))
    await scene.until(lambda now: "" if templates(now) == templates(before) else "not as before")
    changes = scene.changes("deployments")
    turned = next(one.version for one in scene.changes("milvuses") if not not_so("RollingBack", one))
    turns = Turns(taken, dict(before))
    faults = turns.faults(one for one in changes if one.version < turned)
    faults += Turns(taken, turns.now, back=True).faults(one for one in changes if one.version > turned)
    assert not faults, f"{where}: {faults[:5]}"
    assert all(is_rolled(scene.now[name]) for name in templates(before)), where


async def stood_still(scene: Scene, taken: Step, component: str, before: Now, where: str) -> None:
    """What comes before the failure is new, and what comes after it keeps its pods."""
    await scene.until(partial(not_told, "DeadlineExceeded"))
    await asyncio.sleep(1.0)
    assert not not_told("DeadlineExceeded", scene.now), where
    faults = Turns(taken, dict(before)).faults(scene.changes("deployments"))
    assert not faults, f"{where}: {faults[:5]}"
    place, was, now = taken.order.index(component), templates(before), templates(scene.now)
    for other in taken.order[:place]:
        assert has(scene.now[name_of(other)], taken.images[1]), f"{where}: {other} is not new"
    for other in taken.order[place + 1 :]:
        assert now.get(name_of(other)) == was.get(name_of(other)), f"{where}: {other} has changed"
    for old, successor in taken.leaving.items():
        stays = taken.order.index(successor) >= place
        assert (name_of(old) in now) == stays, f"{where}: {old}"


def not_told(reason: str, now: Now) -> str:
    body = now[Name(MILVUS.plural, "kite")]
    found = condition(body, "Progressing")
    return "" if found.get("reason") == reason else f"not {reason}: {status_of(body)}"


def not_so(reason: str, change: Change) -> str:
    return not_told(reason, {change.name: change.body})


async def told(scene: Scene, component: str, cause: str, where: str) -> None:
    """Why is in the condition and in an Event."""
    message = condition(scene.milvus, "Progressing")["message"]
    assert f"{component}: " in message, f"{where}: {message}"
    assert cause in message, f"{where}: {message}"
    for attempt in range(50):
        page = await scene.chronicle.user.list(EVENT, Selection(scene.namespace))
        found = [one["message"] for one in page.items if one["reason"].startswith("Progressing")]
        if any(cause in words for words in found):
            return
        assert attempt < 49, f"{where}: {found}"
        await asyncio.sleep(0.1)


async def a_second_wrong_image_takes_nothing_back(chronicle: Chronicle) -> None:
    """It begins anew at the first component, but others have run the new line already."""
    taken = step(SPLIT, "2.5", "2.6")
    async with staged(chronicle) as scene:
        await scene.settles(SPLIT.spec("2.5"))
        await scene.apply(SPLIT.ill("2.6", "querynode", "image"))
        await scene.until(partial(not_told, "DeadlineExceeded"))
        before = templates(scene.now)
        generation = await scene.apply(SPLIT.ill("milvusdb/milvus:v2.6.19", taken.order[0], "image"))
        await scene.until(partial(too_early, generation))
        assert not not_told("DeadlineExceeded", scene.now)
        changed = {name for name, body in templates(scene.now).items() if before[name] != body}
        assert changed == {name_of(taken.order[0])}
        await scene.settles(SPLIT.spec("2.6", **UNHURRIED))


def too_early(generation: int, now: Now) -> str:
    body = now[Name(MILVUS.plural, "kite")]
    ended = condition(body, "Progressing").get("status") == "False"
    return "" if ended and status_of(body)["observedGeneration"] == generation else str(status_of(body))


async def test_r14_a_failure_at_each_component_of_each_step(ground: Path, count: Count) -> None:
    limit = asyncio.Semaphore(SIDE_BY_SIDE)

    async def limited(case: Awaitable[None]) -> None:
        async with limit:
            await case

    async with following(ground) as chronicle, nursing(chronicle):
        cases: list[Awaitable[None]] = [fail(chronicle, *one) for one in failures()]
        cases.append(a_second_wrong_image_takes_nothing_back(chronicle))
        ends = await asyncio.gather(*map(limited, cases), return_exceptions=True)
    wrong = [end for end in ends if isinstance(end, BaseException)]
    assert not wrong, f"{len(wrong)} of {len(ends)}: " + "\n".join(str(end)[:800] for end in wrong)
    count(len(ends))
