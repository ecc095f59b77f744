"""Looking for a program that is there already, and asking a program for its version."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.binaries.catalogue import Binary
from lab.places import cache

Say = Callable[[str], None]

ASSETS = ("GLEDE_LAB_ASSETS", "KUBEBUILDER_ASSETS")
# A wrong program of the same name may do anything when called, even wait for ever.
VERSION_SECONDS = 15.0


def quiet(_line: str) -> None:
    """Say nothing."""


def folder() -> Path:
    """Give the cache's folder of programs."""
    return cache() / "bin"


def cached_as(binary: Binary) -> Path:
    """Give the path at which a built program stands in the cache."""
    return folder() / f"{binary.name}-{binary.version}"


def downloaded_as(binary: Binary, label: str) -> Path:
    """Give the path at which a downloaded program stands in the cache."""
    return folder() / f"{binary.name}-{label}"


def look(binary: Binary, say: Say = quiet) -> Path | None:
    """Find a program in the assets folders, on the path or in the cache, in this order.

    A folder that somebody named is taken at its word; on the path the minor version must be right.
    """
    return _in_assets(binary.name) or _on_path(binary, say) or in_cache(binary)


def in_cache(binary: Binary) -> Path | None:
    """Find a program in the cache; what stands there was checked when it was put there."""
    labels = dict.fromkeys([binary.version, *(release.label for release in binary.releases)])
    paths = (downloaded_as(binary, label) for label in labels)
    return next((path for path in paths if _runs(path)), None)


def answer(binary: Binary, path: Path) -> str:
    """Give what a program says of its version, on one line; it begins with a dash if it could not be run."""
    arguments = [str(path), *binary.version_call]
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=VERSION_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"- {error}"
    return " ".join((done.stdout + done.stderr).decode(errors="replace").split())


def _in_assets(name: str) -> Path | None:
    for variable in ASSETS:
        for given in filter(None, os.environ.get(variable, "").split(os.pathsep)):
            path = Path(given) / name
            if _runs(path):
                return path
    return None


def _on_path(binary: Binary, say: Say) -> Path | None:
    found = shutil.which(binary.name)
    if found is None:
        return None
    said = answer(binary, Path(found))
    if binary.says in said:
        return Path(found)
    say(f"{binary.name}: {found} says {said[:60]!r}, not {binary.says!r}: looking further")
    return None


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
