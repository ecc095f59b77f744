"""R14: a failure at each component of each step through the release lines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from tests.kube.matrix.chronicle import COUNTED, Change, Chronicle, Name, Now, following
from tests.kube.matrix.ends import differing, end_of, told
from tests.kube.matrix.lines import ALONE, CLUSTER, FIELDS, SPLIT, UP, Step, step
from tests.kube.matrix.manifests import NAME
from tests.kube.matrix.sample import ALL
from tests.kube.matrix.scene import Scene, condition, is_rolled, staged, status_of
from tests.kube.matrix.sick import PANIC, PULLING, Trouble, nursing
from tests.kube.matrix.turns import Turns, deployed, has, name_of, templates

from glede.kube.objects import EVENT
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
PATCH = "milvusdb/milvus:v2.6.17"
CAUSES = {"image": PULLING, "crash": PANIC}
SIDE_BY_SIDE = 14
# Every so many of the failures; by GLEDE_MATRIX=all each of them.
EACH = 1 if ALL else 5
UNHURRIED = {"rollout": {"progressDeadlineSeconds": 600}}
# What has been there and back has been through more.
_OF_AGE = (".generation", ".observedGeneration", ".annotations.deployment.kubernetes.io/revision")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """New query nodes count 2 s after they are ready, not 15: nothing is loaded into them here."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 2, "streamingnode": 2})


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
        await is_told(scene, component, CAUSES[trouble], where)
        before = dict(scene.now)
        # No hurry any more: what is late now is late for want of a processor.
        await scene.settles(taken.shape.spec(taken.new, **UNHURRIED))
        faults = Turns(taken, before).faults(scene.changes("deployments"))
        assert not faults, f"{where}, corrected: {faults[:5]}"
        assert deployed(scene.now) == set(taken.order), where
        assert reasons(scene) <= {"Rolling", "Complete"}, f"{where}, corrected: {reasons(scene)}"


async def went_back(scene: Scene, taken: Step, before: Now, where: str) -> None:
    """It goes back in the reverse order, to just what there was."""
    await scene.until(partial(not_said, "RolledBack"))
    await scene.until(partial(not_as_before, before))
    changes = scene.changes("deployments")
    turned = next(one.version for one in scene.changes("milvuses") if not not_so("RollingBack", one))
    turns = Turns(taken, dict(before))
    faults = turns.faults(one for one in changes if one.version < turned)
    faults += Turns(taken, turns.now, back=True).faults(one for one in changes if one.version > turned)
    assert not faults, f"{where}: {faults[:5]}"
    assert all(is_rolled(scene.now[name]) for name in templates(before)), where
    assert reasons(scene) == {"Rolling", "RollingBack", "RolledBack"}, f"{where}: {reasons(scene)}"


def not_as_before(before: Now, now: Now) -> str:
    """Tell what is not as it was: any object but the Milvus, without what tells only its age."""
    then, since = (end_of(_objects(one)) for one in (before, now))
    paths = [path for path in differing(since, then) if not path.endswith(_OF_AGE)]
    return told(since, then, paths)


def _objects(now: Now) -> Now:
    left = {MILVUS.plural, *(resource.plural for resource in COUNTED)}
    return {name: body for name, body in now.items() if name.plural not in left}


async def stood_still(scene: Scene, taken: Step, component: str, before: Now, where: str) -> None:
    """What comes before the failure is new, and what comes after it keeps its pods."""
    await scene.until(partial(not_said, "DeadlineExceeded"))
    await asyncio.sleep(1.0)
    assert not not_said("DeadlineExceeded", scene.now), where
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


def not_said(reason: str, now: Now) -> str:
    """Tell what is said of a change instead of this."""
    body = now[Name(MILVUS.plural, NAME)]
    found = condition(body, "Progressing")
    return "" if found.get("reason") == reason else f"not {reason}: {status_of(body)}"


def not_so(reason: str, change: Change) -> str:
    return not_said(reason, {change.name: change.body})


def reasons(scene: Scene) -> set[str]:
    """Give all that was said of the newest manifest's change."""
    newest = scene.milvus["metadata"]["generation"]
    of_it = (one.body for one in scene.changes("milvuses"))
    said = (body for body in of_it if status_of(body).get("observedGeneration") == newest)
    return {condition(body, "Progressing")["reason"] for body in said}


async def is_told(scene: Scene, component: str, cause: str, where: str) -> None:
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
        await scene.until(partial(not_said, "DeadlineExceeded"))
        before = templates(scene.now)
        generation = await scene.apply(SPLIT.ill("milvusdb/milvus:v2.6.19", taken.order[0], "image"))
        await scene.until(partial(too_early, generation))
        assert not not_said("DeadlineExceeded", scene.now)
        changed = {name for name, body in templates(scene.now).items() if before[name] != body}
        assert changed == {name_of(taken.order[0])}
        await scene.settles(SPLIT.spec("2.6", **UNHURRIED))


def too_early(generation: int, now: Now) -> str:
    body = now[Name(MILVUS.plural, NAME)]
    ended = condition(body, "Progressing").get("status") == "False"
    return "" if ended and status_of(body)["observedGeneration"] == generation else str(status_of(body))


async def a_correction_on_the_way_back_is_followed(
    chronicle: Chronicle, taken: Step, component: str, replicas: int
) -> None:
    """What its Deployment is late with then is not the correction's."""
    async with staged(chronicle) as scene:
        await scene.settles(taken.shape.spec(taken.old))
        await scene.apply(taken.shape.ill(taken.new, component, "image"))
        await scene.until(partial(not_said, "RollingBack"))
        corrected = {FIELDS[component]: {"replicas": replicas}}
        await scene.settles(taken.shape.spec(taken.new, **UNHURRIED, **corrected))
        assert reasons(scene) <= {"Rolling", "Complete"}, f"{scene.namespace}: {reasons(scene)}"


async def test_r14_a_failure_at_each_component_of_each_step(ground: Path, count: Count) -> None:
    limit = asyncio.Semaphore(SIDE_BY_SIDE)

    async def limited(case: Awaitable[None]) -> None:
        async with limit:
            await case

    async with following(ground) as chronicle, nursing(chronicle):
        cases: list[Awaitable[None]] = [fail(chronicle, *one) for one in list(failures())[::EACH]]
        cases.append(a_second_wrong_image_takes_nothing_back(chronicle))
        hasty = partial(a_correction_on_the_way_back_is_followed, chronicle)
        cases.append(hasty(step(CLUSTER, PATCH, "2.6"), "querynode", 2))
        cases.append(hasty(step(ALONE, PATCH, "2.6"), "standalone", 1))
        ends = await asyncio.gather(*map(limited, cases), return_exceptions=True)
    wrong = [end for end in ends if isinstance(end, BaseException)]
    assert not wrong, f"{len(wrong)} of {len(ends)}: " + "\n".join(str(end)[:800] for end in wrong)
    count(len(ends))
