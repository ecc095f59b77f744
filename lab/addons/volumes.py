"""Where a volume's data are: a folder of this machine, or a small file system in a file."""

import re
import shutil
from pathlib import Path

from lab.commands import run
from lab.errors import LabError

_QUANTITY = re.compile(r"(\d+)(Ki|Mi|Gi|k|M|G)?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
LEAST_BYTES = 8 << 20


def make_folder(path: Path) -> None:
    """Make a volume's folder, for pods of any user."""
    path.mkdir(exist_ok=True)
    path.chmod(0o777)


def mount_file_system(path: Path, size: str) -> None:
    """Make ``path`` a file system of ``size`` (a Kubernetes quantity), or mount the one it had before."""
    if path.is_mount():
        return
    image = _image(path)
    if not image.exists():
        wanted = max(bytes_of(size), LEAST_BYTES)
        with image.open("wb") as file:
            file.truncate(wanted)
        run(["mkfs.ext4", "-q", "-m", "0", image])
    path.mkdir(exist_ok=True)
    run(["mount", "-o", "loop", image, path])
    path.chmod(0o777)


def remove(path: Path) -> None:
    """Remove a volume with its data."""
    if path.is_mount():
        run(["umount", "--lazy", path])
    shutil.rmtree(path, ignore_errors=True)
    _image(path).unlink(missing_ok=True)


def bytes_of(size: str) -> int:
    """Read a quantity. Raises LabError for one that is not whole bytes."""
    found = _QUANTITY.fullmatch(size)
    if not found:
        raise LabError(f"storage {size!r}: expected whole bytes, for example 64Mi")
    return int(found[1]) * _UNITS[found[2] or ""]


def _image(path: Path) -> Path:
    return path.with_suffix(".ext4")
