"""Conditions, as Kubernetes writes them: a moment that moves only when the status flips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["True", "False", "Unknown"]
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it is now."""

    type: str
    status: Status
    reason: str
    message: str = ""


def merged(now: str, new: Sequence[Condition], old: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the conditions to write at a moment (RFC 3339, UTC), given those that stand."""
    stood = {condition.get("type"): condition for condition in old}
    return [_written(now, condition, stood.get(condition.type, {})) for condition in new]


def _written(now: str, condition: Condition, before: Mapping[str, Any]) -> dict[str, Any]:
    same = before.get("status") == condition.status
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message[:_LONGEST],
        "lastTransitionTime": before.get("lastTransitionTime", now) if same else now,
    }


def flag(value: bool | None) -> Status:
    """Give the status for a truth value; None is Unknown."""
    return "Unknown" if value is None else "True" if value else "False"
