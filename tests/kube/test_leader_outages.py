"""Leader election under random outages, in virtual time (rule 8 of the runtime): minutes take no time."""

import asyncio
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kube.electors import Leases, Link, Outage, Replicas, VirtualLoop, stopped

from glede.kube.leader import LeaderElection, LostLease
from glede.kube.objects import Key
from glede.kube.transport import Transport

KEY = Key("kites", "glede")

OUTAGES = st.lists(
    st.tuples(
        st.floats(0, 120),
        st.floats(0, 40),
        st.sampled_from([0.01, 2, 6, 30]),
        st.sampled_from([0.01, 2, 6, 30]),
    ),
    max_size=4,
)
STOPS = st.lists(st.floats(1, 120), max_size=3).map(sorted)
QUIET_FROM = 160.0


async def replica(name: str, replicas: Replicas, link: Link, stops: list[float], stopping: float) -> None:
    """Run a process that is started again when it has ended, as a pod is."""
    loop = asyncio.get_running_loop()
    for life in range(1000):
        transport = cast(Transport, link)
        identity = f"{name}-{life}"
        election = LeaderElection(transport, KEY, identity, clock=loop.time)
        task = asyncio.create_task(election.run(replicas.body(identity, stopping)))
        due = next((at for at in stops if at > loop.time()), None)
        try:
            await asyncio.wait({task}, timeout=None if due is None else due - loop.time())
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            assert isinstance(task.exception(), LostLease), task.exception()
        await asyncio.sleep(1)


@given(
    outages=st.tuples(OUTAGES, OUTAGES), stops=st.tuples(STOPS, STOPS), stopping=st.sampled_from([0, 1, 4.9])
)
@settings(max_examples=100)
def test_rule_8_two_electors_never_both_lead(
    outages: tuple[list[Outage], list[Outage]], stops: tuple[list[float], list[float]], stopping: float
) -> None:
    async def run() -> None:
        leases, replicas = Leases(), Replicas()
        tasks = [
            asyncio.create_task(replica(name, replicas, Link(leases, faults), ends, stopping))
            for name, faults, ends in zip(("a", "b"), outages, stops, strict=True)
        ]
        # By then what was under way has arrived, and a lease that a dead process took is expired.
        await asyncio.wait(tasks, timeout=QUIET_FROM + 60, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            assert not task.done(), task.exception()
        assert len(replicas.leading) == 1
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.sleep(100)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


@given(
    stop=st.floats(4, 12),
    there=st.floats(0.01, 1),
    back=st.floats(0.01, 1),
    stopping=st.sampled_from([0.0, 40.0]),
)
@settings(max_examples=60)
def test_rule_8_a_stop_at_any_moment_frees_the_lease_when_work_has_ended(
    stop: float, there: float, back: float, stopping: float
) -> None:
    async def run() -> None:
        loop, leases, replicas = asyncio.get_running_loop(), Leases(), Replicas()
        slow = cast(Transport, Link(leases, [(0, 100, there, back)]))
        first = LeaderElection(slow, KEY, "first", clock=loop.time)
        leading = asyncio.create_task(first.run(replicas.body("first", stopping)))
        await asyncio.sleep(stop)
        assert replicas.leading == ["first"]
        second = LeaderElection(cast(Transport, Link(leases, [])), KEY, "second", clock=loop.time)
        waiting = asyncio.create_task(second.run(replicas.body("second")))
        await stopped(leading, stopping + 10)
        # Two retry periods, where expiry would take fifteen seconds.
        await asyncio.sleep(4)
        assert replicas.leading == ["second"]
        await stopped(waiting)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())
