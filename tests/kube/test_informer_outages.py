"""The informer comes back from whatever happens on the way, and does not hurry."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.api import ApiLab
from lab.faults import faulty_api
from lightkube import Client
from tests.kube.faulty import FaultyTransport
from tests.kube.live import QUICK, connected, eventually, running
from tests.kube.outages import compact, until_served
from tests.kube.watched import Scripted, Watched, data_of, put, remove, truth, versioned

from glede.kube.errors import NotFound, error_from
from glede.kube.http import Bounds, HttpTransport
from glede.kube.informer import Informer, Pace
from glede.kube.objects import CONFIG_MAP
from glede.kube.transport import Page, Selection, Transport, WatchEvent
from lab import daemons

pytestmark = pytest.mark.anyio


async def test_rule_2_a_list_follows_when_etcd_has_forgotten(
    api: ApiLab, transport: HttpTransport, kube: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut off while objects change and go; the API server starts anew on an etcd that was compacted."""
    space = kube.namespace
    for number in range(3):
        await put(transport, space, f"m-{number}", a="1")
    with faulty_api(api.kubeconfig, tmp_path / "faulty") as proxy:
        async with connected(tmp_path / "faulty") as through:
            watched = Watched(through, space)
            async with running(watched.informer):
                proxy.refuse = True
                proxy.cut()
                await remove(transport, space, "m-1")
                await put(transport, space, "m-2", a="2")
                compact(api)
                daemons.kill(api.places, "kube-apiserver")
                daemons.again(api.places, "kube-apiserver")
                await until_served(transport, space)
                assert watched.now() == {f"m-{number}": {"a": "1"} for number in range(3)}
                proxy.refuse = False

                await eventually(lambda: watched.now() == {"m-0": {"a": "1"}, "m-2": {"a": "2"}}, 60)
    assert any("410 Expired" in line or "410 Gone" in line for line in caplog.messages)


async def test_rule_2_a_half_open_connection_is_left(
    api: ApiLab, transport: HttpTransport, kube: Client, tmp_path: Path
) -> None:
    """Nothing is refused and nothing arrives, as after a firewall forgot a connection."""
    bounds = Bounds(request=3.0, silence=1.0)
    space = kube.namespace
    with faulty_api(api.kubeconfig, tmp_path / "faulty") as proxy:
        async with connected(tmp_path / "faulty", bounds=bounds) as through:
            watched = Watched(through, space)
            async with running(watched.informer):
                proxy.silent = True
                await put(transport, space, "missed", a="1")
                blind = watched.informer.age()
                await eventually(lambda: watched.informer.age() > blind + 2.0)
                assert watched.now() == {}
                proxy.cut()  # what was under way is lost for good
                proxy.silent = False

                await eventually(lambda: watched.now() == {"missed": {"a": "1"}}, 60)


async def asks(script: Scripted, count: int, pace: Pace = QUICK) -> tuple[Watched, list[str]]:
    """Run an informer until it has asked so often."""
    watched = Watched(script, "a", pace)
    async with running(watched.informer):
        await eventually(lambda: len(script.asked) >= count)
    return watched, script.asked[:count]


async def test_rule_2_an_error_on_the_watch_leads_to_a_list(caplog: pytest.LogCaptureFixture) -> None:
    script = Scripted()
    script.pages.append(Page([versioned("x", 5)], "7"))
    status = {"kind": "Status", "code": 500, "reason": "InternalError", "message": "etcd"}
    script.watches.append([WatchEvent("BOOKMARK", versioned("", 9)), WatchEvent("ERROR", status)])

    _, asked = await asks(script, 4)

    assert asked == ["list", "watch 7", "list", "watch 7"]
    assert any("500 InternalError: etcd" in line for line in caplog.messages)


async def test_rule_2_a_watch_that_is_refused_for_its_version_leads_to_a_list() -> None:
    script = Scripted()
    script.pages.append(Page([], "7"))
    script.watches.extend([[error_from(503)], [error_from(410)]])

    _, asked = await asks(script, 5)

    assert asked == ["list", "watch 7", "watch 7", "list", "watch 7"]


async def test_rule_2_a_watch_goes_on_from_the_last_bookmark() -> None:
    script = Scripted()
    script.pages.append(Page([], "7"))
    script.watches.append([WatchEvent("ADDED", versioned("x", 8)), WatchEvent("BOOKMARK", versioned("", 20))])

    watched, asked = await asks(script, 3)

    assert asked == ["list", "watch 7", "watch 20"]
    assert watched.told == [("ADDED", "x", None, {})]


