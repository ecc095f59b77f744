"""Fetching official releases, which must match the digest that the catalogue pins."""

import hashlib
import shutil
import tarfile
import time
from pathlib import Path

import httpx

from lab.binaries.catalogue import BINARIES, Binary, Release
from lab.binaries.place import put, workspace
from lab.binaries.search import Say, downloaded_as

CONNECT_SECONDS = 3.0
# Without a byte for so long a download is given up: building needs no patience of a server.
READ_SECONDS = 20.0
SAY_SECONDS = 15.0
# The digest is of the file as it lies there, so nothing may be unpacked on the way.
_AS_IS = {"Accept-Encoding": "identity"}
_PIECE = 1 << 20


class _RefusedError(Exception):
    """The file came but is not what it should be."""


def download(release: Release, say: Say) -> bool:
    """Fetch a release and put every program of the catalogue that it holds into the cache.

    Gives whether that went well. If not, one line tells why, and nothing of it is left.
    """
    begin = time.monotonic()
    members = _members(release)
    names = " ".join(binary.name for binary, _ in members)
    try:
        with workspace() as folder:
            archive = folder / "archive"
            _fetch(release, archive, say)
            for binary, found in members:
                program = _extract(archive, found.member, folder / binary.name)
                put(binary, program, downloaded_as(binary, found.label))
    except (httpx.HTTPError, OSError, tarfile.TarError, _RefusedError) as error:
        say(f"{names}: no download from {release.url}: {error}")
        return False
    say(f"{names}: downloaded in {time.monotonic() - begin:.0f} s")
    return True


def _members(release: Release) -> list[tuple[Binary, Release]]:
    """Give the programs that come with a file: one download of a few hundred MB serves them all."""
    pairs = ((binary, binary.release(release.machine)) for binary in BINARIES.values())
    return [(binary, found) for binary, found in pairs if found and found.url == release.url]


def _fetch(release: Release, target: Path, say: Say) -> None:
    algorithm, expected = release.digest.split(":")
    digest = hashlib.new(algorithm)
    limits = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with (
        httpx.stream("GET", release.url, headers=_AS_IS, timeout=limits, follow_redirects=True) as response,
        target.open("wb") as file,
    ):
        response.raise_for_status()
        size, told = 0, time.monotonic()
        for piece in response.iter_raw(_PIECE):
            digest.update(piece)
            file.write(piece)
            size += len(piece)
            if time.monotonic() - told > SAY_SECONDS:
                told = time.monotonic()
                say(f"{release.url}: {size / 1e6:.0f} MB so far")
    if digest.hexdigest() != expected:
        raise _RefusedError(f"{algorithm} is {digest.hexdigest()}, not the pinned {expected}; refused")


def _extract(archive: Path, member: str, target: Path) -> Path:
    with tarfile.open(archive) as tar:
        try:
            source = tar.extractfile(member)
        except KeyError as error:
            raise _RefusedError(f"it holds no {member}") from error
        if source is None:
            raise _RefusedError(f"{member} in it is not a file")
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    return target
