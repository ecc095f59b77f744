"""Putting images into the containerd of a node."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.commands import run
from lab.errors import LabError
from lab.images.build import archive_of, build
from lab.images.catalogue import IMAGES, named
from lab.images.debian import prepare

Say = Callable[[str], None]

IMPORT_SECONDS = 300.0
# On an image in containerd: the archive that it was loaded from, so that it is not loaded twice.
_LABEL = "glede.dev/archive"


def load(name_or_tar: str | Path, socket: Path, say: Say) -> str:
    """Put an image into a containerd, unless it is there already; give the reference pods use for it.

    ``name_or_tar`` is an image of the lab, which is built where needed, or any archive of one image.
    Raises LabError.
    """
    prepare(say, ("ctr",))
    ctr = ["ctr", "-a", str(socket), "-n", "k8s.io", "images"]
    if isinstance(name_or_tar, Path) or name_or_tar not in IMAGES:
        reference = _import(ctr, Path(name_or_tar))
        say(f"{reference}: loaded from {name_or_tar}")
        return reference
    image, archive = named(name_or_tar), archive_of(name_or_tar)
    filters = f'name=={image.full_reference},labels."{_LABEL}"=={archive.name}'
    if not run([*ctr, "list", "--quiet", filters]).strip():
        _import(ctr, build(image.name, say))
        run([*ctr, "label", image.full_reference, f"{_LABEL}={archive.name}"])
        say(f"{image.reference}: loaded")
    return image.full_reference


def load_all(names: Sequence[str], sockets: Sequence[Path], say: Say) -> None:
    """Put images into each of several containerds. Raises LabError."""
    for name in names:
        build(name, say)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda socket: [load(name, socket, say) for name in names], sockets))


def _import(ctr: list[str], archive: Path) -> str:
    if not archive.is_file():
        raise LabError(
            f"{archive}: no such file, and no image of the lab; take an archive or one of {', '.join(IMAGES)}"
        )
    # "unpacking docker.io/lab/base:bookworm (sha256:...)...done"
    said = run([*ctr, "import", archive], seconds=IMPORT_SECONDS)
    references = [line.split()[1] for line in said.splitlines() if line.startswith("unpacking ")]
    if not references:
        raise LabError(f"{archive}: holds no image with a name; build it with a tag")
    return references[0]
