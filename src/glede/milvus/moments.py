"""Moments: this one, how Kubernetes writes one, and which of several comes first."""

from datetime import UTC, datetime


def this_moment() -> datetime:
    """Give this moment, in UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """Write a moment, which is in UTC, as Kubernetes does, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def soonest(*waits: float | None) -> float | None:
    """Give the shortest of several waits, in seconds; None stands for none."""
    return min((seconds for seconds in waits if seconds is not None), default=None)
