"""How a command of the lab ends: an exit code, and one line when something is wrong."""

import signal
import sys
from collections.abc import Callable

from lab.errors import LabError


def say(line: str) -> None:
    """Tell progress, beside what the command prints."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def ended(command: Callable[[], None], kept: str) -> int:
    """Run a command that builds, and give its exit code; ``kept`` tells what an interruption leaves."""
    try:
        command()
    except LabError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say(f"interrupted; {kept}")
        return 130
    return 0


def interruptible() -> None:
    """Let SIGTERM interrupt as Ctrl-C does: by an exception, so that a running build is ended too."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
