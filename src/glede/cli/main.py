"""The command line's root.

Exit codes: 0 done; 1 the service or an input refused; 2 wrong usage; 3 nothing found; 4 no service
answers at the address.
"""

import sys
from typing import Annotated, ClassVar

import typer

import glede
from glede.api.errors import ManifestError
from glede.cli.kubectl import PLACES
from glede.cli.lazy import LazyGroup, Place
from glede.cli.output import CommandError, fail


class Commands(LazyGroup):
    """The commands of both programs; an installation may have the packages of one only."""

    places: ClassVar = {
        "up": Place("glede.cli.up:up", "qa"),
        "serve": Place("glede.cli.up:serve", "qa"),
        "ask": Place("glede.cli.questions:ask"),
        "search": Place("glede.cli.questions:search"),
        "documents": Place("glede.cli.documents:app"),
        "keys": Place("glede.cli.keys:app", "qa"),
        "operator": Place("glede.cli.operator:operator", "operator"),
        "explain": Place("glede.cli.explain:explain", "operator"),
        "merge-config": Place("glede.cli.merge_config:merge_config"),
        **PLACES,
    }


app = typer.Typer(
    cls=Commands,
    name="glede",
    help="Milvus on Kubernetes, and cited answers from your documents on top of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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
    except CommandError as error:
        sys.exit(fail(str(error), error.exit_code))
    except ManifestError as error:
        sys.exit(fail(str(error), 2))
    except KeyboardInterrupt:
        sys.exit(130)
