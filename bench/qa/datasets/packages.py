"""Documentation packages from the Debian archive, unpacked under a cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CACHE_VARIABLE = "GLEDE_BENCH_CACHE"


class PackageError(RuntimeError):
    """A documentation package could not be fetched or unpacked."""


def cache_folder() -> Path:
    """The folder named by GLEDE_BENCH_CACHE, or ~/.cache/glede/bench."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".cache" / "glede" / "bench"


class Packages:
    """Fetches packages once; root rights are not needed, only apt's package lists."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "packages"
        self.versions: dict[str, str] = {}

    def path(self, package: str) -> Path:
        """The root of the unpacked package. Raises PackageError with what to do."""
        root = self._folder / package
        marker = self._folder / f"{package}.version"
        if not marker.exists():
            marker.write_text(self._fetch(package, root), encoding="utf-8")
        self.versions[package] = marker.read_text(encoding="utf-8").strip()
        return root

    def _fetch(self, package: str, root: Path) -> str:
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise PackageError(
                    f"{tool} was not found: these sets are made from Debian packages, so run on Debian or in"
                    f" a Debian container, or copy a filled cache and name it in {CACHE_VARIABLE}"
                )
        download = self._folder / "download" / package
        shutil.rmtree(download, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
        download.mkdir(parents=True)
        _run(["apt-get", "download", "-qq", package], download, package)
        archives = list(download.glob("*.deb"))
        if len(archives) != 1:
            raise PackageError(
                f"apt-get download {package} left {len(archives)} files in {download}, expected 1"
            )
        _run(["dpkg-deb", "-x", str(archives[0]), str(root)], download, package)
        version = _run(["dpkg-deb", "-f", str(archives[0]), "Version"], download, package)
        shutil.rmtree(download)
        return version.strip()


def _run(command: list[str], folder: Path, package: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(
            f"{' '.join(command)} failed for package {package}: {done.stderr.strip() or 'no message'};"
            " if it is not found, run `apt-get update` as root with the Debian main archive enabled"
        )
    return done.stdout
