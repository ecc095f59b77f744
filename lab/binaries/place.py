"""Putting programs into the cache so that nobody ever sees half of one."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.binaries.catalogue import Binary
from lab.binaries.search import Say, answer, folder
from lab.errors import LabError

_PREFIX = ".new-"


@contextmanager
def exclusive(say: Say) -> Iterator[None]:
    """Hold the lock under which the cache is filled; wait for it if another process does that now."""
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        file = (place / ".lock").open("w")
    except OSError as error:
        raise LabError(f"{place}: {error.strerror}; name a folder to write to in GLEDE_LAB_CACHE") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that builds or downloads (it holds {file.name})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder on the cache's own file system, so that a rename from it is atomic; hold the lock.

    What a process left that was killed in its own one is removed too.
    """
    for left in folder().glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder()))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def put(binary: Binary, program: Path, target: Path) -> None:
    """Rename a program to its place in the cache. Raises OSError when it is not the version it should be."""
    program.chmod(0o755)
    said = answer(binary, program)
    if binary.says not in said:
        raise OSError(f"{binary.name} says {said[:80]!r}, not {binary.says!r}")
    program.replace(target)
