"""Errors of what people write; apart from the models, so that catching one costs no import of them."""


class ManifestError(Exception):
    """A manifest that cannot be used; the message names file, field, what was found and the remedy."""
