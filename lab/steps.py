"""Timing the steps of a start, and telling them as they end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.errors import LabError


class Steps:
    """Names and seconds of steps; ``say`` gets a line for each."""

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self._say = say
        self.taken: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block. Its LabError is raised again with the step's name before it."""
        begin = time.monotonic()
        try:
            yield
        except LabError as error:
            raise LabError(f"{name}: {error}") from error
        seconds = time.monotonic() - begin
        self.taken.append((name, seconds))
        self._say(f"{seconds:6.1f} s  {name}")

    @property
    def total(self) -> float:
        """The sum of all steps, in seconds."""
        return sum(seconds for _, seconds in self.taken)
