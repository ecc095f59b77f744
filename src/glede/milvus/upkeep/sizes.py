"""How large the members of an etcd are, and for which of them a defragmentation pays. Pure.

A database never gives back what it once took: what keys leave behind is free pages within it, until it is
defragmented. Its size counts for the quota, free pages and all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glede.milvus.probe.target import UnreachableError

# A member is blocked while it is defragmented: that must give back so much, of its size and in bytes.
SHARE = 0.45
FLOOR = 100 << 20
# What is in use is written anew, some 50 MB/s on a slow machine. A member that is blocked for longer than the
# 15 s that Milvus's sessions last would cost Milvus its processes.
MOST_IN_USE = 400 << 20
# Of the quota: where a database is as large as that, whatever can be had pays.
PRESSED = 0.8
# What is not worth a write of the whole file even then.
LEAST = 1 << 20
# Of the quota: what an alarm may be ended at, since it would come back at once above.
ROOM = 0.9


@dataclass(frozen=True, slots=True)
class Rule:
    """When a defragmentation pays: for this share of the size and this many bytes at least, where no more
    than ``most`` is in use. Where space runs out, for ``least`` bytes.
    """

    share: float = SHARE
    floor: int = FLOOR
    most: int = MOST_IN_USE
    least: int = LEAST


@dataclass(frozen=True, slots=True)
class Member:
    """A member: how large its database is and how much of that is in use, in bytes, and its quota, 0 for none
    that is known. ``leader`` is the ID of the leader that it follows.
    """

    endpoint: str
    id: str
    leader: str
    size: int
    used: int
    quota: int = 0
    learner: bool = False

    @property
    def free(self) -> int:
        """What a defragmentation gives back, in bytes."""
        return max(0, self.size - self.used)

    @property
    def leads(self) -> bool:
        """Whether it is the leader."""
        return self.id == self.leader


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of a member, for example NOSPACE."""

    member: str
    kind: str


def member_of(endpoint: str, told: Mapping[str, Any], quota: int) -> Member:
    """Read a member's ``/v3/maintenance/status``. Raises UnreachableError for what is none."""
    try:
        return Member(
            endpoint,
            id=str(told["header"]["member_id"]),
            leader=str(told.get("leader", "0")),
            size=int(told.get("dbSize", 0)),
            used=int(told.get("dbSizeInUse", 0)),
            # Since etcd 3.6.
            quota=int(told.get("dbSizeQuota", 0)) or quota,
            learner=bool(told.get("isLearner")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreachableError(f"etcd {endpoint}: it does not answer as etcd does") from error


def alarms_of(told: Mapping[str, Any]) -> list[Alarm]:
    """Read what ``/v3/maintenance/alarm`` tells."""
    found = told.get("alarms") or ()
    return [Alarm(str(one.get("memberID", "")), str(one.get("alarm", ""))) for one in found]


def unfit(members: Sequence[Member], alarms: Sequence[Alarm]) -> str:
    """Say why no member may be blocked now; "" where one may."""
    leaders = {member.leader for member in members}
    if len(leaders) != 1 or not any(member.leads for member in members):
        return "its members do not agree on a leader"
    if any(member.learner for member in members):
        return "one of its members is a learner"
    if others := sorted({alarm.kind for alarm in alarms} - {"NOSPACE"}):
        return f"it has the alarm {', '.join(others)}"
    return ""


def worthwhile(members: Sequence[Member], alarms: Sequence[Alarm], rule: Rule) -> list[Member]:
    """Give the members for which a defragmentation pays, the leader last.

    A single member is all there is while it is blocked: only space that runs out is worth that.
    """
    pressed = bool(alarms) or any(m.quota and m.size >= PRESSED * m.quota for m in members)
    if len(members) == 1 and not pressed:
        return []
    found = [member for member in members if (pressed and member.free >= rule.least) or _pays(member, rule)]
    return sorted(found, key=lambda member: member.leads)


def _pays(member: Member, rule: Rule) -> bool:
    return member.used <= rule.most and member.free >= max(rule.floor, rule.share * member.size)


def next_of(members: Sequence[Member], left: Collection[str]) -> Member | None:
    """Give the next member of those whose endpoints are left, the leader last: it may be another by now."""
    return min((m for m in members if m.endpoint in left), key=lambda m: m.leads, default=None)


def has_room(members: Sequence[Member]) -> bool:
    """Tell whether no database is so large that an alarm which is ended would come back at once."""
    return all(member.quota and member.size < ROOM * member.quota for member in members)
