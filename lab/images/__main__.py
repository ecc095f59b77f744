"""The command ``python -m lab.images NAME...``: build images where needed, and print their archives."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError
from lab.images.build import archive_of, build, stage
from lab.images.catalogue import IMAGES, named


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.images", description="Build images.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(IMAGES)}")
    parser.add_argument("--list", action="store_true", help="list the images, and the archives that exist")
    parser.add_argument(
        "--context",
        type=Path,
        metavar="FOLDER",
        help="build nothing; put what `docker build` needs into FOLDER/NAME",
    )
    return parser.parse_args(given)


def _list() -> None:
    for name, image in IMAGES.items():
        archive = archive_of(name)
        state = str(archive) if archive.exists() else "not built"
        sys.stdout.write(f"{name:13} {image.reference:42} {state}\n")


def _prepare_context(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    context = folder / name
    stage(named(name), context, folder / f"{name}.log", _say)
    return context


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    arguments = _arguments(given)
    try:
        if arguments.list or not arguments.names:
            _list()
        for name in arguments.names:
            path = _prepare_context(name, arguments.context) if arguments.context else build(name, _say)
            sys.stdout.write(f"{path}\n")
    except LabError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; what is built is kept")
        return 130
    return 0


def _stop(_number: int, _frame: object) -> None:
    # An exception, so that a running build is ended too.
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
