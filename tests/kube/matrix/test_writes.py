"""R1 and R2: the operator dies, or the API server fails it, at any of its writes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import pytest
from tests.kube.matrix.chronicle import Chronicle, Now, following
from tests.kube.matrix.ends import gone
from tests.kube.matrix.keeper import ANSWERS, CRASH, Trouble, kept
from tests.kube.matrix.lives import STAGES, Life, Record, Reference, make_volume, reference_of
from tests.kube.matrix.manifests import CLUSTER, STANDALONE, Scenario
from tests.kube.matrix.sample import ALL

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

SIDE_BY_SIDE = 14
# So many writes lie between two that fail in the same life, and between two deaths.
APART, DEATHS_APART = 3, 8
EVERY = range(1, APART + 1)
Count = Callable[[int], None]
Live = Callable[[], Awaitable[Record]]


async def side_by_side(lives: Iterable[Live], limit: asyncio.Semaphore) -> list[Record]:
    """Live some lives at a time, in order; begins no more after one that met no trouble."""
    records: list[Record] = []

    async def live(one: Live) -> None:
        try:
            records.append(await one())
        finally:
            limit.release()

    async with asyncio.TaskGroup() as group:
        for one in lives:
            await limit.acquire()
            if any(record.untroubled for record in records):
                limit.release()
                break
            group.create_task(live(one))
    return records


def all_were_struck(records: list[Record], offsets: Sequence[int] = EVERY) -> None:
    """Check that each write that all of these lives made, from these on, was in trouble in one of them."""
    for stage in STAGES:
        struck = set().union(*(record.struck[stage] for record in records))
        made = min(record.writes[stage] for record in records)
        assert made > 0, stage
        wanted = {number for at in offsets for number in range(at, made + 1, APART)}
        assert struck >= wanted, f"{stage}: {sorted(struck)} of {made}"


async def test_r1_crash_between_any_two_writes(ground: Path, count: Count) -> None:
    """A standalone with one death in each stage, a cluster with one after every few writes."""
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    async with following(ground) as chronicle:
        alone, cluster = await references(chronicle)
        one_death = [Life(chronicle, STANDALONE, alone, CRASH, at).live for at in range(1, 100)]
        some = [
            Life(chronicle, CLUSTER, cluster, CRASH, at, DEATHS_APART).live
            for at in range(1, DEATHS_APART + 1)
        ]
        several, single = await asyncio.gather(side_by_side(some, limit), side_by_side(one_death, limit))
        assert any(record.untroubled for record in single), "there are more writes than were looked at"
        all_were_struck(several)
        count(sum(len(struck) for record in (*single, *several) for struck in record.struck.values()))


async def test_r2_a_write_fails_or_its_answer_is_lost(ground: Path, count: Count) -> None:
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    async with following(ground) as chronicle:
        alone, cluster = await references(chronicle)

        async def of(scenario: Scenario, reference: Reference, trouble: Trouble) -> None:
            # Of each trouble another one, unless all are asked for.
            offsets = EVERY if ALL else [EVERY[ANSWERS.index(trouble) % APART]]
            lives = [Life(chronicle, scenario, reference, trouble, at, APART).live for at in offsets]
            records = await side_by_side(lives, limit)
            all_were_struck(records, offsets)
            count(sum(len(struck) for record in records for struck in record.struck.values()))

        pairs = ((CLUSTER, cluster), (STANDALONE, alone))
        await asyncio.gather(*(of(*pair, trouble) for pair in pairs for trouble in ANSWERS))


async def references(chronicle: Chronicle) -> tuple[Reference, Reference]:
    """Give the untroubled lives of a standalone and of a cluster."""
    alone, cluster = await asyncio.gather(
        reference_of(chronicle, STANDALONE), reference_of(chronicle, CLUSTER)
    )
    return alone, cluster


async def test_r1_deleted_while_it_is_made(ground: Path, count: Count) -> None:
    """A claim may be made at any moment, by the StatefulSet: none may be left behind."""
    scenario = STANDALONE
    moments = ("services", "statefulsets", "persistentvolumeclaims", "pods", "deployments")

    async def live(first: str) -> None:
        life = Life(chronicle, scenario)
        namespace = await chronicle.namespace()
        for claim in scenario.claims:
            await make_volume(chronicle, namespace, claim)

        def begun(now: Now) -> str:
            return "" if any(name.plural == first for name in now) else f"no {first} yet"

        async with kept(chronicle, namespace):
            await life.apply(namespace, scenario.first)
            await chronicle.until(namespace, begun)
            await life.delete(namespace)
            await chronicle.until(namespace, gone)
            await chronicle.silence(namespace, 1.0)
            assert not gone(chronicle.place(namespace).now)

    async with following(ground) as chronicle:
        await asyncio.gather(*(live(first) for first in moments))
        count(len(moments))
