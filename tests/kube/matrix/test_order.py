"""R14: the paths through the release lines, component after component, though operators die."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.keeper import CRASH, Series
from tests.kube.matrix.lines import ALONE, CLUSTER, SPLIT, UP, Shape, step
from tests.kube.matrix.scene import condition, staged, status_of
from tests.kube.matrix.turns import Turns, deployed, templates

from glede.milvus.kinds import MILVUS
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
DOWN = ("3.0", "2.6", "2.5")
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
