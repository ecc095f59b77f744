"""``glede keys``: API keys, kept in the service's registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from glede.api.manifest import load_documentqa
from glede.cli.output import console, errors, fail, print_json
from glede.qa.engine import open_registry
from glede.qa.registry.database import RegistryError
from glede.qa.registry.keys import Keys

app = typer.Typer(
    help="Add, list and revoke API keys; with the first one, keys are required.", no_args_is_help=True
)

ManifestArgument = Annotated[Path, typer.Argument(help="The service's DocumentQA manifest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("add")
def add(
    manifest: ManifestArgument,
    tenant: Annotated[str, typer.Option(help="The tenant it belongs to.")] = "default",
    name: Annotated[str, typer.Option(help="A note on who has it.")] = "",
    json: JsonOption = False,
) -> None:
    """Make a key and print it: it is shown this once."""
    with _keys(manifest) as keys:
        try:
            key = keys.add(tenant, name)
        except ValueError as error:
            raise typer.Exit(fail(str(error), 2)) from error
    if json:
        print_json({"key": key, "tenant": tenant, "name": name})
        return
    print(key)
    errors.print("[dim]Keep it: only its hash is stored.[/]")


@app.command("ls")
def listed(manifest: ManifestArgument, json: JsonOption = False) -> None:
    """List keys, without their secrets."""
    with _keys(manifest) as keys:
        found = keys.listed()
    rows = [
        {
            "id": k.id,
            "tenant": k.tenant,
            "name": k.name,
            "created_at": datetime.fromtimestamp(k.created_at, UTC).isoformat(),
        }
        for k in found
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        console.print(f"{row['id']}  {row['tenant']}  {row['created_at']}  {escape(row['name'])}")


@app.command("rm")
def remove(
    manifest: ManifestArgument, key: Annotated[str, typer.Argument(help="The key's id, from ls.")]
) -> None:
    """Revoke a key, at once."""
    with _keys(manifest) as keys:
        if not keys.remove(key):
            raise typer.Exit(fail(f"key {key}: there is none of this id; `glede keys ls` shows them", 1))


@contextmanager
def _keys(path: Path) -> Iterator[Keys]:
    try:
        database = open_registry(load_documentqa(path))
        try:
            yield Keys(database)
        finally:
            database.close()
    except RegistryError as error:
        raise typer.Exit(fail(str(error), 1)) from error
