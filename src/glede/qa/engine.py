"""The engine: everything behind the HTTP service, opened from a manifest.

It is also the way to use Glede's retrieval in a program:

    engine = Engine.open(manifest)
    engine.start()
    try:
        found = await engine.retriever.retrieve("What is a quorum?", Scope("default"), 10)
    finally:
        engine.close()
"""

from contextlib import ExitStack
from typing import Self

from glede.api.documentqa import DocumentQA, Limits
from glede.qa.datadir import DataDir, data_path
from glede.qa.embed.base import Embedder
from glede.qa.embed.open import open_embedder
from glede.qa.ingest.repair import repair_index
from glede.qa.ingest.workers import IngestWorkers
from glede.qa.parse import ParseLimits
from glede.qa.registry.counts import RowCounts
from glede.qa.registry.database import Database, open_sqlite, open_url
from glede.qa.registry.documents import Documents
from glede.qa.registry.jobs import Jobs
from glede.qa.registry.keys import Keys
from glede.qa.retrieve.retriever import Retriever
from glede.qa.store.base import Store
from glede.qa.store.open import open_store

DEFAULT_TENANT = "default"
REGISTRY_FILE = "registry.db"


class Engine:
    """Registry, index, embedder, retriever and ingest, in one process."""

    def __init__(
        self, manifest: DocumentQA, database: Database, store: Store, embedder: Embedder | None
    ) -> None:
        limits = manifest.spec.limits
        self.manifest = manifest
        self.database = database
        self.store = store
        self.embedder = embedder
        self.documents = Documents(database, limits.queued_documents)
        self.keys = Keys(database)
        self.retriever = Retriever(database, store, embedder)
        self.ingest = IngestWorkers(database, store, embedder, parse_limits(limits))
        self._closing = ExitStack()

    @classmethod
    def open(cls, manifest: DocumentQA) -> Self:
        """Open everything and make the index fit the registry.

        Raises DataDirError, RegistryError, EmbedderError, StoreError.
        """
        with ExitStack() as stack:
            folder = DataDir(data_path(manifest))
            stack.callback(folder.close)
            database = open_registry(manifest)
            stack.callback(database.close)
            embedder = open_embedder(manifest.spec.embedder)
            if embedder:
                stack.callback(embedder.close)
            counts = RowCounts(database)
            dimension = embedder.dimension if embedder else None
            store = open_store(manifest.spec.store, folder.path, dimension, counts.known)
            stack.callback(store.close)
            if not manifest.spec.database_url_file:
                # Only this process holds the folder, so whoever had a lease is gone.
                Jobs(database, "start").release_all()
            repair_index(database, store, embedder)
            engine = cls(manifest, database, store, embedder)
            stack.callback(engine.retriever.close)
            stack.callback(engine.ingest.stop)
            engine._closing = stack.pop_all()
            return engine

    def start(self) -> None:
        """Begin to ingest."""
        self.ingest.start()

    def close(self) -> None:
        """Stop ingest and close everything, in order."""
        self._closing.close()


def open_registry(manifest: DocumentQA) -> Database:
    """Open the manifest's database. Raises RegistryError."""
    url_file = manifest.spec.database_url_file
    if url_file:
        return open_url(url_file.read_text().strip())
    return open_sqlite(data_path(manifest) / REGISTRY_FILE)


def parse_limits(limits: Limits) -> ParseLimits:
    """Give the parser's limits from the manifest's."""
    return ParseLimits(
        seconds=limits.parse_seconds,
        cpu_seconds=limits.parse_seconds,
        memory_bytes=limits.parse_memory_bytes,
        max_pages=limits.pages,
    )
