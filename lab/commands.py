"""Running other programs to their end."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

SECONDS = 60.0


def run(
    arguments: Sequence[str | Path],
    *,
    seconds: float = SECONDS,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a program and give what it printed.

    Raises LabError, with the program's last words, when it fails, is missing or takes too long.
    """
    words = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(
            words, input=stdin, capture_output=True, timeout=seconds, check=True, env=env, cwd=cwd
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]}: not found; install it and try again") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words)}: no end after {seconds:g} s") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip().splitlines()
        # Some point at the place below their message; what names an error says more than what comes last.
        last = next((line for line in said if "rror" in line), said[-1] if said else "it said nothing")
        raise LabError(f"{' '.join(words)}: exit code {error.returncode}: {last}") from error
    return done.stdout.decode(errors="replace")


def succeeds(arguments: Sequence[str | Path], *, seconds: float = SECONDS) -> bool:
    """Tell whether a program ends with exit code 0."""
    try:
        run(arguments, seconds=seconds)
    except LabError:
        return False
    return True


def program(name: str) -> Path:
    """Find a program on the path. Raises LabError."""
    found = shutil.which(name)
    if not found:
        raise LabError(f"{name}: not found on the path; install it and try again")
    return Path(found)
