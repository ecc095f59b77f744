"""What may go wrong between here and the API server."""

from __future__ import annotations

import json
from typing import Any

MOST_MESSAGE = 2000  # characters; a refusal may quote a whole object


class KubeconfigError(Exception):
    """No way to the API server is configured, or what is configured cannot be used."""


class ApiError(Exception):
    """A request that did not succeed. ``status`` is HTTP's, 0 when no answer came.

    ``retry_after`` is how many seconds the API server asks to be left alone, if it does.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(status, reason, message, retry_after)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {self.reason}: {self.message}"


class Forbidden(ApiError):  # noqa: N818 - the API server's own word, as for all that follow
    """403: the service account lacks a right."""


class NotFound(ApiError):  # noqa: N818
    """404: no such object, or no such kind."""


class Conflict(ApiError):  # noqa: N818
    """409: it exists already, or is another version or another object than the one that was meant."""


class Gone(ApiError):  # noqa: N818
    """410: the version that a list or a watch was to go on from is forgotten; list again."""


class Invalid(ApiError):  # noqa: N818
    """422: the object breaks a rule of its kind."""


class TooManyRequests(ApiError):  # noqa: N818
    """429: ask later; a budget or a limit would be broken now."""


class Unavailable(ApiError):  # noqa: N818
    """5xx, or no answer at all: a write may or may not have been done."""


_BY_STATUS: dict[int, type[ApiError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}

# A write that names a uid is a conflict where nothing has the name, and where another has it breaks the rule
# that a uid stays as it is.
_UID = "metadata.uid"
# What the API server names as the cause of a refused eviction.
_BUDGET = "DisruptionBudget"


def error_from(status: int, body: bytes | dict[str, Any] = b"", retry_after: float | None = None) -> ApiError:
    """Make the error of an answer: ``body`` is a Status as the API server sends it, or any text."""
    kind = Unavailable if status == 0 or status >= 500 else _BY_STATUS.get(status, ApiError)
    found = body if isinstance(body, dict) else _status(body)
    reason = str(found.get("reason") or "Unknown")
    message = str(found.get("message") or "no message")[:MOST_MESSAGE]
    details = found.get("details") or {}
    causes = details.get("causes") or ()
    if any(cause.get("field") == _UID for cause in causes):
        kind, status, reason = Conflict, 409, "AnotherObject"
    if budgets := [str(c.get("message")) for c in causes if c.get("reason") == _BUDGET]:
        # The message itself does not say which.
        message = f"{message} {'; '.join(budgets)}"[:MOST_MESSAGE]
    seconds = details.get("retryAfterSeconds")
    if retry_after is None and seconds:
        retry_after = float(seconds)
    return kind(status, reason, message, retry_after)


def _status(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    # A proxy on the way answers in words of its own.
    return found if isinstance(found, dict) else {"message": body.decode(errors="replace").strip()}