async def test_rule_2_never_a_tight_loop() -> None:
    """Watches that end well but at once: each pause is at least half of what it should be."""
    script = Scripted()
    script.pages.append(Page([], "7"))
    watched = Watched(script, "a", replace(QUICK, first_pause=0.2, longest_pause=60))
    async with running(watched.informer):
        await asyncio.sleep(0.7)  # pauses of at least 0.1, 0.2, 0.4
    assert 1 <= len(script.asked) - 1 <= 4


@given(st.integers(0, 10_000), st.integers(0))
def test_rule_2_pauses_grow_up_to_a_bound(failed: int, seed: int) -> None:
    informer = Informer(Scripted(), CONFIG_MAP, Selection(), data_of, random=random.Random(seed))  # noqa: S311
    longest = min(30.0, 0.5 * 2.0 ** min(max(failed - 1, 0), 100))
    assert longest / 2 <= informer._pause(failed) <= longest


async def test_rule_2_errors_are_waited_out(transport: HttpTransport, kube: Client) -> None:
    faulty = FaultyTransport(transport)
    space = kube.namespace
    for status in (0, 403, 410, 429, 500):
        faulty.inject(verb="list", error=error_from(status))
        faulty.inject(verb="watch", error=error_from(status))
    watched = Watched(faulty, space)
    async with running(watched.informer):
        await put(transport, space, "late", a="1")
        await eventually(lambda: watched.now() == {"late": {"a": "1"}})


@pytest.mark.parametrize("event", ["ADDED", "MODIFIED", "DELETED"])
async def test_an_event_that_never_came_is_made_up_for(
    transport: HttpTransport, kube: Client, event: str
) -> None:
    """Each watch ends after a second here, and a list is due each time."""
    faulty = FaultyTransport(transport)
    space = kube.namespace
    await put(transport, space, "old", a="1")
    watched = Watched(faulty, space, replace(QUICK, watch=(1, 1), relist=(0, 0)))
    async with running(watched.informer):
        dropped = faulty.drop(plural="configmaps", event=event)
        await put(transport, space, "new", a="1")
        await put(transport, space, "old", a="2")
        await remove(transport, space, "old")
        await eventually(lambda: dropped.times == 0)
        await eventually(lambda: watched.now() == {"new": {"a": "1"}}, 60)


async def test_a_cluster_restored_from_a_backup_is_believed() -> None:
    """Its versions begin anew from the backup's; what came after that never happened."""
    script = Scripted()
    script.pages.append(Page([versioned("x", 90, a="new"), versioned("y", 95, a="new")], "100"))
    script.pages.append(error_from(503))
    script.pages.append(Page([versioned("x", 40, a="old")], "50"))
    script.watches.append([WatchEvent("ERROR", {"code": 410})])

    watched, _ = await asks(script, 5)

    assert watched.now() == {"x": {"a": "old"}}


async def step(
    script: random.Random, transport: Transport, faulty: FaultyTransport, watched: Watched
) -> None:
    """Do one of all that may happen: a change, an own write, a fault."""
    name = f"m-{script.randrange(6)}"
    action = script.choice(["put", "put", "own", "remove", "fail", "break", "hold", "release"])
    if action in ("put", "own"):
        answer = await put(transport, watched.namespace, name, a=str(script.randrange(3)))
        if action == "own":
            watched.informer.saw(answer)
    elif action == "remove":
        try:
            await remove(transport, watched.namespace, name)
        except NotFound:
            return
    elif action == "fail":
        verb, status = script.choice(["list", "watch"]), script.choice([0, 410, 429, 500])
        faulty.inject(verb=verb, error=error_from(status))
    elif action == "break":
        faulty.inject(verb="watch", error=error_from(script.choice([0, 410])), applied=True)
    else:
        getattr(faulty, action)("configmaps")


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_changes_and_faults_the_view_is_true(
    transport: HttpTransport, kube: Client, seed: int
) -> None:
    script = random.Random(seed)  # noqa: S311
    faulty = FaultyTransport(transport)
    watched = Watched(faulty, kube.namespace)
    async with running(watched.informer):
        for _ in range(40):
            await step(script, transport, faulty, watched)
            await asyncio.sleep(script.choice([0, 0, 0.02]))
            watched.now()
        faulty.release("configmaps")
        found = await truth(transport, kube.namespace)
        await eventually(lambda: watched.now() == found, 60)
