"""A leader that wakes from a stall writes nothing any more (rule 8 of the runtime)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube.electors import Replicas, stopped
from tests.kube.faulty import FaultyTransport
from tests.kube.live import config_map, connected, eventually

from glede.kube.errors import Unavailable
from glede.kube.fence import Fenced
from glede.kube.leader import LeaderElection
from glede.kube.objects import CONFIG_MAP, Key, Object, key_of, uid_of
from glede.kube.transport import Selection, Transport

Write = Callable[[Transport, Object], Awaitable[object]]
WRITES: dict[str, Write] = {
    "apply": lambda fenced, obj: fenced.apply(CONFIG_MAP, key_of(obj), obj),
    "create": lambda fenced, obj: fenced.create(CONFIG_MAP, obj),
    "update": lambda fenced, obj: fenced.replace(CONFIG_MAP, key_of(obj), obj),
    "patch": lambda fenced, obj: fenced.patch(CONFIG_MAP, key_of(obj), {"data": {"a": "2"}}),
    "delete": lambda fenced, obj: fenced.delete(CONFIG_MAP, key_of(obj), uid=uid_of(obj)),
}


@pytest.mark.parametrize("verb", WRITES)
def test_rule_8_nothing_is_written_without_the_lease(api: ApiLab, kube: Client, verb: str) -> None:
    async def run() -> None:
        async with connected(api.kubeconfig) as transport:
            real = FaultyTransport(transport)
            leading = verb != "create"
            fenced = Fenced(real, lambda: leading)
            obj = config_map(kube.namespace)
            made = await fenced.create(CONFIG_MAP, obj) if leading else obj
            leading, sent = False, len(real.requests)
            with pytest.raises(Unavailable, match=f"{verb} ConfigMap .* not renewed in time"):
                await WRITES[verb](fenced, made)
            assert len(real.requests) == sent
            listed = await fenced.list(CONFIG_MAP, Selection(kube.namespace))
            there = [item["data"] for item in listed.items if key_of(item) == key_of(obj)]
            assert there == ([{"a": "1"}] if verb != "create" else [])

    asyncio.run(run())


def test_rule_8_a_leader_knows_by_its_own_clock_that_it_slept_too_long(api: ApiLab, kube: Client) -> None:
    async def run() -> None:
        slept = 0.0
        async with connected(api.kubeconfig) as transport:
            key, replicas = Key(kube.namespace, "election"), Replicas()
            election = LeaderElection(transport, key, "one", clock=lambda: time.monotonic() + slept)
            assert not election.holds
            task = asyncio.create_task(election.run(replicas.body("one")))
            await eventually(lambda: replicas.leading == ["one"])
            assert election.holds
            slept = 11.0
            assert not election.holds
            slept = 0.0
            assert election.holds
            await stopped(task)
            assert not election.holds, "it gave the lease up"

    asyncio.run(run())
