"""Timing the steps of a start, and telling them as they end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.errors import LabError


class Steps:
    """Times steps; ``say`` gets a line for each."""

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self._say = say

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block. Its LabError is raised again with the step's name before it."""
        begin = time.monotonic()
        try:
            yield
        except LabError as error:
            raise LabError(f"{name}: {error}") from error
        self._say(f"{time.monotonic() - begin:6.1f} s  {name}")
