"""A move that ends after any of its writes is gone on with when it is run again."""

import asyncio
from typing import Any, cast

import pytest
from lab.api import ApiLab
from tests.compat.scene import PLAIN, Scene, scene
from tests.compat.witness import watching
from tests.kube.faulty import Crash, FaultyTransport

from glede.cli.adopting import carry_out
from glede.cli.cluster import MANAGER, Cluster
from glede.cli.surroundings import found_of
from glede.kube.http import HttpTransport
from glede.kube.objects import Key
from glede.milvus.takeover import move_of

pytestmark = pytest.mark.timeout(300)


async def steps(found: Scene) -> int:
    """Run the command so that it dies with the answer to its first write, until nothing is left to do."""
    own = HttpTransport.connect(found.lab.kubeconfig, manager=MANAGER)
    deaths = 0
    try:
        while True:
            faulty = FaultyTransport(own)
            faulty.crash_after(1)
            cluster = Cluster(cast(Any, None), cast(Any, faulty), found.namespace)
            move = move_of(await found_of(cluster, Key(found.namespace, found.theirs.name)))
            assert not move.refusals, (deaths, move.refusals)
            if not move.needed:
                return deaths
            with pytest.raises(Crash):
                await carry_out(cluster, move, 60)
            deaths += 1
            assert deaths < 60
    finally:
        await own.aclose()


def test_each_of_its_writes_may_be_the_last(ground: ApiLab) -> None:
    async def run() -> None:
        async with scene(ground, **PLAIN) as found, watching(found.user, found.namespace, "kite") as witness:
            witness.begin(frozenset({"mixcoord"}))
            deaths = await steps(found)
            done = await found.adopt()
            assert (done.code, done.err) == (0, ""), done
            # Two idle Deployments, a rename of two writes, seven objects, seven pods, and the Milvus itself.
            assert deaths >= 17
            assert not witness.wrong, witness.wrong
            assert set(witness.gaps) <= {"mixcoord"}

    asyncio.run(run())
