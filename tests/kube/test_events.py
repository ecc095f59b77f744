"""Events on a real API server: few, counted, and never in the way of work."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.api import ApiLab
from lightkube import Client
from tests.kube.faulty import FaultyTransport
from tests.kube.live import config_map, connected, eventually

from glede.kube import events as module
from glede.kube.errors import error_from
from glede.kube.events import MESSAGE_BYTES, Recorder
from glede.kube.metrics import Metrics
from glede.kube.objects import CONFIG_MAP, EVENT, Object, uid_of
from glede.kube.transport import Selection


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A recorder that runs, its clock, and an object in a namespace."""

    def __init__(self, kube: FaultyTransport, regarding: Object) -> None:
        self.kube = kube
        self.regarding = regarding
        self.clock = Clock()
        self.metrics = Metrics()
        self.recorder = Recorder(kube, "glede", "pod-1", metrics=self.metrics, clock=self.clock)

    def record(self, message: str, reason: str = "Hatched", **other: Any) -> None:
        self.recorder.event({**self.regarding, **other}, "Normal", reason, message)

    def total(self, result: str) -> float:
        labels = {"type": "Normal", "result": result}
        return self.metrics.registry.get_sample_value("glede_operator_events_total", labels) or 0.0

    async def listed(self) -> list[Object]:
        page = await self.kube.list(EVENT, Selection(self.regarding["namespace"]))
        events = [one for one in page.items if one["source"].get("component") == "glede"]
        return sorted(events, key=lambda one: str(one["message"]))

    def pass_time(self, seconds: float) -> None:
        """Let the recorder's clock go on; what is due is looked for when a key comes."""
        self.clock.now += seconds
        self.recorder._queue._tick()

    async def written(self, count: int) -> None:
        await eventually(lambda: self.total("written") >= count)

    async def written_in_time(self, count: int) -> None:
        """Wait for what is tried again, while the recorder's clock goes on."""

        def after_a_second() -> bool:
            self.pass_time(1)
            return self.total("written") >= count

        await eventually(after_a_second)


def on_an_api_server(api: ApiLab, kube: Client, body: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), connected(api.kubeconfig) as transport:
            faulty = FaultyTransport(transport)
            made = await faulty.create(CONFIG_MAP, config_map(kube.namespace, "nest"))
            regarding = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "namespace": kube.namespace,
                "name": "nest",
                "uid": uid_of(made),
            }
            scene = Scene(faulty, regarding)
            task = asyncio.create_task(scene.recorder.run())
            try:
                await body(scene)
            finally:
                task.cancel()
                await asyncio.wait({task})
            assert task.cancelled()

    asyncio.run(run())


