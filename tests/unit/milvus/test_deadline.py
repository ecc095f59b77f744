"""Whether a Deployment has missed its deadline with the template that it has now."""

from typing import Any

import pytest

from glede.milvus.deadline import Overdue, overdue

LATE = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "too late"}


def deployment(applied: str, said: str, **condition: Any) -> dict[str, Any]:
    """Give a Deployment with a deadline of a minute."""
    entries = [
        {"manager": "other", "operation": "Apply", "time": "2026-03-01T23:00:00Z"},
        {"manager": "glede", "operation": "Apply", "subresource": "status", "time": "2026-03-01T23:00:00Z"},
        {"manager": "glede", "operation": "Apply", "time": applied},
    ]
    return {
        "metadata": {"managedFields": entries if applied else []},
        "spec": {"progressDeadlineSeconds": 60},
        "status": {"conditions": [{**LATE, "lastUpdateTime": said, **condition}]},
    }


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ("2026-03-01T12:01:01Z", ""),
        ("2026-03-01T12:00:30Z", ""),  # clocks differ
        ("2026-03-01T12:00:00Z", "2026-03-01T12:01:00Z"),
        ("2026-03-01T11:00:00Z", "2026-03-01T12:01:00Z"),
    ],
)
def test_what_was_said_before_the_last_apply_counts_after_another_deadline(said: str, since: str) -> None:
    assert overdue(deployment("2026-03-01T12:00:00Z", said), "glede") == Overdue("too late", since)


def test_without_a_moment_it_counts_at_once() -> None:
    assert overdue(deployment("", "2026-03-01T12:00:00Z"), "glede") == Overdue("too late")
    assert overdue(deployment("2026-03-01T12:00:00Z", ""), "glede") == Overdue("too late")


def test_what_makes_progress_is_not_late() -> None:
    found = deployment("2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z", reason="ReplicaSetUpdated")
    assert overdue(found, "glede") == Overdue()
