"""``glede operator``: run the operator of Milvus."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from glede.cli.output import CommandError
from glede.kube.errors import ApiError, KubeconfigError
from glede.kube.logs import configure
from glede.milvus.operator import Options, run


def operator(
    *,
    watch_namespace: Annotated[
        str, typer.Option(help="Watch these namespaces only, separated by commas; default: all.")
    ] = "",
    port: Annotated[int, typer.Option(help="Serve /healthz, /readyz and /metrics here.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to serve them on.")] = "0.0.0.0",  # noqa: S104
    workers: Annotated[int, typer.Option(min=1, max=100, help="Milvuses worked on at one time.")] = 10,
    log_level: Annotated[Literal["debug", "info", "warning", "error"], typer.Option()] = "info",
    log_format: Annotated[Literal["json", "text"], typer.Option()] = "json",
    lease: Annotated[str, typer.Option(help="Name of the Lease by which one replica leads.")] = "glede",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Default: the pod's service account, else KUBECONFIG.")
    ] = None,
) -> None:
    """Run the operator until SIGTERM. Of several replicas one works and the others stand by."""
    configure(log_level, json=log_format == "json")
    options = Options(
        namespaces=tuple(sorted({name for name in watch_namespace.split(",") if name})),
        own_namespace=os.environ.get("POD_NAMESPACE", "default"),
        lease=lease,
        host=host,
        port=port,
        workers=workers,
    )
    try:
        asyncio.run(run(options, kubeconfig))
    except (KubeconfigError, ApiError) as error:
        raise CommandError(str(error), 1) from error
    except ExceptionGroup:
        # Each was logged where it happened; the pod's restart is the cure.
        sys.exit(1)
