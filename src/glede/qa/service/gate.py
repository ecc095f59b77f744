"""Bounded concurrency: over capacity a caller is told so at once, never queued without end."""

from collections.abc import Iterator
from contextlib import contextmanager

from glede.qa.service.problems import Problem


class Gate:
    """At most ``limit`` inside at one time. Belongs to one event loop."""

    def __init__(self, limit: int, what: str, setting: str) -> None:
        self.limit = limit
        self.inside = 0
        self.rejected = 0
        self._what = what
        self._setting = setting

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a place. Raises Problem 429 when there is none."""
        if self.inside >= self.limit:
            self.rejected += 1
            raise Problem(
                429, f"{self.inside} {self._what}, the most that {self._setting} allows; try again soon", 1
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
