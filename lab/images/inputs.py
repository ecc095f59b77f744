"""What images are made of beside the files of their recipes: packages of the registries, and programs.

Each input says what it is before it is fetched (``identity``), so that an image which exists already costs
no download. Addresses of registries are never here: apt, pip and Maven use those they are configured with.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.binaries import ensure
from lab.binaries.catalogue import named as binaries_named
from lab.errors import LabError
from lab.images.debian import prepare, root_files
from lab.images.logged import logged

Say = Callable[[str], None]

REPOSITORY = Path(__file__).resolve().parents[2]
FETCH_SECONDS = 900.0
# pip matches a platform exactly, so each that a wheel for Debian 12's glibc 2.36 may carry is named.
_PLATFORMS = tuple(
    f"{tag}_x86_64"
    for tag in (
        *(f"manylinux_2_{minor}" for minor in range(36, 4, -1)),
        "manylinux2014",
        "manylinux2010",
        "manylinux1",
    )
)
_PYTHON = "311"  # Debian 12's


class Input(Protocol):
    """Something that is put into the folder from which an image is built."""

    def identity(self) -> str:
        """Tell what it is, without fetching it: another identity means another image."""

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Put it into a folder. Raises LabError."""


@dataclass(frozen=True, slots=True)
class RootFiles:
    """``rootfs.tar``: a Debian suite's required packages."""

    suite: str

    def identity(self) -> str:
        """Give the suite: newer packages in it make no new image; remove the archive to get them."""
        return f"debian {self.suite}"

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Unpack and configure the packages."""
        root_files(self.suite, into / "rootfs.tar", log, say)


@dataclass(frozen=True, slots=True)
class Binaries:
    """``bin/NAME``: programs that lab.binaries knows."""

    names: tuple[str, ...]

    def identity(self) -> str:
        """Give the versions that lab.binaries pins, not digests: a digest would need the programs."""
        return ", ".join(f"{one.name} {one.version} {one.ldflags}" for one in binaries_named(self.names))

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Copy the programs, which may have to be built first."""
        (into / "bin").mkdir()
        for name, path in ensure(self.names, say).items():
            target = into / "bin" / name
            shutil.copyfile(path, target)
            target.chmod(0o755)


@dataclass(frozen=True, slots=True)
class Jars:
    """``jars/*.jar``: a Maven file's dependencies; the recipe checks their digests."""

    pom: Path

    def identity(self) -> str:
        """Give the digest of the Maven file."""
        return digest_of([self.pom])

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Copy the jars from Maven's registry or its cache."""
        prepare(say, ("mvn",))
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into / 'jars'}"]
        logged(["mvn", "-B", "-C", "-ntp", "-f", self.pom, *goal], log, seconds=FETCH_SECONDS)


@dataclass(frozen=True, slots=True)
class Wheels:
    """``wheels/*.whl``: what a lock names, checked against its digests."""

    lock: Path

    def identity(self) -> str:
        """Give the lock's digest."""
        return digest_of([self.lock])

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Download the wheels for Debian 12's Python, whatever Python runs this."""
        platforms = [word for one in _PLATFORMS for word in ("--platform", one)]
        python = ["--only-binary=:all:", "--implementation=cp", f"--python-version={_PYTHON}"]
        exact = ["--no-deps", "--require-hashes", "--requirement", str(self.lock)]
        _pip(["download", "--dest", str(into / "wheels"), *python, *platforms, *exact], log)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock itself, as requirements.lock."""

    path: Path

    def identity(self) -> str:
        """Give the lock's digest."""
        return digest_of([self.path])

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Copy it."""
        shutil.copyfile(self.path, into / "requirements.lock")


@dataclass(frozen=True, slots=True)
class Project:
    """``wheel/*.whl``: the wheel of a Python project."""

    root: Path

    def identity(self) -> str:
        """Give the digest of the files that the wheel is built of."""
        sources = [path for path in (self.root / "src").rglob("*") if path.is_file()]
        kept = [path for path in sources if "__pycache__" not in path.parts]
        return digest_of([self.root / "pyproject.toml", *kept], self.root)

    def fetch(self, into: Path, log: Path, say: Say) -> None:
        """Build the wheel."""
        _pip(["wheel", "--no-deps", "--wheel-dir", str(into / "wheel"), str(self.root)], log)


def digest_of(paths: Iterable[Path], root: Path | None = None) -> str:
    """Give the digest of files: contents, permission to run, and names below ``root``."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(root).as_posix() if root else path.name
        runs = os.access(path, os.X_OK)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{name}\0{runs}\0{content}\n".encode())
    return whole.hexdigest()


def _pip(words: list[str], log: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    try:
        logged([*pip, *words], log, seconds=FETCH_SECONDS)
    except LabError as error:
        raise LabError(f"pip {words[0]}: {error}") from error
