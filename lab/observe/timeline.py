"""What happened, second by second, in one readable file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Event, Node, Pod

from lab.cluster import ready, ready_nodes
from lab.observe.logs import pod_logs

ROUND_SECONDS = 0.5


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something that was so at a moment; ``at`` in seconds since the epoch."""

    at: float
    source: str
    text: str


@dataclass
class Timeline:
    """Watches the pods and events of a namespace, and the nodes, while its block lasts."""

    api: Client
    namespace: str
    marks: list[Mark] = field(default_factory=list)
    _states: dict[str, str] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def mark(self, text: str, source: str = "test") -> None:
        """Add something that a test did or saw."""
        self.marks.append(Mark(time.time(), source, text))

    @contextmanager
    def watching(self) -> Iterator[Timeline]:
        """Look twice a second, in a thread of its own."""
        thread = threading.Thread(target=self._watch, name="lab-timeline", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join(10)

    def write(self, path: Path) -> None:
        """Write marks and events in the order of time, then the ends of all logs."""
        events = [Mark(*found) for found in self._events()]
        lines = [
            f"{_clock(mark.at)}  {mark.source:28} {mark.text}" for mark in sorted({*self.marks, *events})
        ]
        for name, text in pod_logs(self.namespace).items():
            lines += ["", f"==> {name}", text]
        path.write_text("\n".join(lines) + "\n")

    def _watch(self) -> None:
        while not self._ended.wait(ROUND_SECONDS):
            for look in (self._look_at_pods, self._look_at_nodes):
                self._try(look)

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        except (ApiError, httpx2.HTTPError) as error:
            self._changed("API server", f"does not answer: {type(error).__name__}")
        else:
            self._changed("API server", "answers")

    def _look_at_pods(self) -> None:
        found = {
            f"pod/{pod.metadata.name}": _state(pod) for pod in self.api.list(Pod, namespace=self.namespace)
        }
        for name in [name for name in self._states if name.startswith("pod/") and name not in found]:
            self._changed(name, "gone")
            del self._states[name]
        for name, state in found.items():
            self._changed(name, state)

    def _look_at_nodes(self) -> None:
        up = ready_nodes(self.api)
        for node in self.api.list(Node):
            name = str(node.metadata.name)
            self._changed(f"node/{name}", "Ready" if name in up else "not Ready")

    def _changed(self, source: str, state: str) -> None:
        if self._states.get(source) != state:
            self._states[source] = state
            self.marks.append(Mark(time.time(), source, state))

    def _events(self) -> Iterator[tuple[float, str, str]]:
        try:
            for event in self.api.list(Event, namespace=self.namespace):
                at: Any = event.lastTimestamp or event.eventTime or event.metadata.creationTimestamp
                about = event.involvedObject
                yield (
                    at.timestamp(),
                    f"event/{about.kind}/{about.name}"[:60],
                    f"{event.reason}: {event.message}",
                )
        except (ApiError, httpx2.HTTPError):
            return


def _state(pod: Pod) -> str:
    status = pod.status
    restarts = sum(one.restartCount for one in (status.containerStatuses or []))
    words = [
        str(status.phase),
        "ready" if ready(pod) else "not ready",
        f"on {pod.spec.nodeName or 'no node'}",
    ]
    if restarts:
        words.append(f"{restarts} restarts")
    if pod.metadata.deletionTimestamp:
        words.append("being deleted")
    return ", ".join(words)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
