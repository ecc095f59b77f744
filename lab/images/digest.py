"""When an image is another one: the digest of all that it is made of."""

import hashlib
from collections.abc import Mapping

from lab.images.catalogue import IMAGES, Image, named
from lab.images.inputs import digest_of

# To be raised when the way of building changes, so that all images are built again.
BUILDER = 1
LENGTH = 16


def digest(name: str, images: Mapping[str, Image] = IMAGES) -> str:
    """Give the digest of an image: its name, its recipe's files, its inputs, and the images it stands on.

    It is known without fetching or building anything. Raises LabError.
    """
    image = named(name, images)
    files = [path for path in image.recipe.rglob("*") if path.is_file()]
    parts = [
        f"builder {BUILDER}",
        image.full_reference,
        digest_of(files, image.recipe),
        *(one.identity() for one in image.inputs),
        *(digest(below, images) for below in image.depends_on),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:LENGTH]
