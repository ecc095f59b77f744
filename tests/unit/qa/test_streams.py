"""The gate and the stream of events: what keeps one asker from harming the others."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from glede.qa.service.gate import Gate
from glede.qa.service.problems import Problem
from glede.qa.service.sse import EventStream, sse_event, with_heartbeat


def test_a_gate_refuses_beyond_its_limit_and_opens_again() -> None:
    gate = Gate(2, "questions are being answered", "limits.inFlight")
    with gate.enter(), gate.enter():
        with pytest.raises(Problem) as caught, gate.enter():
            pytest.fail("entered beyond the limit")
        assert gate.inside == 2
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
    assert (gate.inside, gate.rejected) == (0, 1)


def test_a_place_is_given_back_after_an_error() -> None:
    gate = Gate(1, "questions", "limits.inFlight")
    with pytest.raises(ValueError, match="x"), gate.enter():
        raise ValueError("x")
    assert gate.inside == 0


def test_framing() -> None:
    assert sse_event("done", '{"a":1}') == 'event: done\ndata: {"a":1}\n\n'
    assert sse_event(None, "[DONE]") == "data: [DONE]\n\n"


class Source:
    """Events with a pause before each; records whether it was closed."""

    def __init__(self, events: int, pause: float = 0.0, *, fails: bool = False) -> None:
        self.closed = False
        self._events, self._pause, self._fails = events, pause, fails

    async def stream(self) -> AsyncGenerator[str]:
        try:
            for number in range(self._events):
                await asyncio.sleep(self._pause)
                yield f"event {number}"
            if self._fails:
                raise ValueError("broken")
        finally:
            self.closed = True


def test_a_heartbeat_fills_silence() -> None:
    async def read() -> list[str]:
        return [event async for event in with_heartbeat(Source(2, 0.25).stream(), 0.1)]

    told = asyncio.run(read())

    assert [event for event in told if event[0] != ":"] == ["event 0", "event 1"]
    assert told.count(": keep-alive\n\n") >= 2
    assert told[0] == ": keep-alive\n\n"


def test_many_events_pass_in_order_and_without_heartbeats() -> None:
    async def read() -> list[str]:
        return [event async for event in with_heartbeat(Source(100).stream(), 5)]

    assert asyncio.run(read()) == [f"event {number}" for number in range(100)]


def test_the_source_s_error_reaches_the_reader_after_its_events() -> None:
    async def read() -> list[str]:
        told: list[str] = []
        stream = with_heartbeat(Source(20, fails=True).stream())
        with pytest.raises(ValueError, match="broken"):  # noqa: PT012 - the events before it are wanted
            while True:
                told.append(await anext(stream))
        return told

    assert len(asyncio.run(read())) == 20


@pytest.mark.parametrize(("events", "pause"), [(1000, 0.0), (3, 0.05), (1, 30.0)])
def test_a_reader_that_leaves_closes_the_source(events: int, pause: float) -> None:
    source = Source(events, pause)

    async def leave() -> None:
        stream = with_heartbeat(source.stream(), 0.02)
        await anext(stream)
        await asyncio.sleep(0.05)  # the queue between them is full by now
        await stream.aclose()
        for _ in range(10):
            await asyncio.sleep(0)
        assert source.closed
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(leave())


@pytest.mark.parametrize("leaves_after", [0, 1, 2])
def test_a_response_gives_back_its_place_however_early_it_ends(leaves_after: int) -> None:
    gate = Gate(1, "questions", "limits.inFlight")

    async def respond() -> None:
        place = gate.enter()
        place.__enter__()
        sent: list[Message] = []
        left = asyncio.Event()
        if leaves_after == 0:
            left.set()

        async def receive() -> Message:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) >= leaves_after:
                left.set()

        response = EventStream(Source(50, 0.01).stream(), place)
        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    asyncio.run(respond())
    assert gate.inside == 0
