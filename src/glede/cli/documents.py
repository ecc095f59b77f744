"""``glede documents``: list, add, show and remove documents of a running service."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from glede.cli.client import DEFAULT_URL, Client, JsonOption, UrlOption
from glede.cli.output import console, print_json

app = typer.Typer(help="List, add, show and remove documents.", no_args_is_help=True)


@app.command("ls")
def listed(url: UrlOption = DEFAULT_URL, json: JsonOption = False) -> None:
    """List all documents, newest first."""
    client = Client(url)
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get("/v1/documents", limit=500, **({"cursor": cursor} if cursor else {}))
        found += page["documents"]
        cursor = page["next"]
        if cursor is None:
            break
    if json:
        print_json(found)
        return
    table = Table("id", "name", "status", "pages", "chunks", "tags", box=None)
    for document in found:
        status = document["status"]
        if status in {"parsing", "embedding"}:
            status = f"{status} {document['progress']:.0%}"
        numbers = (str(document["pages"] or ""), str(document["chunks"]))
        table.add_row(
            document["id"], escape(document["name"]), status, *numbers, escape(", ".join(document["tags"]))
        )
    console.print(table)


@app.command("add")
def add(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files or folders.")],
    tag: Annotated[list[str], typer.Option("--tag", help="Tag for these documents; repeatable.")] = [],  # noqa: B006
    url: UrlOption = DEFAULT_URL,
    json: JsonOption = False,
) -> None:
    """Upload files; the service ingests them in the background."""
    client = Client(url)
    results = []
    for path, name in _files(paths):
        result = client.upload(path, name, tag)
        results.append(result)
        if not json:
            console.print(f"{result['id']}  {escape(result['name'])}  {result['status']}")
    if json:
        print_json(results)


@app.command("show")
def show(document: str, url: UrlOption = DEFAULT_URL, json: JsonOption = False) -> None:
    """Show one document by its id."""
    found = Client(url).get(f"/v1/documents/{document}")
    if json:
        print_json(found)
        return
    for name, value in found.items():
        console.print(f"{name:>12}  {escape(str(value))}")


@app.command("rm")
def remove(documents: list[str], url: UrlOption = DEFAULT_URL, json: JsonOption = False) -> None:
    """Remove documents by their ids."""
    client = Client(url)
    for document in documents:
        client.delete(f"/v1/documents/{document}")
    if json:
        print_json({"removed": documents})


def _files(paths: list[Path]) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            inner = sorted(file for file in path.rglob("*") if file.is_file())
            found += [(file, file.relative_to(path.parent).as_posix()) for file in inner]
        else:
            found.append((path, path.name))
    return found
