"""Moments: this one, and how Kubernetes writes one."""

from datetime import UTC, datetime


def this_moment() -> datetime:
    """Give this moment, in UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """Write a moment, which is in UTC, as Kubernetes does, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
