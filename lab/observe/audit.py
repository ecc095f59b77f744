"""API requests by client and verb, from the API server's audit log."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True, order=True)
class Request:
    """A kind of request: who, what, on what. ``resource`` has its subresource behind a slash."""

    user: str
    verb: str
    resource: str

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.verb in WRITES


def requests(audit_log: Path, since: datetime, until: datetime | None = None) -> Counter[Request]:
    """Count the requests that ended in a span of time (aware datetimes)."""
    found: Counter[Request] = Counter()
    with audit_log.open() as log:
        for line in log:
            event = _event(line)
            if event is None:
                continue
            ended = datetime.fromisoformat(event["stageTimestamp"])
            if ended >= since and (until is None or ended < until):
                found[_request(event)] += 1
    return found


def _event(line: str) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None  # the last line, being written
    return event


def _request(event: dict[str, Any]) -> Request:
    user, target = event.get("user"), event.get("objectRef")
    username = user.get("username", "") if isinstance(user, dict) else ""
    resource = target.get("resource", "") if isinstance(target, dict) else str(event.get("requestURI", ""))
    below = target.get("subresource") if isinstance(target, dict) else None
    return Request(
        str(username), str(event.get("verb", "")), f"{resource}/{below}" if below else str(resource)
    )
