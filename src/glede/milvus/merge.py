"""Lay a Milvus's settings over the milvus.yaml of its image: run by each pod before Milvus starts.

``python -m glede.milvus.merge --base DIR --user FILE --out DIR``. Every version of Milvus reads milvus.yaml,
and some read nothing else. Needs PyYAML only.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from glede.milvus.layers import OPERATOR_FOLDER, laid_over, with_one_queue
from glede.milvus.refresh import without_refreshed

MAX_SETTINGS_BYTES = 4 * 1024 * 1024
MAX_FILES = 1000
MILVUS_YAML = "milvus.yaml"

_LINKS = {"user.yaml": "user.yaml", "hook.yaml": "hook_updates.yaml"}


class MergeError(Exception):
    """Settings that cannot be merged; the message names the file, what was found and the remedy."""


def merge(base: Path, user: Path, out: Path, *, refreshed: bool = False) -> None:
    """Fill ``out`` with the files of ``base``, and with milvus.yaml as ``user`` changes it.

    A hook.yaml beside ``user`` is merged likewise. With ``refreshed``, the settings that Milvus takes from
    user.yaml while it runs are left to that file, so that taking one out of it has its effect. Raises
    MergeError and OSError.
    """
    settings = read_settings(user)
    if refreshed:
        settings = without_refreshed(settings)
    merged = with_one_queue(laid_over(read_settings(base / MILVUS_YAML), settings))
    _copy(base, out)
    write_settings(merged, out / MILVUS_YAML)
    hook = user.with_name("hook.yaml")
    if hook.is_file():
        below = base / "hook.yaml"
        write_settings(
            laid_over(read_settings(below) if below.is_file() else {}, read_settings(hook)), out / "hook.yaml"
        )
    for name, link in _LINKS.items():
        if user.with_name(name).is_file():
            _link(f"{OPERATOR_FOLDER}/{name}", out / link)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings. Raises MergeError."""
    try:
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise MergeError(f"{path}: larger than {MAX_SETTINGS_BYTES} bytes, expected settings of Milvus")
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MergeError(f"{path}: no such file; is the image one of Milvus?") from error
    except UnicodeDecodeError as error:
        raise MergeError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        # The parser's message quotes the line, which may hold a credential.
        raise MergeError(f"{path}: not YAML{_place(error)}; correct spec.config") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MergeError(f"{path}: found {type(found).__name__}, expected a mapping of settings")
    return found


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def write_settings(settings: Mapping[str, Any], path: Path) -> None:
    """Write a YAML file at once: a reader finds the old one or the new one. Raises OSError."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".", delete=False
    ) as draft:
        try:
            yaml.safe_dump(dict(settings), draft, sort_keys=False, allow_unicode=True)
            draft.flush()
            os.fsync(draft.fileno())
            Path(draft.name).chmod(0o644)
            Path(draft.name).replace(path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise


def _copy(base: Path, out: Path) -> None:
    files = [path for path in sorted(base.rglob("*")) if path.is_file()]
    if len(files) > MAX_FILES:
        raise MergeError(
            f"{base}: {len(files)} files, expected at most {MAX_FILES} in Milvus's configs folder"
        )
    for path in files:
        place = out / path.relative_to(base)
        if path.relative_to(base).parts[0] in {MILVUS_YAML, OPERATOR_FOLDER, *_LINKS.values()}:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _link(target: str, place: Path) -> None:
    draft = place.with_name(f".{place.name}.link")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(place)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="glede merge-config", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="copy of the image's configs folder")
    parser.add_argument("--user", type=Path, required=True, help="the settings: user.yaml")
    parser.add_argument("--out", type=Path, required=True, help="folder that Milvus reads")
    parser.add_argument(
        "--refreshed", action="store_true", help="Milvus reads user.yaml again while it runs (since 2.4)"
    )
    options = parser.parse_args(arguments)
    try:
        merge(options.base, options.user, options.out, refreshed=options.refreshed)
    except (MergeError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
