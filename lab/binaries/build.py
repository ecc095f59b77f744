"""Building programs with Go, from the modules that lab/tools pins."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.binaries.catalogue import TOOLS, Binary
from lab.binaries.place import put, workspace
from lab.binaries.search import ASSETS, Say, cached_as
from lab.errors import LabError
from lab.places import cache

SAY_SECONDS = 15.0
POLL_SECONDS = 0.5
STOP_SECONDS = 5.0
_GB = 1e9


def go_folder() -> Path:
    """Give the folder of Go's own caches: gigabytes that only a build needs."""
    return cache() / "go"


def build(binaries: Sequence[Binary], say: Say) -> None:
    """Build programs of one tool, with the same flags, and put each into the cache as it is ready.

    Raises LabError without Go or space, and when a build fails. What an interrupted build had compiled stays
    in Go's cache, so the next one goes on from there.
    """
    names = " ".join(binary.name for binary in binaries)
    go = _go(names, binaries[0])
    _check_space(names, max(binary.disk_gb for binary in binaries))
    begin = time.monotonic()
    say(f"{names}: building {binaries[0].version} with {go}")
    with workspace() as place:
        log = place / "log"
        with log.open("wb") as output, _running(go, binaries, place, output.fileno()) as process:
            _follow(process, binaries, place, begin, say)
        if process.returncode:
            raise LabError(f"{names}: go build failed: {_reason(log)}")
        for binary in binaries:
            _settle(binary, place, begin, say)


def _go(names: str, binary: Binary) -> str:
    found = shutil.which("go")
    if found is None:
        need = _go_line(binary)
        raise LabError(
            f"{names}: not in {' or '.join(ASSETS)}, on the path or in {cached_as(binary).parent}, not to be "
            f"downloaded, and no go to build with; install Go {need}, or put {names} ({binary.version}) into "
            f"a folder and name it in {ASSETS[0]}"
        )
    return found


def _go_line(binary: Binary) -> str:
    """Give the Go version that the tool's module asks for."""
    text = (TOOLS / binary.tool / "go.mod").read_text()
    found = re.search(r"^go ([\d.]+)$", text, re.MULTILINE)
    return found.group(1) if found else "of today"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def environment(binary: Binary, place: Path, go: str) -> dict[str, str]:
    """Give the variables for ``go``: caches of the lab's own, nothing of the machine's settings."""
    said = subprocess.run(
        [go, "version"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )
    have = re.search(r"go(\d+\.\d+(\.\d+)?)", said.stdout)
    old = have is None or _numbers(have.group(1)) < _numbers(_go_line(binary))
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        # Writable modules, so that their owner can remove them.
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOWORK": "off",
        # A Go that is too old for the module may fetch the one it needs, as a module; a good one stays.
        "GOTOOLCHAIN": "auto" if old else "local",
        "GOCACHE": str(go_folder() / "build"),
        "GOMODCACHE": str(go_folder() / "mod"),
        # On the cache's file system go renames what it linked into place: a file that is there is whole.
        "GOTMPDIR": str(place),
    }


def command(go: str, binaries: Sequence[Binary], place: Path) -> list[str]:
    """Give the one ``go build`` that makes these programs, which must agree on flags and tags."""
    first = binaries[0]
    flags = f"-s -w {first.ldflags}".strip()
    tags = ["-tags", first.tags] if first.tags else []
    packages = [binary.package for binary in binaries]
    return [go, "build", "-trimpath", *tags, "-ldflags", flags, "-o", f"{place}{os.sep}", *packages]


@contextmanager
def _running(
    go: str, binaries: Sequence[Binary], place: Path, output: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the build, and end it with its compilers when the block is left early."""
    process = subprocess.Popen(
        command(go, binaries, place),
        cwd=TOOLS / binaries[0].tool,
        env=environment(binaries[0], place, go),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        # A group of its own: go does not pass a signal on to the compilers it started.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _follow(
    process: subprocess.Popen[bytes], binaries: Sequence[Binary], place: Path, begin: float, say: Say
) -> None:
    """Wait for the build's end, telling how long it takes, and settle each program once it is linked."""
    told = begin
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
        for binary in binaries:
            # One that is not usable is for the end: go might not have been able to rename it into place.
            with suppress(LabError):
                _settle(binary, place, begin, say)
        left = " ".join(binary.name for binary in binaries if not cached_as(binary).exists())
        if left and time.monotonic() - told >= SAY_SECONDS:
            told = time.monotonic()
            say(f"{left}: building, {told - begin:.0f} s so far")


def _settle(binary: Binary, place: Path, begin: float, say: Say) -> None:
    target = cached_as(binary)
    program = place / binary.built_as
    if target.exists():
        return
    try:
        put(binary, program, target)
    except OSError as error:
        raise LabError(f"{binary.name}: built, but not usable: {error}") from error
    say(f"{binary.name}: built in {time.monotonic() - begin:.0f} s: {target}")


def _reason(log: Path) -> str:
    """Give the first complaint in the log: the lines about downloads before it are no news."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    said = [line for line in lines if line and not line.startswith(("go: downloading", "#"))]
    return said[0] if said else "it said nothing"


def _check_space(names: str, needed: float) -> None:
    """Raise LabError if the disk is too small to build on. What Go's caches hold already counts as space."""
    place = cache()
    free = shutil.disk_usage(place).free / _GB
    if free < needed:
        free += _size(go_folder()) / _GB
    if free < needed:
        raise LabError(
            f"{names}: building takes up to {needed:.0f} GB in {place} and {free:.1f} GB are free; free "
            f"{needed - free:.1f} GB, or name a folder on a larger disk in GLEDE_LAB_CACHE"
        )


def _size(place: Path) -> float:
    total = 0
    for root, _, files in os.walk(place):
        for name in files:
            with suppress(OSError):
                total += (Path(root) / name).lstat().st_blocks * 512
    return total


def clean(say: Say) -> None:
    """Remove Go's caches; the programs stay. Hold the lock."""
    place = go_folder()
    if not place.exists():
        return
    freed = _size(place) / _GB
    # A module cache that was filled without -modcacherw has folders that even their owner cannot write to.
    for root, _, _ in os.walk(place):
        Path(root).chmod(0o700)
    shutil.rmtree(place)
    say(f"{place}: removed, {freed:.1f} GB")
