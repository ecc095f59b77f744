"""The sessions that a Milvus's processes keep in its etcd.

Each process registers every role it plays at ``<etcd.rootPath>/<etcd.metaSubPath>/session/``, as JSON with
its address, under a lease that it keeps alive (Milvus's ``sessionutil``; the same from 2.2 on).
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from glede.milvus.probe import ProbeTarget
from glede.milvus.probe.gateway import Gateway, at_one, coded, end_of
from glede.milvus.probe.target import UnhealthyError

# Far more than a Milvus has processes, and within what one answer may hold.
_MOST = 2000


@dataclass(frozen=True, slots=True)
class Session:
    """What one process has registered: for which role, at which IP address, and under which lease."""

    role: str
    address: str
    lease: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Where a Milvus's sessions are: its etcd, and the prefix of their keys, which ends with a slash."""

    etcd: ProbeTarget
    prefix: str

    @property
    def place(self) -> tuple[tuple[str, ...], str]:
        """Where it is, whoever asks."""
        return self.etcd.endpoints, self.prefix

    async def read(self) -> list[Session]:
        """Give all sessions. Raises UnhealthyError or UnreachableError."""
        return await at_one(self.etcd, self._read)

    async def end(self, lease: str) -> None:
        """Revoke a lease, and with it delete all keys under it; one that is gone already is no error.

        Raises UnhealthyError or UnreachableError.
        """

        async def revoke(etcd: Gateway) -> None:
            answer = await etcd.post("lease/revoke", {"ID": lease})
            if answer.status not in {200, 404}:
                raise UnhealthyError(f"lease/revoke answers {answer.status}")

        await at_one(self.etcd, revoke)

    async def _read(self, etcd: Gateway) -> list[Session]:
        body = {"key": coded(self.prefix), "range_end": coded(end_of(self.prefix)), "limit": _MOST}
        found = await etcd.call("kv/range", body)
        pairs = found.get("kvs", [])
        return [session for pair in pairs if (session := _session(pair, self.prefix))]


def _session(pair: Any, prefix: str) -> Session | None:
    """Read one key; None for what is no session of a process at an address (the counter of IDs is none)."""
    try:
        role = base64.b64decode(pair["key"]).decode().removeprefix(prefix)
        value = json.loads(base64.b64decode(pair["value"]))
        host = str(value["Address"]).rpartition(":")[0].strip("[]")
        lease = str(int(pair["lease"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return Session(role, host, lease) if host and lease != "0" else None