def test_an_event_is_as_kubectl_shows_it(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.record("three of them")
        await scene.written(1)
        (event,) = await scene.listed()
        assert event["involvedObject"] == scene.regarding
        assert (event["type"], event["reason"], event["action"]) == ("Normal", "Hatched", "Reconcile")
        assert (event["message"], event["count"]) == ("three of them", 1)
        assert event["firstTimestamp"] == event["lastTimestamp"]
        assert event["source"] == {"component": "glede", "host": "pod-1"}

    on_an_api_server(api, kube, body)


def test_the_same_event_is_counted_and_written_twice_a_minute_at_most(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.record("fed")
        await scene.written(1)
        for _ in range(50):
            scene.record("fed")
        scene.record("another message")
        await scene.written(2)
        assert [one["count"] for one in await scene.listed()] == [1, 1]
        scene.pass_time(31)
        await scene.written(3)
        assert [one["count"] for one in await scene.listed()] == [1, 51]
        assert [one.verb for one in scene.kube.writes[1:]] == ["create", "create", "patch"]

    on_an_api_server(api, kube, body)


def test_after_ten_minutes_of_quiet_an_event_is_a_new_one(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.record("fed")
        await scene.written(1)
        scene.pass_time(601)
        scene.record("fed")
        await scene.written(2)
        assert [one["count"] for one in await scene.listed()] == [1, 1]

    on_an_api_server(api, kube, body)


def test_an_event_that_expired_meanwhile_is_made_anew(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.record("fed")
        await scene.written(1)
        (event,) = await scene.listed()
        metadata = event["metadata"]
        key = next(iter(scene.recorder._by_key))
        assert tuple(key) == (metadata["namespace"], metadata["name"])
        await scene.kube.delete(EVENT, key, uid=metadata["uid"])
        scene.record("fed")
        scene.pass_time(31)
        await scene.written_in_time(2)
        assert [one["count"] for one in await scene.listed()] == [2]

    on_an_api_server(api, kube, body)


@pytest.mark.parametrize("applied", [False, True], ids=["refused", "answer lost"])
def test_an_outage_delays_events_and_doubles_none(api: ApiLab, kube: Client, applied: bool) -> None:
    async def body(scene: Scene) -> None:
        scene.kube.inject(verb="create", error=error_from(0), applied=applied)
        scene.record("fed")
        await scene.written_in_time(1)
        assert [one["count"] for one in await scene.listed()] == [1]

    on_an_api_server(api, kube, body)


def test_an_event_that_is_refused_is_given_up(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.record("fed", namespace="nowhere")
        await eventually(lambda: scene.total("failed") == 1)
        scene.record("fed")
        await scene.written(1)
        assert scene.recorder._by_key.keys() == set(scene.recorder._by_matter.values())

    on_an_api_server(api, kube, body)


def test_a_cluster_objects_event_is_in_the_default_namespace(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        scene.recorder.event(
            {"apiVersion": "v1", "kind": "Namespace", "name": kube.namespace, "uid": kube.namespace},
            "Normal",
            "Hatched",
            "x",
        )
        await scene.written(1)
        assert scene.kube.writes[-1].key.namespace == "default"

    on_an_api_server(api, kube, body)


def test_what_waits_when_the_process_stops_is_written(api: ApiLab, kube: Client) -> None:
    async def body(scene: Scene) -> None:
        second = Recorder(scene.kube, "glede", "pod-2", metrics=scene.metrics)
        second.event(scene.regarding, "Normal", "Hatched", "at the last moment")
        await second.drain()
        assert [one["message"] for one in await scene.listed()] == ["at the last moment"]

    on_an_api_server(api, kube, body)


def idle_recorder() -> tuple[Recorder, Metrics]:
    """A recorder that writes nothing: ``run`` is not called, so the transport is not asked."""
    metrics = Metrics()
    nothing: Any = None
    return Recorder(nothing, "glede", "pod-1", metrics=metrics), metrics


def test_recording_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 50)
    monkeypatch.setattr(module, "MOST_WAITING", 80)
    recorder, metrics = idle_recorder()
    for number in range(200):
        recorder.event({"name": "nest", "uid": "u"}, "Warning", "Fell", f"egg {number}")
    assert len(recorder._by_key) == len(recorder._by_matter) == 50
    assert recorder._queue.depth == 80
    dropped = {"type": "Warning", "result": "dropped"}
    assert metrics.registry.get_sample_value("glede_operator_events_total", dropped) == 120


@given(st.text(max_size=3000))
def test_messages_are_cut_to_a_kibibyte(message: str) -> None:
    recorder, _ = idle_recorder()
    recorder.event({"name": "nest", "uid": "u"}, "Normal", "Hatched", message)
    (series,) = recorder._by_key.values()
    found = series.body["message"]
    assert len(found.encode()) <= MESSAGE_BYTES
    assert json.dumps(series.body)
    assert found == message or message.startswith(found.removesuffix("…"))


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,251}[a-z0-9])?", fullmatch=True))
def test_names_of_events_are_within_the_limit(name: str) -> None:
    recorder, _ = idle_recorder()
    recorder.event({"name": name, "uid": "u"}, "Normal", "Hatched", "x")
    (key,) = recorder._by_key
    assert len(key.name) <= 253
    assert key.name.startswith(name[:230])
