"""How often pods that wait in vain are made anew."""

import asyncio
from typing import cast

from tests.unit.milvus.clocks import Clock
from tests.unit.milvus.snapshots import pod

from glede.kube.objects import Key
from glede.milvus.podender import Cause, PodEnder
from glede.milvus.revival import ANEW_SECONDS, PAUSES, Reviver

PODS = (pod("querynode", uid="1"), pod("proxy", uid="2"))


class Deletions:
    """Takes deletions down."""

    def __init__(self) -> None:
        self.uids: list[str] = []

    async def end(self, _key: Key, uid: str, cause: Cause) -> None:
        assert cause.grace is None
        self.uids.append(uid)


def test_all_are_deleted_at_a_time_each_time_later_and_then_no_more() -> None:
    deletions, clock = Deletions(), Clock()
    reviver = Reviver(cast(PodEnder, deletions), clock)

    def revived() -> tuple[list[str], float | None]:
        deletions.uids.clear()
        wait = asyncio.run(reviver.revive("m", PODS))
        return list(deletions.uids), wait

    assert revived() == (["1", "2"], None)
    for pause in PAUSES:
        clock.now += pause - 1
        assert revived() == ([], 1.0)
        clock.now += 1
        assert revived() == (["1", "2"], None)
    clock.now += ANEW_SECONDS
    assert revived() == ([], None)
    clock.now += 1
    assert revived() == (["1", "2"], None)


def test_milvuses_do_not_wait_for_each_other_and_one_that_is_gone_is_forgotten() -> None:
    deletions = Deletions()
    reviver = Reviver(cast(PodEnder, deletions), Clock())
    for uid in ("m", "n"):
        asyncio.run(reviver.revive(uid, PODS))
    assert deletions.uids == ["1", "2", "1", "2"]
    reviver.forget("m")
    asyncio.run(reviver.revive("m", PODS))
    asyncio.run(reviver.revive("n", PODS))
    assert deletions.uids == ["1", "2"] * 3
