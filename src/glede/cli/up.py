"""``glede up`` and ``glede serve``: the service on a manifest."""

import logging
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.markup import escape

from glede.api.documentqa import DocumentQA
from glede.api.manifest import load_documentqa
from glede.cli.client import Client, ServiceError
from glede.cli.output import console, fail, print_answer
from glede.cli.progress import watch
from glede.cli.server import ListenError, Server
from glede.cli.sources import add_sources
from glede.qa.datadir import DataDirError, data_path
from glede.qa.embed.base import EmbedderError
from glede.qa.engine import DEFAULT_TENANT, Engine
from glede.qa.registry.database import RegistryError
from glede.qa.store.base import StoreError

ManifestArgument = Annotated[Path, typer.Argument(help="A DocumentQA manifest.")]


def up(
    manifest: ManifestArgument,
    exit_after: Annotated[bool, typer.Option("--exit", help="End after the example questions.")] = False,
) -> None:
    """Ingest the manifest's documents with progress, serve page and API, ask the example questions."""
    _run(load_documentqa(manifest), quiet=False, exit_after=exit_after)


def serve(manifest: ManifestArgument) -> None:
    """Ingest and serve without the show: for a service manager or a container."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _run(load_documentqa(manifest), quiet=True, exit_after=False)


def _run(manifest: DocumentQA, *, quiet: bool, exit_after: bool) -> None:
    if not quiet:
        logging.basicConfig(level=logging.ERROR)
        console.print(f"[bold]Glede[/] · {manifest.metadata.name}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopper(stop))
    try:
        engine = Engine.open(manifest)
    except (DataDirError, RegistryError, EmbedderError, StoreError) as error:
        raise typer.Exit(fail(str(error), 1)) from error
    try:
        _serve(engine, stop, quiet=quiet, exit_after=exit_after)
    except (ListenError, RegistryError, StoreError) as error:
        raise typer.Exit(fail(str(error), 1)) from error
    finally:
        engine.close()


def _serve(engine: Engine, stop: threading.Event, *, quiet: bool, exit_after: bool) -> None:
    server = Server(engine)
    engine.start()
    server.start()
    try:
        for problem in add_sources(engine):
            fail(problem, 1)
        if not quiet:
            _show(engine, server.url, stop)
        while not exit_after and not stop.is_set() and server.running():
            stop.wait(0.5)
    finally:
        if not quiet:
            console.print("Stopping …")
        server.stop()


def _show(engine: Engine, url: str, stop: threading.Event) -> None:
    mode = "lexical and dense" if engine.embedder else "lexical (no embedder installed)"
    console.print(f"Search: {mode}. Data: [dim]{escape(str(data_path(engine.manifest)))}[/]")
    console.print(f"Page and API: [bold link={url}]{url}[/]")
    watch(engine.documents, DEFAULT_TENANT, stop)
    if stop.is_set():
        return
    if engine.keys.any():
        console.print("Keys are required: set GLEDE_API_KEY and use `glede ask`.")
        return
    _ask_examples(engine.manifest, url)
    console.print(f"\nReady at [bold]{url}[/] — open it in a browser; Ctrl-C ends.")


def _ask_examples(manifest: DocumentQA, url: str) -> None:
    client = Client(url)
    for question in manifest.spec.examples:
        try:
            answer: Any = client.post("/v1/ask", {"question": question})
        except ServiceError as error:
            fail(str(error), 1)
            return
        print_answer(question, answer)


def _stopper(stop: threading.Event) -> Any:
    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    return handle
