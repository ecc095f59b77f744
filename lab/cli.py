"""The command: `python -m lab up|down|status|kubeconfig|load|fault`."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import Annotated

import httpx2
import typer
from lightkube.core.exceptions import ApiError

from lab import api, daemons, fault_commands, machine
from lab.entry import say
from lab.errors import LabError
from lab.images import IMAGES_OF_A_CLUSTER, load_all
from lab.places import Places, default_state

app = typer.Typer(
    help="A real Kubernetes on one Linux machine, without Docker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(fault_commands.app, name="fault")


class Level(StrEnum):
    """How much of a cluster."""

    API = "api"
    NODES = "nodes"


Count = Annotated[int, typer.Option("--nodes", help="How many nodes.")]


@app.command()
def up(
    level: Annotated[Level, typer.Option(help="api: no nodes, no root. nodes: real nodes.")] = Level.NODES,
    nodes: Count = 3,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the data of the last time.")] = False,
    port: Annotated[int, typer.Option(help="The API server's port, level nodes.")] = machine.PORT,
    images: Annotated[bool, typer.Option(help="Load the images of a Milvus cluster.")] = False,
) -> None:
    """Start the lab."""
    places = Places(default_state())
    begin = time.monotonic()
    if fresh:
        machine.down(places, fresh=True)
    if level is Level.API:
        _start_api(places)
    else:
        wanted = IMAGES_OF_A_CLUSTER if images else ("pause",)
        machine.Machine(places, say, port).up(nodes, wanted)
    say(f"{time.monotonic() - begin:6.1f} s  in all; {_memory(places):.0f} MiB resident")
    print(f"export KUBECONFIG={places.kubeconfig}")


@app.command()
def down(*, fresh: Annotated[bool, typer.Option("--fresh", help="Remove the data too.")] = False) -> None:
    """End the lab: no process, mount, namespace, link, rule or control group is left."""
    machine.down(Places(default_state()), fresh=fresh)


@app.command()
def status() -> None:
    """Tell what runs, and what it takes."""
    places = Places(default_state())
    found = daemons.known(places) if places.run.is_dir() else {}
    for name, daemon in found.items():
        process = daemon.process()
        state = f"{process.memory_info().rss >> 20:5} MiB  process {daemon.pid}" if process else "has ended"
        print(f"{name:26} {state}")
    if not found:
        print("no lab runs here")
        raise typer.Exit(1)


@app.command()
def kubeconfig() -> None:
    """Print the path of the administrator's kubeconfig."""
    path = Places(default_state()).kubeconfig
    if not path.exists():
        raise LabError(f"{path}: not there; start the lab first: python -m lab up")
    print(path)


@app.command()
def load(images: Annotated[list[str], typer.Argument(metavar="IMAGE...")]) -> None:
    """Build images where needed, and load them into every node."""
    sockets = [node.socket for node in machine.present(Places(default_state())) if node.socket.exists()]
    if not sockets:
        raise LabError("no node runs; start the lab first: python -m lab up --level nodes")
    load_all(images, sockets, say)


def _start_api(places: Places) -> None:
    if places.run.is_dir() and daemons.known(places):
        raise LabError("the lab is running already, or half started; run `python -m lab down` first")
    api.start(places, say)


def _memory(places: Places) -> float:
    processes = [daemon.process() for daemon in daemons.known(places).values()]
    total = 0
    for process in processes:
        if process:
            family = [process, *process.children(recursive=True)]
            total += sum(one.memory_info().rss for one in family if one.is_running())
    return total / (1 << 20)


def main() -> None:
    """Run; what is wrong is one line on stderr and exit code 1."""
    try:
        app()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except ApiError as error:
        print(f"error: {error.status.message}", file=sys.stderr)
        raise SystemExit(1) from None
    except httpx2.TransportError as error:
        print(f"error: the API server does not answer ({error}); is the lab up?", file=sys.stderr)
        raise SystemExit(1) from None
