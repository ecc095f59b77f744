"""A disk without room."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabError

BLOCK = 1 << 20
LARGEST = 4 << 30
NAME = ".lab-fills-the-disk"


@contextlib.contextmanager
def filled(folder: Path, leave: int = 0) -> Iterator[None]:
    """Fill the file system of ``folder`` but for ``leave`` bytes; on leaving the room is given back.

    Only for a small one: a volume of the class ``lab-sized``. Raises LabError for the machine's own disk.
    """
    if folder.stat().st_dev == Path("/").stat().st_dev:
        raise LabError(f"{folder}: on the machine's own disk; give the claim the class lab-sized")
    usage = shutil.disk_usage(folder)
    if usage.total > LARGEST:
        raise LabError(
            f"{folder}: {usage.total >> 30} GiB large, expected at most {LARGEST >> 30}; use a smaller volume"
        )
    path = folder / NAME
    try:
        with path.open("wb") as file:
            _fill(file.fileno(), leave, folder)
        yield
    finally:
        path.unlink(missing_ok=True)


def _fill(descriptor: int, leave: int, folder: Path) -> None:
    size = 0
    step = BLOCK
    while shutil.disk_usage(folder).free > leave and step:
        try:
            os.posix_fallocate(descriptor, size, step)
            size += step
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            step //= 2 if step > 4096 else step + 1
