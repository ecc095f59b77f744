"""One defragmentation of an etcd: member by member, never two at once, the leader last.

A member serves nobody while it is defragmented. So before each one, all members have to answer and to agree
on a leader, and what is watched of their pods has to be well.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from glede.milvus.probe.gateway import SECONDS, Gateway, at_one, gateway
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.upkeep.place import Ward
from glede.milvus.upkeep.sizes import (
    Alarm,
    Member,
    Rule,
    alarms_of,
    has_room,
    member_of,
    next_of,
    unfit,
    worthwhile,
)
from glede.milvus.upkeep.snapshot import up_to_date

# For a database of the usual quota on a slow disk; a member that takes longer is waited for no more.
_MEMBER_SECONDS = 300.0


@dataclass(slots=True)
class Report:
    """What came of it: bytes before and after of the members that were defragmented, the longest time that
    one of them was blocked, in seconds, whether an alarm was ended, and why it was broken off; "" for not.
    """

    before: int = 0
    after: int = 0
    members: list[str] = field(default_factory=list)
    blocked: float = 0.0
    disarmed: bool = False
    pressed: bool = False
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Defragmentation:
    """``calm`` waits until nothing speaks against blocking a member, and says why not where that lasts; it is
    told whether space runs out.

    ``pause`` is the time between two members, in seconds.
    """

    ward: Ward
    calm: Callable[[bool], Awaitable[str]]
    rule: Rule = field(default_factory=Rule)
    pause: float = 10.0

    async def run(self) -> Report:
        """Look, defragment where it pays, and end the alarm for space where there is space again.

        Raises UnhealthyError or UnreachableError where it cannot even look.
        """
        members, alarms = await self._look()
        report = Report(pressed=bool(alarms))
        left = {member.endpoint for member in worthwhile(members, alarms, self.rule)}
        if left and (why := unfit(members, alarms)):
            report.stopped = why
            return report
        try:
            await self._go_through(left, report)
            if alarms and not report.stopped:
                await self._disarm(report)
        except (UnhealthyError, UnreachableError) as error:
            report.stopped = str(error)
        return report

    async def _go_through(self, left: set[str], report: Report) -> None:
        while left:
            if why := await self.calm(report.pressed):
                report.stopped = why
                return
            members, alarms = await self._look()
            if why := unfit(members, alarms):
                report.stopped = why
                return
            member = next_of(members, left)
            if member is None:
                return
            left.discard(member.endpoint)
            await self._defragment(member, report)
            if left:
                await asyncio.sleep(self.pause)

    async def _defragment(self, member: Member, report: Report) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(_MEMBER_SECONDS), gateway(self.ward.etcd, member.endpoint) as etcd:
                await etcd.call("maintenance/defragment", {})
                await up_to_date(etcd)
                after = await self._status(member.endpoint, etcd)
        except TimeoutError as error:
            raise UnreachableError(f"{member.endpoint}: not done in {_MEMBER_SECONDS:g} seconds") from error
        except UnreachableError as error:
            raise UnreachableError(f"{member.endpoint}: {error}") from error
        except UnhealthyError as error:
            raise UnhealthyError(f"{member.endpoint}: {error}") from error
        report.blocked = max(report.blocked, time.monotonic() - begun)
        report.members.append(member.endpoint)
        report.before += member.size
        report.after += after.size

    async def _disarm(self, report: Report) -> None:
        """End the alarm for space. Nothing else does, and until then etcd refuses every write."""
        members, alarms = await self._look()
        if not has_room(members):
            return
        for alarm in alarms:
            if alarm.kind == "NOSPACE":
                await self._alarms({"action": "DEACTIVATE", "memberID": alarm.member, "alarm": alarm.kind})
                report.disarmed = True

    async def _look(self) -> tuple[list[Member], list[Alarm]]:
        """Ask all members. Raises UnhealthyError or UnreachableError where one does not answer."""
        members = [await self._member(endpoint) for endpoint in self.ward.etcd.endpoints]
        return members, alarms_of(await self._alarms({"action": "GET"}))

    async def _alarms(self, body: dict[str, Any]) -> dict[str, Any]:
        return await at_one(self.ward.etcd, lambda etcd: etcd.call("maintenance/alarm", body))

    async def _member(self, endpoint: str) -> Member:
        try:
            async with asyncio.timeout(SECONDS), gateway(self.ward.etcd, endpoint) as etcd:
                return await self._status(endpoint, etcd)
        except TimeoutError as error:
            raise UnreachableError(f"{endpoint}: no answer in {SECONDS:g} seconds") from error
        except UnreachableError as error:
            raise UnreachableError(f"{endpoint}: {error}") from error

    async def _status(self, endpoint: str, etcd: Gateway) -> Member:
        return member_of(endpoint, await etcd.call("maintenance/status", {}), self.ward.quota)
