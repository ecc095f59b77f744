"""Progress of ingest in the terminal: each document, and all of them with rate and time left."""

import threading

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from glede.cli.output import console
from glede.qa.registry.documents import Documents, DocumentView

POLL_SECONDS = 0.2
FINAL = frozenset({"ready", "failed"})


def watch(documents: Documents, tenant: str, stop: threading.Event) -> None:
    """Show progress until every document is ready or failed, or ``stop`` is set."""
    found = _all(documents, tenant)
    waiting = [view.id for view in found if view.status not in FINAL]
    if not waiting:
        console.print(f"{len(found)} documents, nothing new to ingest.")
        _print_failed(found)
        return
    with _columns() as progress:
        total = progress.add_task("all documents", total=len(waiting), rate="")
        bars: dict[str, TaskID] = {}
        while not stop.is_set():
            views = {view.id: view for view in _all(documents, tenant) if view.id in waiting}
            _update(progress, bars, views)
            done = sum(view.status in FINAL for view in views.values()) + len(waiting) - len(views)
            chunks = sum(view.chunks * view.progress for view in views.values())
            elapsed = progress.tasks[0].elapsed or 1.0
            progress.update(total, completed=done, rate=f"{chunks / max(elapsed, 0.1):.0f} chunks/s")
            if done == len(waiting):
                break
            stop.wait(POLL_SECONDS)
    _print_failed(_all(documents, tenant))


def _columns() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
    )


def _update(progress: Progress, bars: dict[str, TaskID], views: dict[str, DocumentView]) -> None:
    for view in views.values():
        if view.id not in bars and view.status != "queued":
            bars[view.id] = progress.add_task(view.name[-40:], total=100, rate="")
        if view.id in bars:
            progress.update(bars[view.id], completed=round(view.progress * 100), rate=view.status)
            progress.update(bars[view.id], visible=view.status not in FINAL or not console.is_terminal)


def _all(documents: Documents, tenant: str) -> list[DocumentView]:
    found: list[DocumentView] = []
    cursor: str | None = None
    while True:
        views, cursor = documents.listed(tenant, cursor, 500)
        found += views
        if cursor is None:
            return found


def _print_failed(views: list[DocumentView]) -> None:
    for view in views:
        if view.status == "failed":
            console.print(f"failed: {view.error}", style="yellow", markup=False)
