"""Calls of the management API that a Milvus's proxies have on port 9091.

The paths and forms are those of Milvus's own sources (internal/http/router.go, internal/proxy/management.go).
They have been there since 2.4.0; since 2.5 a node that is suspended loses what it holds to the others, before
that it only gets no more. A coordinator forgets what is suspended when it starts anew.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from glede.milvus.probe.net import ask, http_client
from glede.milvus.probe.target import ProbeResult, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

SECONDS = 10.0
_BELOW = "/management/querycoord/"
# Moves rather than copies. Without a target or a segment: all of them, to all other nodes of the replica.
_MOVE = {"copy_mode": "false"}


@dataclass(frozen=True, slots=True)
class FenceTarget(ProbeTarget):
    """A Milvus's proxies (``endpoints``), and the addresses of the query nodes to suspend and to resume."""

    fenced: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FenceAnswer(ProbeResult):
    """What is left on each suspended node, by address: segments and channels; None: it is not registered.

    ``freed`` are the addresses of those that serve as before.
    """

    left: tuple[tuple[str, int | None], ...] = ()
    freed: tuple[str, ...] = ()


async def ask_fences(target: ProbeTarget) -> ProbeResult:
    """Suspend and resume query nodes by the first proxy that answers; both may be done again and again.

    Gives a FenceAnswer, or a plain ProbeResult that tells why not.
    """
    assert isinstance(target, FenceTarget)  # noqa: S101 - the prober's type says less than its asker knows
    words = "no proxy is ready"
    for endpoint in target.endpoints:
        try:
            async with asyncio.timeout(SECONDS), http_client(None) as client:
                return await _Management(client, f"http://{endpoint}{_BELOW}").fence(target)
        except TimeoutError:
            words = f"proxy {endpoint}: no answer in {SECONDS:g} seconds"
        except (UnhealthyError, UnreachableError) as error:
            words = f"proxy {endpoint}: {error}"
    return ProbeResult(ok=False, reason="", message=words)


@dataclass(frozen=True, slots=True)
class _Management:
    client: httpx2.AsyncClient
    base: str

    async def fence(self, target: FenceTarget) -> FenceAnswer:
        """Do all of a target. Raises UnhealthyError or UnreachableError."""
        nodes = await self._nodes()
        left = [(address, await self._suspended(nodes.get(address))) for address in target.fenced]
        for address in target.freed:
            if address in nodes:
                await self._call("node/resume", node_id=nodes[address])
        return FenceAnswer(ok=True, reason="", message="", left=tuple(left), freed=target.freed)

    async def _nodes(self) -> dict[str, str]:
        """Give the IDs of the query nodes by the IP address at which each is registered."""
        infos = (await self._call("node/list")).get("nodeInfos") or []
        found: dict[str, str] = {}
        for info in infos if isinstance(infos, list) else []:
            host = str(info.get("address", "")).rpartition(":")[0].strip("[]")
            found[host] = str(info.get("ID", ""))
        return found

    async def _suspended(self, node: str | None) -> int | None:
        """Suspend a node and have what is left on it moved; gives how much that is, None without a node."""
        if node is None:
            return None
        await self._call("node/suspend", node_id=node)
        held = await self._call("distribution/get", node_id=node)
        kinds = {"segment": held.get("sealed_segmentIDs"), "channel": held.get("channel_names")}
        for kind, there in kinds.items():
            if there:
                # Refused while it is on its way already: what is left tells whether it is.
                await self._post(f"transfer/{kind}", {"source_node_id": node, **_MOVE})
        return sum(_length(there) for there in kinds.values())

    async def _call(self, path: str, **form: str) -> dict[str, Any]:
        status, body = await self._post(path, form)
        if status == 404:
            raise UnhealthyError(f"this Milvus has no {_BELOW}{path}")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise UnreachableError("it does not answer as Milvus's management does") from error
        if status != 200 or not isinstance(found, dict):
            words = found.get("msg") if isinstance(found, dict) else ""
            raise UnhealthyError(f"{path} answers {status}: {readable(str(words))}")
        return found

    async def _post(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        answer = await ask(self.client, self.client.build_request("POST", f"{self.base}{path}", data=form))
        return answer.status, answer.body


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 0
