"""How often pods that wait in vain are made anew."""

import asyncio
from typing import Any, cast

from tests.unit.milvus.snapshots import pod

from glede.kube.errors import NotFound
from glede.kube.objects import Key, Resource
from glede.kube.transport import Transport
from glede.milvus.revival import ANEW_SECONDS, PAUSES, Reviver

PODS = (pod("querynode", uid="1"), pod("proxy", uid="2"))


class Deletions:
    """Takes deletions down, and says of one pod that it is gone."""

    def __init__(self) -> None:
        self.uids: list[str] = []

    async def delete(self, resource: Resource, key: Key, *, uid: str, **_options: Any) -> None:
        self.uids.append(uid)
        if key.name.startswith("kite-milvus-querynode"):
            raise NotFound(404, "NotFound", "gone")


class Clock:
    now = 5.0

    def __call__(self) -> float:
        return self.now


def test_all_are_deleted_at_a_time_each_time_later_and_then_no_more() -> None:
    deletions, clock = Deletions(), Clock()
    reviver = Reviver(cast(Transport, deletions), clock)

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
    reviver = Reviver(cast(Transport, deletions), Clock())
    for uid in ("m", "n"):
        asyncio.run(reviver.revive(uid, PODS))
    assert deletions.uids == ["1", "2", "1", "2"]
    reviver.forget("m")
    asyncio.run(reviver.revive("m", PODS))
    asyncio.run(reviver.revive("n", PODS))
    assert deletions.uids == ["1", "2"] * 3
