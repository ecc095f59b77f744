"""R4: events that never come, an etcd that has forgotten, and connections that fall silent."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import pytest
from lab.api import ApiLab
from lab.faults import FaultyProxy, faulty_api
from lab.fixtures import a_namespace
from tests.kube.faulty import FaultyTransport
from tests.kube.matrix.chronicle import Name, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import CRASH, Keeper, Series
from tests.kube.matrix.lives import STAGES, Life, Record, reference_of
from tests.kube.matrix.manifests import CLUSTER, NAME, NEW, OLD, STANDALONE, Scenario, milvus
from tests.kube.matrix.sight import WATCHED, Squinting
from tests.kube.operators import TOOL_IMAGE, Bench, install_definitions
from tests.kube.outages import compact, until_served

from glede.kube import manager as managers
from glede.kube.errors import ApiError, error_from
from glede.kube.http import Bounds, HttpTransport
from glede.kube.informer import Pace
from glede.kube.leader import LostLease, Timings
from glede.kube.manager import Manager
from glede.kube.metrics import Metrics
from glede.kube.objects import SERVICE, Key, Object, uid_of
from glede.kube.transport import Transport
from glede.milvus.kinds import MANAGER
from glede.milvus.operator import Options, build
from glede.milvus.render import strategy
from lab import daemons

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
SIDE_BY_SIDE = 20
# Every so many events one never comes.
APART = 20
OFTEN = Pace(watch=(2, 3), relist=(4, 6), first_pause=0.05, longest_pause=0.5)
# From the last loss of a stage to its end: a list is due after at most 9 s, and then the rest of a rollout.
WITHIN_SECONDS = 60.0
SHORT = Pace(watch=(1, 1), first_pause=0.05, longest_pause=0.5)
EACH_TIME = Pace(watch=(2, 2), relist=(0, 0), first_pause=0.05, longest_pause=0.5)
BLIND_SECONDS = 6.0


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new nodes be ready for one second, not 15."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 1, "streamingnode": 1})


@dataclass
class LossyLife(Life):
    """Events number ``at`` of each stage, and every ``each``-th after it, never come."""

    squinting: list[Squinting] = field(default_factory=list)

    @property
    def name(self) -> str:
        lost = self.squinting[-1].sight.lost
        return f"event {self.at} and every {self.each}th after it never came: {lost[-12:]}"

    def _keeper(self, namespace: str) -> Keeper:
        self.squinting.append(Squinting(self.chronicle, namespace, OFTEN))
        return self.squinting[-1]

    def _spoil(self, keeper: Keeper) -> Series:
        sight = self.squinting[-1].sight
        sight.losses = Series(CRASH, self.at, self.each)
        return sight.losses

    async def _stage(self, stage: str, namespace: str, keeper: Keeper) -> None:
        await super()._stage(stage, namespace, keeper)
        late = time.monotonic() - self.squinting[-1].sight.lost_at
        if self.record.struck[stage]:
            assert late < WITHIN_SECONDS, f"{namespace}: {stage}: {late:.0f} s after {self.name}"


async def test_r4_an_event_never_comes(ground: Path, count: Count) -> None:
    """Each event of a life is lost in one of the lives; a list makes up for it."""
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    async with following(ground) as chronicle:
        pair = (STANDALONE, CLUSTER)
        references = await asyncio.gather(*(reference_of(chronicle, scenario) for scenario in pair))

        async def live(scenario: Scenario, at: int) -> Record:
            async with limit:
                reference = references[pair.index(scenario)]
                return await LossyLife(
                    chronicle, scenario, reference, at=at, each=APART, knowing=False
                ).live()

        for scenario in pair:
            records = await asyncio.gather(*(live(scenario, at) for at in range(1, APART + 1)))
            for stage in STAGES:
                struck = set().union(*(record.struck[stage] for record in records))
                made = min(record.writes[stage] for record in records)
                assert struck >= set(range(1, made + 1)), f"{stage}: {sorted(struck)} of {made}"
            count(sum(len(struck) for record in records for struck in record.struck.values()))


@asynccontextmanager
async def operating(
    transport: Transport, namespace: str, pace: Pace
) -> AsyncIterator[tuple[Manager, "asyncio.Task[None]"]]:
    """Run an operator on a namespace, whose lease outlasts what is done to its connections."""
    options = Options(
        namespaces=(namespace,), own_namespace=namespace, host="127.0.0.1", port=0, tool_image=TOOL_IMAGE
    )
    manager = await build(options, transport, Metrics())
    manager._election._timings = Timings(lease=120, renew=100, retry=1)
    for informer in manager._informers:
        informer.pace = pace
    task = asyncio.create_task(manager.run())
    try:
        yield manager, task
    finally:
        manager.stop()
        await task


@pytest.fixture(scope="module")
def own_ground(lab: ApiLab) -> ApiLab:
    """An API server of this module's own: one whose etcd is to forget."""
    asyncio.run(install_definitions(lab.kubeconfig))
    lab.add_fake_nodes(["own-0", "own-1"])
    return lab


_LIGHT = {"inCluster": {"values": {"persistence": {"enabled": False}, "replicaCount": 1}}}
_STORE = {"inCluster": {"values": {"persistence": {"enabled": False}, "mode": "standalone"}}}


def light(**components: object) -> Object:
    """Give the manifest of a standalone without volumes."""
    dependencies = {"etcd": _LIGHT, "storage": _STORE, "msgStreamType": "woodpecker"}
    return {"mode": "standalone", "components": {"image": OLD, **components}, "dependencies": dependencies}


