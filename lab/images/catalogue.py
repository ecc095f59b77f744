"""Which images there are, under which names, and what each one is made of.

The names are the official ones, so that a manifest does not tell the lab from a cluster with a registry.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.images.inputs import REPOSITORY, Binaries, Input, Jars, Lock, Project, RootFiles, Wheels

RECIPES = Path(__file__).parent / "recipes"
_DEFAULT_REGISTRY = "docker.io"


@dataclass(frozen=True, slots=True)
class Image:
    """An image.

    ``recipe`` is the folder with its Containerfile, ``base`` the image that the Containerfile's argument BASE
    names, ``inputs`` what is fetched beside the recipe's files before it is built.
    """

    name: str
    reference: str
    recipe: Path
    base: str | None = "base"
    inputs: tuple[Input, ...] = ()

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The images that are built first."""
        return (self.base,) if self.base else ()

    @property
    def full_reference(self) -> str:
        """The reference with its registry, as containerd and buildah know the image."""
        first, _, rest = self.reference.partition("/")
        registry_given = bool(rest) and ("." in first or ":" in first)
        if registry_given:
            return self.reference
        path = self.reference if rest else f"library/{self.reference}"
        return f"{_DEFAULT_REGISTRY}/{path}"


def _version() -> str:
    """Give Glede's version without importing Glede, which the lab may be used without."""
    text = (REPOSITORY / "src/glede/__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise LabError('src/glede/__init__.py: has no line `__version__ = "..."`; write one')
    return found[1]


def _image(
    name: str, reference: str, *inputs: Input, base: str | None = "base", recipe: str | None = None
) -> Image:
    return Image(name, reference, RECIPES / (recipe or name), base, inputs)


def _locked(name: str) -> tuple[Input, ...]:
    """Give a lock of this repository and the wheels that it names."""
    lock = REPOSITORY / "requirements" / name
    return Wheels(lock), Lock(lock)


IMAGES: dict[str, Image] = {
    image.name: image
    for image in (
        _image("base", "lab/base:bookworm", RootFiles("bookworm"), base=None),
        _image("pause", "registry.k8s.io/pause:3.10"),
        _image("etcd", "quay.io/coreos/etcd:v3.6.16", Binaries(("etcd", "etcdctl"))),
        _image("minio", "minio/minio:RELEASE.2025-09-07T16-13-09Z", Binaries(("minio",))),
        _image("kafka", "apache/kafka:3.9.1", Jars(RECIPES / "kafka/pom.xml")),
        _image("postgres", "postgres:15"),
        _image("milvus", "milvusdb/milvus:v2.3.5", Wheels(RECIPES / "milvus/milvus.lock")),
        _image("glede-python", "lab/glede-python:latest", *_locked("run.lock")),
        _image("glede", f"ghcr.io/glede/glede:{_version()}", Project(REPOSITORY), base="glede-python"),
        # The operator's pair: the same recipes on fewer wheels.
        _image(
            "glede-operator-python",
            "lab/glede-operator-python:latest",
            *_locked("operator.lock"),
            recipe="glede-python",
        ),
        _image(
            "glede-operator",
            f"ghcr.io/glede/glede-operator:{_version()}",
            Project(REPOSITORY),
            base="glede-operator-python",
            recipe="glede",
        ),
    )
}

# What the pods of a Milvus cluster, and its etcd, object store and log broker, run.
IMAGES_OF_A_CLUSTER = ("pause", "etcd", "minio", "kafka", "milvus")


def named(name: str, images: Mapping[str, Image] = IMAGES) -> Image:
    """Give an image by its name. Raises LabError for an unknown one."""
    if name not in images:
        raise LabError(f"{name}: is no image of the lab; take one of {', '.join(images)}")
    return images[name]
