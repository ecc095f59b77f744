"""The informer's view is the API server's: by lists, by watches and by own writes."""

import asyncio
from dataclasses import replace

import pytest
from lightkube import Client
from tests.kube.faulty import FaultyTransport
from tests.kube.live import QUICK, config_map, eventually, running
from tests.kube.watched import (
    ONE_FLOCK,
    Data,
    Scripted,
    Watched,
    data_of,
    put,
    remove,
    truth,
    versioned,
)

from glede.kube.errors import NotFound, error_from
from glede.kube.http import HttpTransport
from glede.kube.informer import Informer
from glede.kube.objects import CONFIG_MAP, SERVICE_ACCOUNT, Key, Object, key_of, uid_of
from glede.kube.transport import Selection

pytestmark = pytest.mark.anyio


async def test_rule_1_list_in_pages_replaced_by_diff(transport: HttpTransport, kube: Client) -> None:
    """While the watch is dead: one is added, one changed, one deleted, one replaced by its namesake."""
    faulty = FaultyTransport(transport)
    space = kube.namespace
    for number in range(8):
        await put(transport, space, f"m-{number}", a="1")
    watched = Watched(faulty, space)
    faulty.hold("configmaps")
    faulty.drop(plural="configmaps", event="MODIFIED")
    faulty.inject(verb="watch", error=error_from(410), applied=True)
    async with running(watched.informer):
        assert [one[:2] for one in watched.told] == [("SYNC", f"m-{number}") for number in range(8)]
        assert len([one for one in faulty.requests if one.verb == "list"]) == 3
        watched.told.clear()

        await put(transport, space, "m-1", a="2")
        await put(transport, space, "m-8", a="1")
        await remove(transport, space, "m-2")
        await remove(transport, space, "m-3")
        await put(transport, space, "m-3", a="1")
        faulty.release("configmaps")
        await eventually(lambda: len(watched.told) >= 5)

        assert watched.now() == await truth(transport, space)
    assert sorted(watched.told) == [
        ("ADDED", "m-3", None, {"a": "1"}),
        ("ADDED", "m-8", None, {"a": "1"}),
        ("DELETED", "m-2", {"a": "1"}, None),
        ("DELETED", "m-3", {"a": "1"}, None),
        ("MODIFIED", "m-1", {"a": "1"}, {"a": "2"}),
    ]


async def test_rule_1_a_list_does_not_undo_an_own_write_that_it_missed(
    transport: HttpTransport, kube: Client
) -> None:
    """The list shows the moment of its first page; the write comes between two pages."""
    faulty = FaultyTransport(transport)
    space = kube.namespace
    for number in range(5):
        await put(transport, space, f"m-{number}", a="1")
    watched = Watched(faulty, space)
    faulty.inject(verb="list")
    slow = faulty.inject(verb="list", delay=1.0)
    task = asyncio.create_task(watched.informer.run())
    await eventually(lambda: slow.times == 0)
    watched.informer.saw(await put(transport, space, "own", a="1"))
    watched.informer.saw(await put(transport, space, "m-4", a="2"))
    faulty.hold("configmaps")
    await watched.informer.synced.wait()

    assert watched.now()["own"] == {"a": "1"}
    assert watched.now()["m-4"] == {"a": "2"}
    task.cancel()
    assert "DELETED" not in {one[0] for one in watched.told}


async def test_rule_3_age_grows_when_blind(transport: HttpTransport, kube: Client) -> None:
    time = 100.0
    faulty = FaultyTransport(transport)
    watched = Watched(faulty, kube.namespace, clock=lambda: time)
    time = 130.0
    assert watched.informer.age() == 30.0
    async with running(watched.informer):
        assert watched.informer.age() == 0.0
        faulty.hold("configmaps")
        await put(transport, kube.namespace, "unseen", a="1")
        time = 400.0
        await asyncio.sleep(0.2)
        assert (watched.informer.age(), watched.now()) == (270.0, {})

        faulty.release("configmaps")
        await eventually(lambda: bool(watched.now()))
        assert watched.informer.age() == 0.0


async def test_rule_3_a_handler_that_fails_ends_the_informer(transport: HttpTransport, kube: Client) -> None:
    await put(transport, kube.namespace, "any", a="1")
    watched = Watched(transport, kube.namespace)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    watched.informer.add_handler(broken)
    with pytest.raises(ZeroDivisionError):
        await watched.informer.run()


async def test_rule_5_own_writes_are_visible_at_once(transport: HttpTransport, kube: Client) -> None:
    """The watch lags behind: neither own writes nor an own deletion are undone by what it brings later."""
    faulty = FaultyTransport(transport)
    space = kube.namespace
    watched = Watched(faulty, space)
    async with running(watched.informer):
        faulty.hold("configmaps")
        for number in "123":
            watched.informer.saw(await put(transport, space, "own", a=number))
        second = await put(transport, space, "brief", a="1")
        watched.informer.saw(second)
        await transport.delete(CONFIG_MAP, key_of(second), uid=uid_of(second))
        with pytest.raises(NotFound):
            await transport.delete(CONFIG_MAP, key_of(second), uid=uid_of(second))
        watched.informer.gone(key_of(second), "another")
        assert watched.now() == {"own": {"a": "3"}, "brief": {"a": "1"}}
        watched.informer.gone(key_of(second), uid_of(second))
        assert watched.now() == {"own": {"a": "3"}}

        faulty.release("configmaps")
        await put(transport, space, "last", a="1")
        await eventually(lambda: "last" in watched.view)
        assert watched.now() == {"own": {"a": "3"}, "last": {"a": "1"}}
    own = [new for _, name, _, new in watched.told if name == "own"]
    assert own == [{"a": "1"}, {"a": "2"}, {"a": "3"}]


