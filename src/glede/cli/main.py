"""The command line's root.

Exit codes: 0 done; 1 the service or an input refused; 2 wrong usage; 3 nothing found; 4 no service
answers at the address.
"""

import sys
from typing import Annotated

import typer

import glede
from glede.api.manifest import ManifestError
from glede.cli import documents, keys, questions, up
from glede.cli.client import ServiceError
from glede.cli.output import fail

app = typer.Typer(
    name="glede",
    help="Milvus on Kubernetes, and cited answers from your documents on top of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("serve")(up.serve)
app.command("ask")(questions.ask)
app.command("search")(questions.search)
app.add_typer(documents.app, name="documents")
app.add_typer(keys.app, name="keys")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"glede {glede.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Milvus on Kubernetes, and cited answers from your documents on top of it."""


def run() -> None:
    """Run the command; known errors end it with one message and their exit code."""
    try:
        app()
    except ServiceError as error:
        sys.exit(fail(str(error), error.exit_code))
    except ManifestError as error:
        sys.exit(fail(str(error), 2))
    except KeyboardInterrupt:
        sys.exit(130)
