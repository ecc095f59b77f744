"""The command ``python -m lab.images NAME...``: build images where needed, and print their archives."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.entry import ended, interruptible, say
from lab.images.build import archive_of, build, stage
from lab.images.catalogue import IMAGES, named


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
        sys.stdout.write(f"{name:21} {image.reference:42} {state}\n")


def _prepare_context(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    context = folder / name
    stage(named(name), context, folder / f"{name}.log", say)
    return context


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; give its exit code."""
    arguments = _arguments(given)

    def command() -> None:
        if arguments.list or not arguments.names:
            _list()
        for name in arguments.names:
            path = _prepare_context(name, arguments.context) if arguments.context else build(name, say)
            sys.stdout.write(f"{path}\n")

    return ended(command, "what is built is kept")


if __name__ == "__main__":
    interruptible()
    sys.exit(main())
