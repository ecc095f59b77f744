"""The threads that work the queue: one parses, one embeds, and both clear away what was replaced.

Each step is repeatable: rows are keyed, and what an interrupted try left is removed or overwritten.
A passing fault (index away, disk full, endpoint down) puts the job back with a growing pause; a
document that cannot be read fails for good.
"""

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable

from glede.qa.embed.base import Embedder, EmbedderError
from glede.qa.ingest.steps import EmbedStep, ParseStep, StoppedError
from glede.qa.parse import ParseError, ParseLimits
from glede.qa.registry.cleanup import remove_version, retired_versions
from glede.qa.registry.database import Database, RegistryError
from glede.qa.registry.jobs import Job, Jobs, LeaseLostError
from glede.qa.registry.schema import State, first_key
from glede.qa.store.base import Store, StoreError

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
MAX_ATTEMPTS = 12
NICENESS = 10

Changed = Callable[[], None]


class IngestWorkers:
    """Runs ingest beside the service. ``changed`` is called whenever what can be found may differ."""

    def __init__(
        self,
        database: Database,
        store: Store,
        embedder: Embedder | None,
        limits: ParseLimits,
        changed: Changed = lambda: None,
    ) -> None:
        owner = secrets.token_hex(8)
        self._database = database
        self._store = store
        self._scripts: frozenset[str] = embedder.scripts if embedder else frozenset()
        self._changed = changed
        self._stop = threading.Event()
        self._wake = {State.QUEUED: threading.Event(), State.EMBEDDING: threading.Event()}
        self._parse_jobs, self._embed_jobs = Jobs(database, owner), Jobs(database, f"{owner}-embed")
        self._parse = ParseStep(self._parse_jobs, store, limits, self._stop.is_set)
        self._embed = EmbedStep(self._embed_jobs, store, embedder, self._stop.is_set)
        self._threads = [
            threading.Thread(target=self._work, args=(State.QUEUED,), name="glede-parse", daemon=True),
            threading.Thread(target=self._work, args=(State.EMBEDDING,), name="glede-embed", daemon=True),
        ]

    def start(self) -> None:
        """Begin with what an earlier run left."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Tell that there is something to do."""
        for event in self._wake.values():
            event.set()

    def stop(self, seconds: float = 10.0) -> None:
        """Let go of the work at the next safe point."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _work(self, state: State) -> None:
        with contextlib.suppress(OSError, AttributeError):
            # Questions come first: on Linux niceness belongs to a thread.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stop.is_set():
            self._wake[state].clear()
            try:
                busy = self._step(state)
            except (RegistryError, StoreError) as error:
                log.warning("ingest waits: %s", error)
                busy = False
            except Exception:
                log.exception("ingest step failed unexpectedly; going on")
                busy = False
            if not busy:
                self._rest(state)

    def _rest(self, state: State) -> None:
        if state is State.EMBEDDING:
            try:
                self._store.settle()
            except StoreError as error:
                log.warning("the index could not be flushed: %s", error)
        self._wake[state].wait(IDLE_SECONDS)

    def _step(self, state: State) -> bool:
        # Both threads do: while one parses for minutes, the other makes versions ready, and old ones retire.
        self._clear_retired()
        jobs = self._parse_jobs if state is State.QUEUED else self._embed_jobs
        job = jobs.claim(state)
        if job is None:
            return False
        try:
            self._run(state, job)
        except StoppedError:
            self._give_back(state, jobs, job)
        except LeaseLostError:
            jobs.let_go(job.version)
            self.wake()
        except ParseError as error:
            if error.code == "timeout" and self._stop.is_set():
                self._give_back(state, jobs, job)
            else:
                self._fail(jobs, job, error.code, error.message)
        except (EmbedderError, StoreError, RegistryError, OSError) as error:
            self._retry(state, jobs, job, error)
        except Exception as error:
            log.exception("ingest of %s failed unexpectedly", job.document)
            self._retry(state, jobs, job, error)
        self._changed()
        return True

    def _run(self, state: State, job: Job) -> None:
        if state is State.QUEUED:
            self._parse.run(job, self._scripts)
            self._wake[State.EMBEDDING].set()
        else:
            self._embed.run(job)
            self._wake[State.QUEUED].set()

    def _give_back(self, state: State, jobs: Jobs, job: Job) -> None:
        with contextlib.suppress(LeaseLostError):
            jobs.retry_later(job.version, state, 0.0, "interrupted by a stop")

    def _fail(self, jobs: Jobs, job: Job, code: str, message: str) -> None:
        log.info("document failed", extra={"document": job.document, "code": code})
        self._store.remove(first_key(job.version), first_key(job.version + 1))
        with contextlib.suppress(LeaseLostError):
            jobs.fail(job, code, message)

    def _retry(self, state: State, jobs: Jobs, job: Job, error: Exception) -> None:
        log.warning("ingest of %s is tried again: %s", job.document, error)
        if job.attempts + 1 >= MAX_ATTEMPTS:
            self._fail(jobs, job, "gave_up", f"{job.name}: given up after {MAX_ATTEMPTS} tries: {error}")
            return
        delay = min(FIRST_RETRY_SECONDS * 2**job.attempts, LONGEST_RETRY_SECONDS)
        with contextlib.suppress(LeaseLostError):
            jobs.retry_later(job.version, state, delay, str(error))

    def _clear_retired(self) -> None:
        for version in retired_versions(self._database):
            self._store.remove(first_key(version), first_key(version + 1))
            remove_version(self._database, version)
            self._changed()
