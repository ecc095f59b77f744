"""Processes that outlive the command which starts them: started, remembered, and ended by their id.

A record holds the process's id and the moment it began, so that an id which the kernel gave to somebody
else meanwhile is never signalled.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from lab.errors import LabError
from lab.places import Places

STOP_SECONDS = 10.0
LAST_LINES = 3
WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")

# What this process started itself, by id: a Popen that is dropped before it has seen the end warns.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that was started, and how; ``began`` is in seconds since the epoch."""

    name: str
    pid: int
    began: float
    arguments: list[str]
    env: dict[str, str]

    def process(self) -> psutil.Process | None:
        """Give the process while it lives, and only if it is still the one that was started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.began) < 1.0
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


def start(
    places: Places,
    name: str,
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    with_parent: bool = False,
) -> Daemon:
    """Start a daemon; what it prints goes to its log. ``with_parent``: it ends when this process does.

    Raises LabError when it is running already or cannot be started.
    """
    found = known(places).get(name)
    if found and found.process():
        raise LabError(f"{name}: is running already (process {found.pid}); run `python -m lab down` first")
    words = [*(WITH_PARENT if with_parent else ()), *map(str, arguments)]
    with log_of(places, name).open("ab") as log:
        try:
            popen = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
        except OSError as error:
            raise LabError(f"{name}: {words[0]} cannot be started ({error.strerror})") from error
    _children[popen.pid] = popen
    daemon = Daemon(name, popen.pid, psutil.Process(popen.pid).create_time(), words, dict(env or {}))
    # Renamed into place: another thread may be reading the records.
    unfinished = places.run / f"{name}.new"
    unfinished.write_text(json.dumps(asdict(daemon)))
    unfinished.rename(places.run / f"{name}.json")
    return daemon


def known(places: Places) -> dict[str, Daemon]:
    """Give the daemons that were started and not stopped, in the order of their start."""
    records = [json.loads(path.read_text()) for path in places.run.glob("*.json")]
    daemons = [Daemon(**record) for record in records]
    return {daemon.name: daemon for daemon in sorted(daemons, key=lambda one: one.began)}


def stop(places: Places, name: str, seconds: float = STOP_SECONDS) -> None:
    """End a daemon: politely, then by force. Does nothing when it is not running."""
    daemon = known(places).get(name)
    if daemon is None:
        return
    for politely in (signal.SIGTERM, signal.SIGCONT):
        _signal(daemon, politely)
    if not _ends(daemon, seconds):
        _signal(daemon, signal.SIGKILL)
        _ends(daemon, seconds)
    (places.run / f"{name}.json").unlink(missing_ok=True)


def kill(places: Places, name: str) -> None:
    """End a daemon by SIGKILL; it can be started ``again``."""
    daemon = one(places, name)
    _signal(daemon, signal.SIGKILL)
    _ends(daemon, STOP_SECONDS)


def again(places: Places, name: str) -> None:
    """Start a daemon as it was started before; does nothing while it runs."""
    daemon = one(places, name)
    if daemon.process() is None:
        start(places, name, daemon.arguments, env=daemon.env)


def one(places: Places, name: str) -> Daemon:
    """Give a daemon by name. Raises LabError when it was never started."""
    found = known(places).get(name)
    if found is None:
        raise LabError(f"{name}: no such daemon; `python -m lab status` lists them")
    return found


def _signal(daemon: Daemon, number: int) -> None:
    process = daemon.process()
    if process:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _ends(daemon: Daemon, seconds: float) -> bool:
    """Wait for a daemon's end. A zombie has ended: whoever adopted it may take seconds to notice."""
    end = time.monotonic() + seconds
    while daemon.process():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    child = _children.pop(daemon.pid, None)
    if child:
        child.wait(STOP_SECONDS)
    return True


def check(places: Places, daemon: Daemon) -> None:
    """Raise LabError, with the last lines of its log, when a daemon has ended by itself."""
    if daemon.process() is None:
        log = log_of(places, daemon.name)
        raise LabError(f"{daemon.name}: has ended; its log {log} ends: {tail(places, daemon.name)}")


def tail(places: Places, name: str, lines: int = LAST_LINES) -> str:
    """Give the last lines of a daemon's log, on one line."""
    path = log_of(places, name)
    text = path.read_text(errors="replace") if path.exists() else ""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-lines:]) or "nothing"


def log_of(places: Places, name: str) -> Path:
    """Give the path of a daemon's log."""
    return places.logs / f"{name}.log"


@contextlib.contextmanager
def paused(daemon: Daemon) -> Iterator[None]:
    """Hold a daemon by SIGSTOP while the block lasts."""
    process = daemon.process()
    if process is None:
        raise LabError(f"{daemon.name}: is not running")
    process.suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def wait_for(what: str, seconds: float, pause: float = 0.05) -> Iterator[None]:
    """Loop until the caller breaks out, with a pause between tries. Raises LabError when time is over."""
    end = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() > end:
            raise LabError(f"{what}: not so within {seconds:g} s")
        time.sleep(pause)
