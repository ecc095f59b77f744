"""`python -m lab fault …`: break something by hand for some seconds; Ctrl-C mends it earlier."""

import contextlib
import time
from collections.abc import Iterator
from typing import Annotated

import typer
from lightkube import Client
from lightkube.resources.core_v1 import Pod

from lab import faults
from lab.cluster import client
from lab.entry import say
from lab.errors import LabError
from lab.machine import present
from lab.nodes.layout import Node
from lab.places import Places, default_state

app = typer.Typer(help="Break something for some seconds; Ctrl-C mends it earlier.", no_args_is_help=True)

Seconds = Annotated[float, typer.Option("--seconds", "-s", min=0.1, help="How long.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="The pod's namespace.")]


@app.command()
def kill_node(node: str, seconds: Seconds = 30.0) -> None:
    """Kill kubelet, containerd and every pod of a node; it boots again afterwards."""
    places = Places(default_state())
    with _api() as api:
        _hold(faults.killed_node(places, api, _node(node)), seconds)


@app.command()
def freeze_node(node: str, seconds: Seconds = 30.0) -> None:
    """Stop everything on a node where it is."""
    places = Places(default_state())
    with _api() as api:
        _hold(faults.frozen_node(places, api, _node(node)), seconds)


@app.command()
def isolate_node(node: str, seconds: Seconds = 30.0) -> None:
    """Cut a node from all other nodes; this machine still reaches it."""
    found = _node(node)
    _hold(faults.isolated_node(found, present(Places(default_state()))), seconds)


@app.command()
def cut_nodes(first: str, second: str, seconds: Seconds = 30.0) -> None:
    """Cut two nodes from each other."""
    _hold(faults.cut_nodes(_node(first), _node(second)), seconds)


@app.command()
def slow_node(
    node: str, milliseconds: Annotated[float, typer.Argument(min=0.1)], seconds: Seconds = 30.0
) -> None:
    """Delay every packet on a node's cable, in each direction."""
    _hold(faults.slow_cable(_node(node), milliseconds), seconds)


@app.command()
def lossy_node(
    node: str, percent: Annotated[int, typer.Argument(min=1, max=100)], seconds: Seconds = 30.0
) -> None:
    """Lose a share of a node's packets."""
    _hold(faults.lossy(_node(node), percent), seconds)


@app.command()
def kill_pod(pod: str, namespace: Namespace = "default") -> None:
    """Kill the processes of a pod's containers, and wait until it is ready again."""
    with _api() as api:
        _hold(faults.killed_pod(api, _pod(api, pod, namespace)), 0.0)


@app.command()
def freeze_pod(pod: str, namespace: Namespace = "default", seconds: Seconds = 30.0) -> None:
    """Stop a pod's processes where they are."""
    with _api() as api:
        _hold(faults.frozen_pod(_pod(api, pod, namespace)), seconds)


@app.command()
def isolate_pod(pod: str, namespace: Namespace = "default", seconds: Seconds = 30.0) -> None:
    """Let nobody hear of a pod, and it of nobody: a lost member of a quorum."""
    with _api() as api:
        _hold(faults.lost_member(_pod(api, pod, namespace)), seconds)


def _hold(fault: contextlib.AbstractContextManager[None], seconds: float) -> None:
    with fault:
        say(f"broken for {seconds:g} s; Ctrl-C mends it")
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(seconds)
        say("mending")


@contextlib.contextmanager
def _api() -> Iterator[Client]:
    path = Places(default_state()).kubeconfig
    if not path.exists():
        raise LabError(f"{path}: not there; start the lab first: python -m lab up")
    with client(path) as api:
        yield api


def _node(name: str) -> Node:
    found = {node.name: node for node in present(Places(default_state()))}
    if name not in found:
        raise LabError(f"{name}: no node of the lab; take one of {', '.join(found) or '(none runs)'}")
    return found[name]


def _pod(api: Client, name: str, namespace: str) -> Pod:
    return api.get(Pod, name, namespace=namespace)
