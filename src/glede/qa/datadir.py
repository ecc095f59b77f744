"""The data folder: private, and used by one service at a time."""

import fcntl
import os
from pathlib import Path
from typing import IO

from glede.api.documentqa import DocumentQA


class DataDirError(Exception):
    """The data folder cannot be used; the message names it and tells what to do."""


class DataDir:
    """A data folder, held by this process until close()."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _take_lock(path / "lock")
        except OSError as error:
            raise DataDirError(
                f"dataDir {path}: {error.strerror}; give spec.dataDir a folder that you can write to"
            ) from error

    def close(self) -> None:
        """Let the next one have it."""
        self._lock.close()


def data_path(manifest: DocumentQA) -> Path:
    """Give the folder that a manifest's service keeps its data in."""
    if manifest.spec.data_dir:
        return manifest.spec.data_dir
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "glede" / manifest.metadata.name


def _take_lock(path: Path) -> IO[str]:
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = lock.read(20).strip() or "unknown"
        lock.close()
        raise DataDirError(
            f"dataDir {path.parent}: another Glede service uses it (process {holder}); "
            "stop that one, or give this one another spec.dataDir"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
