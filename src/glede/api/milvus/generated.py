"""Files that are generated and committed: write them, or tell which differ."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def write(files: Mapping[Path, str]) -> None:
    """Write each file, and the folders it stands in."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def outdated(files: Mapping[Path, str]) -> list[Path]:
    """Give the files that are missing or hold something else."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]


def run(module: str, make: Callable[[Path], Mapping[Path, str]], arguments: Sequence[str]) -> int:
    """Run a generator's command line; ``make`` gives the files for the place named by ``--out``.

    Gives the exit code: 1 when ``--check`` finds a file that differs.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--out", type=Path, required=True, help="where to write")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    options = parser.parse_args(arguments)
    files = make(options.out)
    if not options.check:
        write(files)
        return 0
    old = outdated(files)
    for path in old:
        sys.stderr.write(f"{path}: not what its sources give; run python -m {module} --out {options.out}\n")
    return 1 if old else 0
