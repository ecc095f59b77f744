"""Server-sent events: framing, and a heartbeat for proxies that cut silent connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 10.0


def sse_event(name: str | None, data: str) -> str:
    """Frame one event; ``data`` must be a single line, as JSON is."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data}\n\n"


class EventStream(StreamingResponse):
    """A response of events. ``place``, held already, is given back at its end, however early that is."""

    def __init__(self, events: AsyncGenerator[str], place: AbstractContextManager[None]) -> None:
        self._events = with_heartbeat(events)
        self._place = place
        super().__init__(self._events, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until their end, or until the reader leaves."""
        try:
            async with aclosing(self._events):
                await super().__call__(scope, receive, send)
        finally:
            self._place.__exit__(None, None, None)


async def with_heartbeat(
    events: AsyncGenerator[str], seconds: float = HEARTBEAT_SECONDS
) -> AsyncGenerator[str]:
    """Pass events on, with a comment whenever ``seconds`` go by without one.

    When the reader leaves, the events' source is cancelled and closed.
    """
    queue: asyncio.Queue[str | Exception | None] = asyncio.Queue(maxsize=16)

    async def pump() -> None:
        end: Exception | None = None
        try:
            async with aclosing(events):
                async for event in events:
                    await queue.put(event)
        except Exception as error:
            end = error
        await queue.put(end)

    task = asyncio.create_task(pump())
    try:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    event = await queue.get()
            except TimeoutError:
                yield ": keep-alive\n\n"
                continue
            if isinstance(event, Exception):
                raise event
            if event is None:
                break
            yield event
    finally:
        # Not awaited: a second cancellation, passed on, would cut short the closing of the source.
        task.cancel()
