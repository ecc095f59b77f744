"""Fills a data folder up to a number of chunks: `python -m bench.speed.folder MANIFEST CHUNKS`.

Registry, parser, chunker, queue and index are the service's own. Only the documents' vectors are made up,
since to embed 20,000 chunks takes half an hour of two cores: each is a real sentence's vector, moved at
random and made unit length again. They bear MiniLM's name, so that the service takes the folder as its own.
It runs as a process of its own, which leaves the folder free for the service.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from bench.speed.text import Source, read_source, sections

from glede.api.documentqa import DocumentQA
from glede.api.manifest import load_documentqa
from glede.qa.datadir import DataDir, data_path
from glede.qa.embed.base import Vectors
from glede.qa.embed.minilm import open_minilm
from glede.qa.engine import DEFAULT_TENANT, Engine, open_registry
from glede.qa.ingest.repair import repair_index
from glede.qa.registry.documents import Upload
from glede.qa.registry.schema import State, versions
from glede.qa.store.open import open_store
from glede.qa.text.script import Script

POOL = 256
NOISE = 0.75  # length of the random part beside a unit vector: cosines of about 0.8 to the real one
SECTIONS_A_DOCUMENT = 250
POLL_SECONDS = 0.1
LONGEST_SECONDS = 1800.0


class SyntheticEmbedder:
    """Gives each text a pool vector moved at random, the same one each time."""

    def __init__(self, texts: Sequence[str]) -> None:
        model = open_minilm()
        self.name = model.name
        self.dimension = model.dimension
        self.scripts: frozenset[Script] = model.scripts
        self._pool = model.embed(texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, shape (texts, dimension), of unit length."""
        return np.stack([self._vector(text) for text in texts])

    def close(self) -> None:
        """Nothing is held open."""

    def _vector(self, text: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        chance = np.random.default_rng(seed)
        moved = chance.standard_normal(self.dimension) * (NOISE / np.sqrt(self.dimension))
        vector = self._pool[seed % len(self._pool)] + moved
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def fill(manifest: DocumentQA, wanted: int, source: Source) -> int:
    """Add documents until the folder has at least ``wanted`` chunks; gives how many it has."""
    with ExitStack() as stack:
        folder = DataDir(data_path(manifest))
        stack.callback(folder.close)
        database = open_registry(manifest)
        stack.callback(database.close)
        embedder = SyntheticEmbedder(source.paragraphs[:POOL])
        store = open_store(manifest.spec.store, folder.path, embedder.dimension, lambda _leg, _tenant: 0)
        stack.callback(store.close)
        repair_index(database, store, embedder)
        engine = Engine(manifest, database, store, embedder)
        stack.callback(engine.retriever.close)
        stack.callback(engine.ingest.stop)
        engine.start()
        while (have := _chunks(engine)) < wanted:
            _add(engine, source, min(SECTIONS_A_DOCUMENT, max(1, wanted - have)))
        return have


def _add(engine: Engine, source: Source, count: int) -> None:
    seed = len(engine.documents.listed(DEFAULT_TENANT, None, 500)[0]) + 1
    data = "\n".join(islice(sections(source, seed), count)).encode()
    digest = hashlib.sha256(data).hexdigest()
    upload = Upload(f"volume-{seed}.md", digest, len(data), [data], None)
    view, _ = engine.documents.add(DEFAULT_TENANT, upload)
    engine.ingest.wake()
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        found = engine.documents.get(DEFAULT_TENANT, view.id)
        if found is None or found.status == State.FAILED:
            raise RuntimeError(f"{upload.name} was not ingested: {found.error if found else 'it is gone'}")
        if found.status == State.READY:
            return
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{upload.name} was not ready within {LONGEST_SECONDS:g} s")


def _chunks(engine: Engine) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(versions.c.chunks), 0))
    with engine.database.read() as connection:
        return int(connection.execute(query.where(versions.c.state == State.READY)).scalar_one())


def main(given: Sequence[str]) -> int:
    """Fill the manifest's folder and print how many chunks it has."""
    manifest, wanted = given
    print(fill(load_documentqa(Path(manifest)), int(wanted), read_source()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
