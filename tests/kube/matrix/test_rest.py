"""R6: where nothing is to be done, nothing is written."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kube.matrix.chronicle import following
from tests.kube.matrix.manifests import NAME
from tests.kube.matrix.rest import CLUSTER_NAME, QUIET_SECONDS, Rest, at_rest

from glede.kube.objects import EVENT, LEASE, Key
from glede.kube.transport import Selection

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

PASSES = 5


def nudge(rest: Rest) -> None:
    """Have both Milvuses reconciled, though nothing has changed."""
    assert rest.keeper.manager
    for controller in rest.keeper.manager._controllers:
        for name in (NAME, CLUSTER_NAME):
            controller.queue.add(Key(rest.namespace, name), urgent=True)


async def events(rest: Rest) -> dict[str, int]:
    page = await rest.chronicle.user.list(EVENT, Selection(rest.namespace))
    ours = (item for item in page.items if item["involvedObject"]["kind"] == "Milvus")
    return {f"{item['reason']}: {item['message']}": item.get("count", 1) for item in ours}


def written(rest: Rest) -> list[str]:
    return [str(one) for one in rest.keeper.transport.writes if one.plural != LEASE.plural]


async def test_r6_at_rest_nothing_is_written(ground: Path, count: Callable[[int], None]) -> None:
    async with following(ground) as chronicle, at_rest(chronicle) as rest:
        before, versions, told = written(rest), rest.versions(), await events(rest)
        assert versions
        for _ in range(PASSES):
            nudge(rest)
            await asyncio.sleep(QUIET_SECONDS / PASSES)
        assert written(rest) == before, "passes over what is as it should be wrote something"
        assert rest.versions() == versions
        assert await events(rest) == told
        assert max(told.values(), default=0) <= 1, f"told again and again: {told}"
        await rest.keeper.restart()
        await asyncio.sleep(QUIET_SECONDS)
        nudge(rest)
        await asyncio.sleep(QUIET_SECONDS)
        assert rest.keeper.transport.requests, "the new operator did not look"
        assert written(rest) == [], "a restart wrote something"
        assert rest.versions() == versions
        assert await events(rest) == told
        count(2 * len(versions))
