"""Processes of Milvus that run though all of their sessions are over.

Milvus ends itself then. One of 2.3 that is in the middle of something may hang on the way out: it keeps its
port, is Ready, and answers from what it knew, so that proxies that were connected to it ask nobody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.sessions.registry import Session


@dataclass(frozen=True, slots=True)
class Outcast:
    """A pod, by name and uid, whose container of Milvus runs on without a session."""

    key: Key
    uid: str


@dataclass(slots=True)
class Outcasts:
    """Since when each process of a Milvus has no session any more, by the clock of whoever asks."""

    since: dict[str, float] = field(default_factory=dict)

    def look(
        self,
        running: Mapping[str, str],
        leases: Mapping[str, set[str]],
        sessions: Iterable[Session],
        now: float,
    ) -> None:
        """Take in which sessions there are.

        ``running`` are processes by address, ``leases`` what each of them is known to have held. A process
        that was never seen with a session, as one that begins, is none; nor is one with any at its address.
        """
        addresses = {session.address for session in sessions}
        found = {process for at, process in running.items() if leases.get(process) and at not in addresses}
        self.since = {process: self.since.get(process, now) for process in found}

    def overdue(self, seconds: float, now: float) -> list[str]:
        """Give the processes that have been so for at least so long."""
        return [process for process, since in self.since.items() if now - since >= seconds]
