"""Finding programs, and getting those that are nowhere."""

import itertools
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.binaries.build import build
from lab.binaries.catalogue import Binary, named
from lab.binaries.download import download
from lab.binaries.place import filling
from lab.binaries.search import Say, in_cache, look, quiet
from lab.errors import LabError

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def find_binary(name: str, say: Say = quiet) -> Path:
    """Give the path of a program, getting it first if need be: minutes, told to ``say``. Raises LabError."""
    return ensure([name], say)[name]


def ensure(names: Sequence[str], say: Say = quiet) -> dict[str, Path]:
    """Give the paths of programs by name, getting first what is missing, in this order.

    Looked for in the folders of GLEDE_LAB_ASSETS and KUBEBUILDER_ASSETS, on the path, in the cache; then an
    official release is downloaded, and as the last resort Go builds it. Neighbours of one tool are built
    together, which is faster than one by one. Raises LabError.
    """
    found: dict[str, Path] = {}
    missing: list[Binary] = []
    for binary in named(names):
        path = look(binary, say)
        if path:
            found[binary.name] = path
        else:
            missing.append(binary)
    refused: set[str] = set()
    for _, group in itertools.groupby(missing, lambda binary: (binary.tool, binary.ldflags, binary.tags)):
        found.update(_get(list(group), refused, say))
    return {name: found[name] for name in names}


def _get(binaries: Sequence[Binary], refused: set[str], say: Say) -> dict[str, Path]:
    """Download or build; ``refused`` are the addresses that this call has tried in vain."""
    with filling(say):
        # Whoever held the lock before may have made them.
        for binary in _missing(binaries):
            release = binary.release(_MACHINES.get(platform.machine(), ""))
            if release and release.url not in refused and not in_cache(binary) and not download(release, say):
                refused.add(release.url)
        left = _missing(binaries)
        if left:
            build(left, say)
    return {binary.name: _present(binary) for binary in binaries}


def _missing(binaries: Iterable[Binary]) -> list[Binary]:
    return [binary for binary in binaries if not in_cache(binary)]


def _present(binary: Binary) -> Path:
    path = in_cache(binary)
    if path is None:
        raise LabError(
            f"{binary.name}: made, but gone from the cache; something removes files there: try again"
        )
    return path
