"""Leader election on a real API server (rule 8 of the runtime)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube.electors import Replicas, stopped
from tests.kube.faulty import FaultyTransport
from tests.kube.live import connected, eventually

from glede.kube.errors import Conflict, error_from
from glede.kube.leader import LeaderElection, LostLease, Timings
from glede.kube.objects import LEASE, Key

# So long that a hand-over by expiry would end a test by its time-out.
SLOW = Timings(lease=600, renew=400, retry=0.2)
QUICK = Timings(lease=3, renew=2, retry=0.2)


def on_an_api_server(
    api: ApiLab,
    kube: Client,
    body: Callable[[Replicas, FaultyTransport, FaultyTransport, Key], Awaitable[None]],
) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), connected(api.kubeconfig) as one, connected(api.kubeconfig) as two:
            key = Key(kube.namespace, "election")
            await body(Replicas(), FaultyTransport(one), FaultyTransport(two), key)

    asyncio.run(run())


def test_rule_8_one_leads_and_hands_over_when_stopped(api: ApiLab, kube: Client) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        first = replicas.start("one", one, key, SLOW)
        await eventually(lambda: replicas.leading == ["one"])
        second = replicas.start("two", two, key, SLOW)
        await eventually(lambda: len(two.requests) >= 3)
        assert replicas.leading == ["one"]
        held = await one.get(LEASE, key)
        await stopped(first)
        await eventually(lambda: replicas.leading == ["two"])
        taken = await one.get(LEASE, key)
        assert (held["spec"]["holderIdentity"], held["spec"]["leaseTransitions"]) == ("one", 0)
        assert (taken["spec"]["holderIdentity"], taken["spec"]["leaseTransitions"]) == ("two", 1)
        assert held["spec"]["leaseDurationSeconds"] == taken["spec"]["leaseDurationSeconds"] == 600
        await stopped(second)
        assert "holderIdentity" not in (await one.get(LEASE, key))["spec"]

    on_an_api_server(api, kube, body)


@pytest.mark.parametrize("silence", [0.0, 100.0], ids=["refused", "silent"])
def test_rule_8_a_replica_that_is_cut_off_stops_before_another_leads(
    api: ApiLab, kube: Client, silence: float
) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        first = replicas.start("one", one, key, QUICK)
        await eventually(lambda: replicas.leading == ["one"])
        second = replicas.start("two", two, key, QUICK)
        one.inject(plural="leases", delay=silence, error=error_from(0), times=10**6)
        with pytest.raises(LostLease, match="not renewed for 2 s"):
            await first
        await eventually(lambda: replicas.leading == ["two"])
        await stopped(second)

    on_an_api_server(api, kube, body)


def test_rule_8_a_short_outage_loses_nothing(api: ApiLab, kube: Client) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, _two: FaultyTransport, key: Key) -> None:
        timings = Timings(lease=30, renew=20, retry=0.1)
        task = replicas.start("one", one, key, timings)
        await eventually(lambda: replicas.leading == ["one"])
        refused = one.inject(verb="update", error=error_from(500), times=2)
        lost = one.inject(verb="update", error=error_from(0), applied=True, times=2)
        await eventually(lambda: refused.times == lost.times == 0)
        done = len(one.writes)
        await eventually(lambda: len(one.writes) > done + 3)
        assert replicas.ever == replicas.leading == ["one"]
        await stopped(task)

    on_an_api_server(api, kube, body)


def test_rule_8_a_lease_that_another_took_is_lost_at_once(api: ApiLab, kube: Client) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        task = replicas.start("one", one, key, SLOW)
        await eventually(lambda: replicas.leading == ["one"])
        lease = await two.get(LEASE, key)
        lease["spec"]["holderIdentity"] = "thief"
        # The holder may have renewed in between.
        for _ in range(20):
            try:
                await two.replace(LEASE, key, lease)
            except Conflict:
                lease["metadata"] = (await two.get(LEASE, key))["metadata"]
            else:
                break
        with pytest.raises(LostLease, match="thief holds it now"):
            await task
        assert (await two.get(LEASE, key))["spec"]["holderIdentity"] == "thief"

    on_an_api_server(api, kube, body)


def test_what_the_leader_raises_ends_the_election_and_frees_the_lease(api: ApiLab, kube: Client) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        async def broken() -> None:
            raise RuntimeError("no wings")

        with pytest.raises(RuntimeError, match="no wings"):
            await LeaderElection(one, key, "one", timings=SLOW).run(broken)
        second = replicas.start("two", two, key, SLOW)
        await eventually(lambda: replicas.leading == ["two"])
        await stopped(second)

    on_an_api_server(api, kube, body)


def test_what_does_not_stop_keeps_the_lease_from_being_released(api: ApiLab, kube: Client) -> None:
    async def body(_: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        let_go = asyncio.Event()

        async def stubborn() -> None:
            while not let_go.is_set():
                try:
                    await let_go.wait()
                except asyncio.CancelledError:
                    continue

        task = asyncio.create_task(LeaderElection(one, key, "one", timings=QUICK).run(stubborn))
        await eventually(lambda: len(one.writes) > 2)
        one.inject(verb="update", error=error_from(0), times=10**6)
        with pytest.raises(LostLease):
            await task
        assert (await two.get(LEASE, key))["spec"]["holderIdentity"] == "one"
        let_go.set()

    on_an_api_server(api, kube, body)


def test_a_release_that_meets_another_write_is_tried_again(api: ApiLab, kube: Client) -> None:
    async def body(replicas: Replicas, one: FaultyTransport, two: FaultyTransport, key: Key) -> None:
        # No renewal comes between: the next write is the release.
        task = replicas.start("one", one, key, Timings(lease=600, renew=400, retry=100))
        await eventually(lambda: replicas.leading == ["one"])
        refused = one.inject(verb="update", error=error_from(409))
        await stopped(task)
        assert refused.times == 0
        assert "holderIdentity" not in (await two.get(LEASE, key))["spec"]

    on_an_api_server(api, kube, body)


@pytest.mark.parametrize(("lease", "renew", "retry"), [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
def test_timings_that_cannot_be_safe_are_refused(lease: float, renew: float, retry: float) -> None:
    with pytest.raises(ValueError, match="lease > renew > retry > 0"):
        Timings(lease, renew, retry)
