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
    Case,
    Twice,
    prepared,
    untroubled,
)
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.ends import End, gone, settled
from tests.kube.matrix.keeper import CRASH, Series, kept
from tests.kube.matrix.manifests import NAME, milvus
from tests.kube.matrix.scene import condition

from glede.kube.objects import POD, Key, owner_uid, uid_of
from glede.milvus import leaving
from glede.milvus.kinds import MILVUS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

Count = Callable[[int], None]
SIDE_BY_SIDE = 14
# kwok lets such a pod be.
LEFT_ALONE = {"kwok.x-k8s.io/status": "custom"}


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
