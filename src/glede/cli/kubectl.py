"""The kubectl plugin: ``kubectl glede status``, ``report`` and ``adopt``."""

import sys
from typing import ClassVar

import typer

from glede.cli.lazy import LazyGroup, Place
from glede.cli.output import CommandError, fail

# Of the command `glede`, too.
PLACES = {
    "status": Place("glede.cli.status:status", "operator"),
    "report": Place("glede.cli.report:report", "operator"),
    "adopt": Place("glede.cli.adopt:adopt", "operator"),
}


class Commands(LazyGroup):
    """What is also a command of kubectl."""

    places: ClassVar = PLACES


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Look at the Milvus of a cluster, send a report to somebody who can help, adopt what another made."""


def run() -> None:
    """Run the plugin; known errors end it with one message and their exit code."""
    try:
        app(prog_name="kubectl glede")
    except CommandError as error:
        sys.exit(fail(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(130)
