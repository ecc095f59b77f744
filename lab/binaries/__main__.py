"""The command ``python -m lab.binaries NAME... [--clean]``: print each program's name and path."""

import argparse
import sys
from collections.abc import Sequence

from lab.binaries.build import clean
from lab.binaries.catalogue import BINARIES
from lab.binaries.obtain import ensure
from lab.binaries.place import filling
from lab.entry import ended, interruptible, say


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

    def command() -> None:
        for name, path in ensure(arguments.names, say).items():
            sys.stdout.write(f"{name} {path}\n")
        if arguments.clean:
            with filling(say):
                clean(say)

    return ended(command, "the next run goes on from here")


if __name__ == "__main__":
    interruptible()
    sys.exit(main())
