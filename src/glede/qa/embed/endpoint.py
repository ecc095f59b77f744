"""Embeddings from an OpenAI-compatible endpoint."""

from collections.abc import Sequence

import httpx
import numpy as np

from glede.api.documentqa import Endpoint
from glede.qa.embed.base import EmbedderError, Vectors
from glede.qa.text.script import Script

BATCH = 32


class EndpointEmbedder:
    """An embedder behind ``POST {url}/embeddings``. Raises EmbedderError where it does not answer."""

    def __init__(self, endpoint: Endpoint, scripts: frozenset[Script]) -> None:
        self.name = endpoint.model
        self.scripts = scripts
        self._url = f"{str(endpoint.url).rstrip('/')}/embeddings"
        headers = {}
        if endpoint.api_key_file:
            headers["Authorization"] = f"Bearer {endpoint.api_key_file.read_text().strip()}"
        self._client = httpx.Client(headers=headers, timeout=endpoint.timeout_seconds)
        self.dimension = len(self._ask(["dimension"])[0])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give one row per text, normalised to unit length."""
        rows: list[list[float]] = [
            row for begin in range(0, len(texts), BATCH) for row in self._ask(texts[begin : begin + BATCH])
        ]
        try:
            vectors = np.asarray(rows, dtype=np.float32).reshape(len(texts), self.dimension)
        except (TypeError, ValueError) as error:
            raise EmbedderError(
                f"embedding endpoint {self._url}: its vectors are not {self.dimension} numbers each, as at "
                f"the start ({error}); check that it still runs {self.name}"
            ) from error
        if not np.isfinite(vectors).all():
            raise EmbedderError(f"embedding endpoint {self._url}: a vector holds what is not a number")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            answer = self._client.post(self._url, json={"model": self.name, "input": list(texts)})
            answer.raise_for_status()
            data = sorted(answer.json()["data"], key=lambda item: item["index"])
            rows = [item["embedding"] for item in data]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EmbedderError(
                f"embedding endpoint {self._url}: {str(error) or type(error).__name__}; "
                "check embedder.endpoint and that it runs"
            ) from error
        if len(rows) != len(texts):
            raise EmbedderError(f"embedding endpoint {self._url}: {len(rows)} vectors for {len(texts)} texts")
        return rows
