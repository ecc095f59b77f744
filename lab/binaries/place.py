"""Putting programs into the cache so that nobody ever sees half of one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.binaries.catalogue import Binary
from lab.binaries.search import Say, answer, folder
from lab.exclusive import exclusive

_PREFIX = ".new-"


@contextmanager
def filling(say: Say) -> Iterator[None]:
    """Hold the lock under which the cache of programs is filled. Raises LabError."""
    with exclusive(folder(), "builds or downloads", say):
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
