"""What an embedder is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glede.qa.text.script import Script

Vectors = NDArray[np.float32]


class EmbedderError(Exception):
    """Text could not be embedded; the message tells why and what to do."""


class Embedder(Protocol):
    """Turns texts into vectors of unit length. Calls may come from several threads."""

    @property
    def name(self) -> str:
        """Which model it is; vectors of two names must not be mixed."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    @property
    def scripts(self) -> frozenset[Script]:
        """The scripts it understands; text in another one is left to the lexical leg."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give one row per text, shape (texts, dimension). Raises EmbedderError."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...
