"""The command ``python -m lab.binaries NAME... [--clean]``: print each program's name and path."""

import argparse
import signal
import sys
from collections.abc import Sequence

from lab.binaries.build import clean
from lab.binaries.catalogue import BINARIES
from lab.binaries.obtain import ensure
from lab.binaries.place import exclusive
from lab.errors import LabError


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.binaries", description="Find, download or build programs."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BINARIES)}")
    parser.add_argument(
        "--clean", action="store_true", help="remove Go's caches afterwards; the programs stay"
    )
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    arguments = _arguments(given)
    try:
        for name, path in ensure(arguments.names, _say).items():
            sys.stdout.write(f"{name} {path}\n")
        if arguments.clean:
            with exclusive(_say):
                clean(_say)
    except LabError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; the next run goes on from here")
        return 130
    return 0


def _stop(_number: int, _frame: object) -> None:
    # An exception, so that a running build is ended too.
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
