"""The faults that other tests rely on are those they ask for."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube.faulty import Crash, FaultyTransport, Request
from tests.kube.live import config_map, connected

from glede.kube.errors import Conflict, NotFound, Unavailable, error_from
from glede.kube.objects import CONFIG_MAP, Key, key_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def faulty(api: ApiLab) -> AsyncIterator[FaultyTransport]:
    async with connected(api.kubeconfig) as found:
        yield FaultyTransport(found)


async def test_a_refused_write_is_not_done_and_a_lost_answer_is(
    faulty: FaultyTransport, kube: Client
) -> None:
    obj = config_map(kube.namespace)
    key = key_of(obj)
    faulty.inject(verb="apply", plural="configmaps", error=error_from(409))
    faulty.inject(verb="apply", name=key.name, error=error_from(0), applied=True)
    faulty.inject(verb="apply", name="another", error=error_from(500))

    with pytest.raises(Conflict):
        await faulty.apply(CONFIG_MAP, key, obj)
    with pytest.raises(NotFound):
        await faulty.get(CONFIG_MAP, key)
    with pytest.raises(Unavailable):
        await faulty.apply(CONFIG_MAP, key, obj)
    assert (await faulty.get(CONFIG_MAP, key))["data"] == obj["data"]
    await faulty.apply(CONFIG_MAP, key, obj)

    assert faulty.writes == [Request("apply", "configmaps", key)] * 2


async def test_a_crash_ends_everything(faulty: FaultyTransport, kube: Client) -> None:
    names = [Key(kube.namespace, f"m-{number}") for number in range(3)]
    faulty.crash_after(2)
    done: list[Key] = []

    async def work() -> None:
        for key in names:
            try:
                await faulty.apply(CONFIG_MAP, key, config_map(*key))
            except Exception:  # noqa: S112 - as careless as code can be
                continue
            done.append(key)

    with pytest.raises(Crash):
        await asyncio.create_task(work())
    with pytest.raises(Crash):
        await faulty.get(CONFIG_MAP, names[0])
    assert done == names[:1]
    assert [request.key for request in faulty.writes] == names[:2]

    again = FaultyTransport(faulty._inner)
    assert (await again.get(CONFIG_MAP, names[1]))["data"]
    with pytest.raises(NotFound):
        await again.get(CONFIG_MAP, names[2])
    again.crash_after(0)
    with pytest.raises(Crash):
        await again.get(CONFIG_MAP, names[1])
