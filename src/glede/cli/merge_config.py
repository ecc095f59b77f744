"""``glede merge-config``: lay a Milvus's settings over the milvus.yaml of its image."""

from pathlib import Path
from typing import Annotated

import typer

from glede.cli.output import CommandError
from glede.milvus.merge import MergeError, merge


def merge_config(
    base: Annotated[Path, typer.Option(help="A copy of the image's configs folder.")],
    user: Annotated[Path, typer.Option(help="The settings: user.yaml.")],
    out: Annotated[Path, typer.Option(help="The folder that Milvus reads.")],
    refreshed: Annotated[
        bool, typer.Option("--refreshed", help="Milvus reads user.yaml again while it runs (since 2.4).")
    ] = False,
) -> None:
    """Lay a Milvus's settings over the milvus.yaml of its image, as each of its pods does at its start."""
    try:
        merge(base, user, out, refreshed=refreshed)
    except (MergeError, OSError) as error:
        raise CommandError(str(error), 1) from error