async def test_rule_5_answers_from_elsewhere_are_not_taken_in(transport: HttpTransport, kube: Client) -> None:
    watched = Watched(transport, kube.namespace)
    watched.informer.saw(config_map("elsewhere", "x"))
    assert watched.now() == {}


async def test_rule_5_answers_are_cut_to_what_the_watch_brings() -> None:
    informer = Informer(Scripted(), CONFIG_MAP, Selection(metadata_only=True), lambda obj: obj)
    obj = versioned("x", 1, password="geheim")
    obj["metadata"]["managedFields"] = [{"manager": "m"}]

    informer.saw(obj)

    assert informer.store.get(Key("a", "x")) == {"metadata": versioned("x", 1)["metadata"]}
    assert obj["metadata"]["managedFields"], "the caller's own object stays whole"


async def test_an_object_that_cannot_be_read_stops_nothing(
    transport: HttpTransport, kube: Client, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = FaultyTransport(transport)
    space = kube.namespace

    def strict(obj: Object) -> Data:
        if obj["data"].get("bad"):
            raise ValueError(obj["data"]["bad"])
        return data_of(obj)

    watched = Watched(faulty, space, replace(QUICK, watch=(1, 1), relist=(0, 0)))
    watched.informer._project = strict
    await put(transport, space, "good", a="1")
    await put(transport, space, "bad", bad="geheim")
    async with running(watched.informer):
        assert watched.now() == {"good": {"a": "1"}}
        await put(transport, space, "good", bad="geheim")
        await put(transport, space, "later", a="1")
        await eventually(lambda: "later" in watched.view)
        lists = len([one for one in faulty.requests if one.verb == "list"])
        await eventually(lambda: len([one for one in faulty.requests if one.verb == "list"]) > lists + 1)

        assert watched.now() == {"good": {"a": "1"}, "later": {"a": "1"}}, "what was read last is kept"
        assert watched.informer.failures >= 2
        await remove(transport, space, "good")
        await eventually(lambda: watched.now() == {"later": {"a": "1"}})
    assert f"ConfigMap {space}/bad: cannot be read (ValueError)" in caplog.messages
    assert "geheim" not in caplog.text


async def test_managed_fields_are_seen_but_not_kept(transport: HttpTransport, kube: Client) -> None:
    seen: list[str] = []

    def whole(obj: Object) -> Object:
        seen.extend(field["manager"] for field in obj["metadata"]["managedFields"])
        return obj

    await put(transport, kube.namespace, "x", a="1")
    informer = Informer(transport, CONFIG_MAP, Selection(kube.namespace, ONE_FLOCK), whole)
    async with running(informer):
        found = informer.store.get(Key(kube.namespace, "x"))
        assert found
        assert "managedFields" not in found["metadata"]
    assert seen


async def test_rule_5_an_answer_that_the_watch_is_past_makes_no_ghost(
    transport: HttpTransport, kube: Client
) -> None:
    """The answer to a write is handled late: the object was deleted, or left the selection, meanwhile."""
    space = kube.namespace
    answer = await put(transport, space, "x", a="1")
    await put(transport, space, "y", a="1")
    watched = Watched(transport, space)
    async with running(watched.informer):
        await remove(transport, space, "x")
        patch = {"metadata": {"labels": {"flock": "two"}}}
        left = await transport.patch(CONFIG_MAP, Key(space, "y"), patch)
        await eventually(lambda: watched.now() == {})

        watched.informer.saw(answer)
        watched.informer.saw(left)

        assert watched.now() == {}


async def test_an_answer_that_leaves_the_selection_goes_with_the_watch(
    transport: HttpTransport, kube: Client
) -> None:
    faulty = FaultyTransport(transport)
    await put(transport, kube.namespace, "x", a="1")
    watched = Watched(faulty, kube.namespace)
    async with running(watched.informer):
        faulty.hold("configmaps")
        patch = {"metadata": {"labels": {"flock": "two"}}, "data": {"a": "2"}}
        watched.informer.saw(await transport.patch(CONFIG_MAP, Key(kube.namespace, "x"), patch))
        assert watched.now() == {"x": {"a": "2"}}

        faulty.release("configmaps")
        await eventually(lambda: watched.now() == {})


async def test_two_kinds_at_once(transport: HttpTransport, kube: Client) -> None:
    accounts = Informer(transport, SERVICE_ACCOUNT, Selection(), key_of)
    watched = Watched(transport, kube.namespace)
    async with running(accounts, watched.informer):
        wanted = {Key("default", "default"), Key(kube.namespace, "default")}
        await eventually(lambda: wanted <= set(accounts.store))
