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
from glede.kube.objects import DEPLOYMENT, Key, key_of
from glede.milvus.kinds import MILVUS
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


async def keeps_what_runs_though_the_edit_is_taken_back(found: Scene) -> None:
    """Somebody applies the manifest of before: the data are still where Helm put them."""
    before = await made(found)
    key = Key(found.namespace, found.theirs.name)
    await found.user.patch(MILVUS, key, {"spec": {"dependencies": {"storage": {"external": False}}}})

    async def told() -> bool:
        conditions = (await found.milvus())["status"]["conditions"]
        failed = [c["message"] for c in conditions if c["reason"] == "ApplyFailed"]
        return bool(failed) and "Service kite-minio" in failed[0]

    await found.until("the operator says that the name is taken", told)
    assert await made(found) == before


async def made(found: Scene) -> dict[tuple[str, str], str]:
    """Give the versions of the settings, and the generations of what runs."""
    versions = await found.versions()
    config_maps = {name: version for name, version in versions.items() if name[0] == "ConfigMap"}
    deployments = await found.all(DEPLOYMENT)
    return config_maps | {
        ("Deployment", key_of(item).name): str(item["metadata"]["generation"]) for item in deployments
    }


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
            await keeps_what_runs_though_the_edit_is_taken_back(found)

    asyncio.run(run())
