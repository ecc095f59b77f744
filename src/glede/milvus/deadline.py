"""Whether a Deployment has missed its deadline with the template that it has now.

Its controller keeps what it said of the template before until it sees the new one make progress, and says
already that it has seen that one: pods that are replaced all at once end first, and a number of pods that
changes as well is seen to first. So words from before our last apply say nothing, until a whole deadline has
gone by since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from glede.milvus.moments import written

Object = Mapping[str, Any]
# What Kubernetes takes where none is given.
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Overdue:
    """Why a Deployment is late, "" where it is not, and the moment from which on that counts; "": at once."""

    words: str = ""
    since: str = ""


def overdue(obj: Object, manager: str) -> Overdue:
    """Tell of a Deployment as the API server has it; ``manager`` is who applied its template."""
    conditions = {c["type"]: c for c in obj.get("status", {}).get("conditions", [])}
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") != "ProgressDeadlineExceeded":
        return Overdue()
    words = str(progressing.get("message") or "its deadline has passed")
    applied, said = _applied(obj, manager), progressing.get("lastUpdateTime")
    if not (applied and said):
        return Overdue(words)
    deadline = timedelta(seconds=obj["spec"].get("progressDeadlineSeconds", _SECONDS))
    # It cannot be late so soon; half of it is left for clocks that differ.
    if _moment(said) >= _moment(applied) + deadline / 2:
        return Overdue(words)
    return Overdue(words, written(_moment(applied) + deadline))


def _applied(obj: Object, manager: str) -> str:
    """Give the moment at which the manager last changed what it owns."""
    entries = obj["metadata"].get("managedFields", [])
    found = (
        entry.get("time", "")
        for entry in entries
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply")
        and not entry.get("subresource")
    )
    return str(next(found, ""))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