async def disturb(bench: Bench) -> int:
    """Edit the Milvus and delete its Service; gives the manifest's generation."""
    key = Key(bench.namespace, f"{NAME}-milvus")
    await bench.user.delete(SERVICE, key, uid=uid_of(await bench.user.get(SERVICE, key)))
    written = await bench.write(milvus(bench.namespace, light(image=NEW)))
    return int(written["metadata"]["generation"])


async def mended(bench: Bench, generation: int) -> None:
    """Wait until the edit is followed, and the Service there again."""
    end, words = time.monotonic() + 60, "nothing was read"
    while words:
        assert time.monotonic() < end, words
        await asyncio.sleep(0.2)
        try:
            found = await bench.milvus(NAME)
            await bench.user.get(SERVICE, Key(bench.namespace, f"{NAME}-milvus"))
        except ApiError as error:  # the Service is not there, or the API server has just begun anew
            words = str(error)
        else:
            words = settled({Name("milvuses", NAME): found}, NAME, generation)


@dataclass
class Scene:
    """An operator behind a proxy, with a Milvus that is healthy."""

    bench: Bench
    proxy: FaultyProxy
    manager: Manager
    task: "asyncio.Task[None]"

    async def healthz(self) -> tuple[int, str]:
        """Ask as a kubelet does."""
        assert self.manager.server
        url = f"http://127.0.0.1:{self.manager.server.port}/healthz"
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(url)
        return answer.status_code, answer.text

    async def until_health(self, *wanted: str) -> None:
        """Wait until just these watches are told to be blind; of none of them: until all is well."""
        end = time.monotonic() + 40
        while True:
            code, text = await self.healthz()
            told = {line.partition(":")[0] for line in text.splitlines()} - {"ok"}
            if told == {f"watch of {plural}" for plural in wanted} and code == (503 if wanted else 200):
                return
            assert time.monotonic() < end, f"{code}: {text}, expected {wanted or 'ok'}"
            await asyncio.sleep(0.2)


@asynccontextmanager
async def scene(lab: ApiLab, target: Path, pace: Pace) -> AsyncIterator[Scene]:
    """Give an operator behind a proxy, whose watches may be silent for three seconds."""
    bounds = Bounds(request=3.0, silence=3.0)
    with faulty_api(lab.kubeconfig, target) as proxy, a_namespace(lab.client()) as namespace:
        own = HttpTransport.connect(target, manager=MANAGER, bounds=bounds)
        user = HttpTransport.connect(lab.kubeconfig, manager="user")
        try:
            bench = Bench(user, FaultyTransport(own), namespace)
            async with operating(bench.faulty, namespace, pace) as (manager, task):
                await bench.write(milvus(namespace, light()))
                await bench.healthy(NAME)
                yield Scene(bench, proxy, manager, task)
        finally:
            await own.aclose()
            await user.aclose()


async def test_r4_etcd_has_forgotten(
    own_ground: ApiLab, tmp_path: Path, caplog: pytest.LogCaptureFixture, count: Count
) -> None:
    """Cut off while a manifest is edited and a Service deleted; what was is forgotten: 410."""
    async with scene(own_ground, tmp_path / "faulty", replace(SHORT, watch=(60, 60))) as found:
        found.proxy.refuse = True
        found.proxy.cut()
        generation = await disturb(found.bench)
        compact(own_ground)
        daemons.kill(own_ground.places, "kube-apiserver")
        daemons.again(own_ground.places, "kube-apiserver")
        await until_served(found.bench.user, found.bench.namespace)
        found.proxy.refuse = False
        await mended(found.bench, generation)
    gone = [line for line in caplog.messages if "410" in line]
    assert any("milvuses" in line for line in gone), gone
    assert any("services" in line for line in gone), gone
    count(1)


async def test_r4_connections_fall_silent(own_ground: ApiLab, tmp_path: Path, count: Count) -> None:
    """No connection is closed, and nothing comes: another one is opened after a while."""
    async with scene(own_ground, tmp_path / "faulty", SHORT) as found:
        found.proxy.mute()
        generation = await disturb(found.bench)
        await mended(found.bench, generation)
        assert found.proxy.muted, "nothing was silent"
    count(1)


async def test_r4_the_health_tells_which_watch_is_blind(
    own_ground: ApiLab, tmp_path: Path, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managers, "WATCH_SECONDS", BLIND_SECONDS)

    async def blind(plural: str) -> None:
        async with scene(own_ground, tmp_path / plural, EACH_TIME) as found:
            await found.until_health()
            fails = error_from(503)
            faults = [
                found.bench.faulty.inject(verb=verb, plural=plural, error=fails, times=10**6, applied=late)
                for verb, late in (("list", False), ("watch", False))
            ]
            await found.until_health(plural)
            generation = await disturb(found.bench)
            for fault in faults:
                fault.times = 0
            await mended(found.bench, generation)
            await found.until_health()
            count(1)

    await asyncio.gather(*(blind(plural) for plural in WATCHED))


async def test_r4_a_process_that_reaches_nothing_ends(
    own_ground: ApiLab, tmp_path: Path, count: Count
) -> None:
    """It has lost its lease, whatever it still believes: another one may lead by now."""
    ended: list[BaseException] = []
    try:
        async with scene(own_ground, tmp_path / "faulty", SHORT) as found:
            found.manager._election._timings = Timings(lease=6, renew=4, retry=1)
            found.proxy.silent = True
            await asyncio.sleep(8)
            assert found.task.done(), "it still runs"
            found.proxy.silent = False
    except* LostLease as group:
        ended += group.exceptions
    assert ended, "it did not say why"
    count(1)
