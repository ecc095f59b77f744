"""Which changes of conditions are told as Events, and how."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

# The status of each condition that is a trouble; its opposite is good news.
_TROUBLE = {
    "EtcdReady": "False",
    "StorageReady": "False",
    "MsgStreamReady": "False",
    "Ready": "False",
    "Degraded": "True",
}
_TOLD_BY_REASON = frozenset(
    {"ApplyFailed", "CanaryHeld", "DeadlineExceeded", "Paused", "RollingBack", "ScaleInHeld"}
)
EventType = Literal["Normal", "Warning"]
_NONE: Mapping[str, Any] = {}


class Announcement(NamedTuple):
    """An Event to write."""

    type: EventType
    reason: str
    message: str


def announcements(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[Announcement]:
    """Give the Events for what changed from one set of a Milvus's conditions to the next."""
    stood = {str(condition.get("type")): condition for condition in old}
    for condition in new:
        kind = _kind(stood.get(str(condition["type"]), _NONE), condition)
        if kind:
            yield Announcement(kind, _name(condition), str(condition["message"]))


def _kind(before: Mapping[str, Any], condition: Mapping[str, Any]) -> EventType | None:
    """Give the type of Event that a change is worth, if any."""
    type_, status = str(condition["type"]), condition["status"]
    if type_ == "SpecAccepted":
        changed = (before.get("status"), before.get("message", "")) != (status, condition["message"])
        return _of_manifest(before, condition) if changed else None
    if type_ == "Progressing":
        changed = before.get("reason") != condition["reason"]
        if changed and condition["reason"] == "WaitsForWindow":
            return "Normal"
        return "Warning" if changed and condition["reason"] in _TOLD_BY_REASON else None
    if type_ == "QueryNodesFenced":
        changed = before.get("reason") != condition["reason"]
        kind: EventType = "Normal" if condition["reason"] in {"Fenced", "Fencing"} else "Warning"
        return kind if changed else None
    # A new Milvus is not ready yet: no news. Unknown is no news either.
    flipped = bool(before) and before.get("status") != status and status != "Unknown"
    if type_ not in _TROUBLE or not flipped:
        return None
    return "Warning" if status == _TROUBLE[type_] else "Normal"


def _of_manifest(before: Mapping[str, Any], condition: Mapping[str, Any]) -> EventType | None:
    if condition["message"]:
        return "Warning"
    return "Normal" if before else None


def _name(condition: Mapping[str, Any]) -> str:
    """Name an Event by condition and reason, where the reason does not name the condition itself."""
    subject = str(condition["type"])
    for what in ("Ready", "Accepted", "Fenced"):
        subject = subject.removesuffix(what)
    subject = subject or "Ready"
    reason = str(condition["reason"])
    return reason if subject in reason else f"{subject}{reason}"
