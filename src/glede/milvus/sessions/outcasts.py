"""Processes of Milvus that run on though sessions of theirs are over.

Milvus ends itself then: what has lost one of its roles is no part of the cluster any more. One of 2.3 that is
in the middle of something may hang on the way out: it keeps its ports, is Ready, and answers from what it
knew, so that whoever is connected to it asks nobody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.podender import Cause
from glede.milvus.sessions.registry import Session

# What hangs has nothing to hand over.
LOST = Cause(
    "SessionsLost", "Milvus runs on in it though it lost a session, and is no part of the cluster now", 2
)


@dataclass(frozen=True, slots=True)
class Outcast:
    """A pod, by name and uid, whose container of Milvus runs on without a session that it had."""

    key: Key
    uid: str


@dataclass(slots=True)
class _Process:
    """Since when it is known to run, its roles with their leases, and since when it has lost one of them."""

    known: float
    roles: dict[str, str] = field(default_factory=dict)
    lacking: float | None = None


@dataclass(slots=True)
class Outcasts:
    """What is known of each process of a Milvus, by the clock of whoever asks.

    ``settled``: so many seconds after a process began, nothing is registered at its address any more that was
    left by one before.
    """

    settled: float
    processes: dict[str, _Process] = field(default_factory=dict)

    def look(self, running: Mapping[str, str], sessions: Iterable[Session], now: float) -> None:
        """Take in what is registered; ``running`` are processes by address.

        A role is lost when its lease is over and the process has it under no other. A key that goes while its
        lease lasts is the process's own doing. One that was never seen with a session, as one that begins,
        has lost none.
        """
        roles: dict[str, dict[str, str]] = {}
        leases = set()
        for session in sessions:
            leases.add(session.lease)
            roles.setdefault(session.address, {})[session.role] = session.lease
        found = {process: self.processes.get(process) or _Process(now) for process in running.values()}
        for address, process in running.items():
            one, held = found[process], roles.get(address, {})
            one.roles = {
                role: lease for role, lease in one.roles.items() if role in held or lease not in leases
            }
            if any(role not in held for role in one.roles):
                one.lacking = now if one.lacking is None else one.lacking
            else:
                one.lacking = None
            if now - one.known >= self.settled:
                one.roles |= held
        self.processes = found

    @property
    def suspects(self) -> bool:
        """Whether there is one now."""
        return any(one.lacking is not None for one in self.processes.values())

    def overdue(self, seconds: float, now: float) -> list[str]:
        """Give the processes that have been so for at least so long."""
        return [
            process
            for process, one in self.processes.items()
            if one.lacking is not None and now - one.lacking >= seconds
        ]

    def forget(self, process: str) -> None:
        """Drop what is known of a process that is being ended."""
        self.processes.pop(process, None)
