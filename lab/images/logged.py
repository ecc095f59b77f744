"""Running programs that say much: all of it goes to a log, and an error tells the last line and the log."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError

STOP_SECONDS = 10.0


def logged(words: Sequence[str | Path], log: Path, *, seconds: float) -> None:
    """Run a program to its end. Raises LabError when it fails, is missing or takes too long."""
    with log.open("ab") as output:
        output.write(f"$ {' '.join(map(str, words))}\n".encode())
        output.flush()
        try:
            process = subprocess.Popen(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise LabError(f"{words[0]}: not found; install it and try again") from error
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{words[0]}: no end after {seconds:g} s; its log is {log}") from error
        finally:
            _end(process)
    if code:
        raise LabError(f"{words[0]}: exit code {code}: {_last_line(log)}; the whole log is {log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that was interrupted, with its children: politely first, so that it unmounts."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
            return


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip()
