"""Container images for the lab's nodes, made without Docker from package registries only."""

from lab.images.catalogue import IMAGES_OF_A_CLUSTER
from lab.images.load import load_all

__all__ = ["IMAGES_OF_A_CLUSTER", "load_all"]
