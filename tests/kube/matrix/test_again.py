"""R10: a Milvus is deleted and made again under its name, whatever the operator was doing."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from tests.kube.matrix.again import (
    ALONE,
    CASCADES,
    CLUSTER,
    Cascade,
    Case,
    Stage,
    Twice,
    prepared,
    untroubled,
)
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.ends import End, gone, settled
from tests.kube.matrix.keeper import CRASH, Series, kept
from tests.kube.matrix.manifests import NAME, Scenario, milvus
from tests.kube.matrix.sample import ALL
from tests.kube.matrix.scene import condition
from tests.kube.matrix.sick import LEFT_ALONE

from glede.kube.errors import NotFound
from glede.kube.objects import POD, Key, owner_uid, uid_of
from glede.milvus import leaving
from glede.milvus.kinds import MILVUS

Count = Callable[[int], None]
SIDE_BY_SIDE = 14
# At every third write of each stage in one of the ways; by GLEDE_MATRIX=all at each of them in all ways.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800 if ALL else 600)]
EACH = 1 if ALL else 3
MOST = 60
# So many lives of one stage at a time.
TOGETHER = 3
_CLAIMS = "persistentvolumeclaims"


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that no pass failed for a reason that the operator does not know."""
    with caplog.at_level(logging.ERROR, logger="glede"):
        yield
    words = [record.getMessage() + str(record.exc_info) for record in caplog.get_records("call")]
    assert not words, words[:3]


class Again:
    """Cases side by side, each judged by an untroubled life of its scenario."""

    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle
        self.done = 0
        self._limit = asyncio.Semaphore(SIDE_BY_SIDE)
        self._ends: dict[int, asyncio.Task[tuple[End, frozenset[str]]]] = {}

    async def live(self, case: Case) -> bool:
        """Live a case; tells whether its write came."""
        async with self._limit:
            known = self._ends.get(id(case.scenario))
            if known is None:
                known = asyncio.create_task(untroubled(self.chronicle, case.scenario))
                self._ends[id(case.scenario)] = known
            met = await Twice(self.chronicle, case, *await known).live()
            self.done += met or case.stage == "rest"
            return met

    async def all_writes(self, scenario: Scenario, stage: Stage, *, dies: bool = False) -> None:
        """Delete it at the writes of a stage, until there are no more of them."""
        moments = iter([(at, how) for at in range(1, MOST, EACH) for how in ways(at)])
        met = [True]

        async def work() -> None:
            for at, how in moments:
                met.append(await self.live(Case(scenario, stage, at, how, dies)))
                if not all(met):
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(TOGETHER):
                group.create_task(work())
        assert not all(met), f"{stage}: there are more writes than were looked at"


def ways(at: int) -> tuple[Cascade, ...]:
    """Give the ways in which to delete it at a write."""
    return CASCADES if ALL else (CASCADES[at // EACH % len(CASCADES)],)


async def test_r10_deleted_and_made_again_at_every_step(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle, asyncio.TaskGroup() as group:
        again = Again(chronicle)
        stages: tuple[Stage, ...] = ("create", "edit", "delete")
        for scenario, stage in product(ALONE.values(), stages):
            group.create_task(again.all_writes(scenario, stage))
        group.create_task(again.all_writes(ALONE["Delete"], "delete", dies=True))
    count(again.done)


async def test_r10_deleted_and_made_again_at_rest_and_while_a_cluster_changes(
    ground: Path, count: Count
) -> None:
    cases = [Case(one, "rest", cascade=how) for one, how in product(ALONE.values(), CASCADES)]
    cases += [Case(CLUSTER["Delete"], "edit", 2 + 3 * place, how) for place, how in enumerate(CASCADES)]
    cases += [Case(CLUSTER["Retain"], "rest")]
    async with following(ground) as chronicle, asyncio.TaskGroup() as group:
        again = Again(chronicle)
        for case in cases:
            group.create_task(again.live(case))
    assert again.done == len(cases), "a cluster's rollout has fewer writes than were looked at"
    count(again.done)


async def test_r10_the_finalizer_ends_though_a_pod_of_a_dependency_never_does(
    ground: Path, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on a node that is lost. The second waits for it: it may still write to the volume.

    An operator dies meanwhile too.
    """
    monkeypatch.setattr(leaving, "MAKERS_SECONDS", 4.0)
    pod = "kite-etcd-0"
    async with following(ground) as chronicle:
        namespace = await prepared(chronicle, ALONE["Delete"])
        key, user = Key(namespace, pod), chronicle.user
        async with kept(chronicle, namespace) as keeper:
            first = await user.create(MILVUS, milvus(namespace, ALONE["Delete"].first))
            await chronicle.until(namespace, settled)
            await user.patch(POD, key, {"metadata": {"annotations": LEFT_ALONE}})
            keeper.series = Series(CRASH, random.randint(1, 4))  # noqa: S311
            await user.delete(MILVUS, Key(namespace, NAME), uid=uid_of(first))
            await chronicle.until(namespace, lambda now: "there" if (MILVUS.plural, NAME) in now else "")
            second = await user.create(MILVUS, milvus(namespace, ALONE["Delete"].first))
            await chronicle.until(namespace, waits_for("StatefulSet kite-etcd"))
            await chronicle.silence(namespace, 1.0)
            now = chronicle.place(namespace).now
            made = [name.name for name, body in now.items() if owner_uid(body) == uid_of(second)]
            assert not made, f"made beside what is left of the first: {made}"
            await user.patch(POD, key, {"metadata": {"annotations": dict.fromkeys(LEFT_ALONE)}})
            await chronicle.until(namespace, settled)
            await user.delete(MILVUS, Key(namespace, NAME), uid=uid_of(second))
            await chronicle.until(namespace, gone)
    count(1)


def waits_for(what: str) -> Callable[[Now], str]:
    """Tell whether a Milvus says that it waits for the end of this."""

    def lacking(now: Now) -> str:
        # What is followed here may be a moment behind what was made.
        found = condition(now.get(Name(MILVUS.plural, NAME), {}), "Progressing")
        waits = found.get("reason") == "EarlierLeaving" and what in found["message"]
        return "" if waits else str(found)

    return lacking


async def test_r10_the_finalizer_ends_though_somebody_else_holds_it_too(ground: Path, count: Count) -> None:
    """Another controller's finalizer keeps it for a while; ours has gone by then, and volumes are to go.

    That of a pod goes with the pod, as that goes with the Milvus.
    """
    foreign = "birds.example/watched"
    async with following(ground) as chronicle:
        namespace = await prepared(chronicle, ALONE["Delete"])
        async with kept(chronicle, namespace):
            key, body = Key(namespace, NAME), milvus(namespace, ALONE["Delete"].first)
            body["metadata"]["finalizers"] = [foreign]
            made = await chronicle.user.create(MILVUS, body)
            await chronicle.until(namespace, settled)
            await chronicle.user.delete(MILVUS, key, uid=uid_of(made))

            def held(now: Now) -> str:
                found = now[Name(MILVUS.plural, NAME)]["metadata"]["finalizers"]
                claims = [
                    name.name
                    for name, body in now.items()
                    if name.plural == _CLAIMS and "deletionTimestamp" not in body["metadata"]
                ]
                return str(claims or [one for one in found if one != foreign] or "")

            await chronicle.until(namespace, held)
            await chronicle.user.patch(MILVUS, key, {"metadata": {"finalizers": None}})
            await chronicle.until(namespace, gone)
            with pytest.raises(NotFound):
                await chronicle.user.get(MILVUS, key)
    count(1)
