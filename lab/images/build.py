"""Building images with buildah, which needs neither a daemon nor a kernel's leave beyond root's."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.errors import LabError
from lab.exclusive import exclusive
from lab.images.catalogue import Image, named
from lab.images.debian import MOUNT, build_sources, prepare
from lab.images.digest import digest
from lab.images.logged import logged
from lab.places import cache

Say = Callable[[str], None]

SUITE = "bookworm"
BUILD_SECONDS = 1800.0


def images_folder() -> Path:
    """Give the folder of the archives, their logs, and what a build needs while it runs."""
    return cache() / "images"


def archive_of(name: str) -> Path:
    """Give the path that an image's archive has, once built. Raises LabError."""
    return images_folder() / f"{name}-{digest(name)}.tar"


def build(name: str, say: Say) -> Path:
    """Give an image's archive, a docker-archive for `ctr images import`; build it first where it is missing.

    Raises LabError.
    """
    archive = archive_of(name)
    if not archive.exists():
        with _exclusive(say):
            _build(named(name), say)
    return archive


def stage(image: Image, into: Path, log: Path, say: Say) -> None:
    """Put a recipe and its inputs into a folder, for `buildah build` or `docker build`. Raises LabError."""
    shutil.copytree(image.recipe, into, dirs_exist_ok=True)
    for one in image.inputs:
        one.fetch(into, log, say)


def _build(image: Image, say: Say) -> Path:
    """Build an image and those below it, unless another process has built them while this one waited."""
    archive = archive_of(image.name)
    if archive.exists():
        return archive
    base = _build(named(image.base), say) if image.base else None
    if os.getuid() != 0:
        raise LabError(
            f"{image.name}: user {os.getuid()} was found, root is needed to build images; use sudo"
        )
    prepare(say)
    say(f"{image.name}: building {image.reference}")
    begin = time.monotonic()
    log = images_folder() / f"{image.name}.log"
    log.write_bytes(b"")
    with TemporaryDirectory(prefix="context-", dir=images_folder()) as context:
        stage(image, Path(context), log, say)
        _make(image, base, Path(context), archive, log)
    _forget_older(image, archive)
    say(f"{image.name}: {archive.stat().st_size / 1e6:.0f} MB in {time.monotonic() - begin:.0f} s")
    return archive


def _make(image: Image, base: Path | None, context: Path, archive: Path, log: Path) -> None:
    unfinished = archive.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with _storage(log) as buildah, build_sources(SUITE) as sources:
        options = ["--isolation=chroot", "--pull-never", f"--tag={image.full_reference}"]
        # Arguments, not variables: they leave no trace in the image.
        options += [f"--volume={sources}:{MOUNT}:ro", f"--build-arg=APT_CONFIG={MOUNT}/apt.conf"]
        if base:
            options.append(f"--build-arg=BASE=docker-archive:{base}")
        recipe = f"--file={context / 'Containerfile'}"
        logged([*buildah, "build", *options, recipe, context], log, seconds=BUILD_SECONDS)
        target = f"docker-archive:{unfinished}:{image.full_reference}"
        logged([*buildah, "push", "--quiet", image.full_reference, target], log, seconds=BUILD_SECONDS)
    unfinished.replace(archive)


@contextmanager
def _storage(log: Path) -> Iterator[list[str]]:
    """Give buildah with a store of the lab's own, empty before and after: only archives are kept."""
    store = images_folder() / "store"
    buildah = ["buildah", "--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver=overlay"]
    _empty(buildah, log)
    try:
        yield buildah
    finally:
        _empty(buildah, log)
        # The driver mounts its folder on itself, and leaves it so.
        overlay = store / "root" / "overlay"
        if overlay.is_mount():
            logged(["umount", overlay], log, seconds=BUILD_SECONDS)


def _empty(buildah: list[str], log: Path) -> None:
    """Remove what a build left in the store, which one that was killed could not."""
    logged([*buildah, "rm", "--all"], log, seconds=BUILD_SECONDS)
    logged([*buildah, "rmi", "--all", "--force"], log, seconds=BUILD_SECONDS)


def _forget_older(image: Image, archive: Path) -> None:
    """Remove an image's archives of other digests: half a gigabyte each."""
    for path in images_folder().glob(f"{image.name}-{'?' * len(digest(image.name))}.tar"):
        if path != archive:
            path.unlink(missing_ok=True)


@contextmanager
def _exclusive(say: Say) -> Iterator[None]:
    """Hold the lock under which images are built, and remove what a build that was killed left."""
    with exclusive(images_folder(), "builds images", say):
        for left in images_folder().glob("context-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
