"""One process at a time fills a cache; the others wait and then find what it made."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError


@contextmanager
def exclusive(folder: Path, doing: str, say: Callable[[str], None]) -> Iterator[None]:
    """Make a folder and hold its lock; wait, and ``say`` so, while another process is ``doing`` it.

    Raises LabError when the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise LabError(f"{folder}: {error.strerror}; name a folder to write to in GLEDE_LAB_CACHE") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that {doing} (it holds {file.name})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
