"""Faults of a whole node: it dies, or it stands still."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from lightkube import Client

from lab import daemons
from lab.cluster import ready_nodes
from lab.daemons import paused, wait_for
from lab.nodes import cgroups, runtime
from lab.nodes.layout import Node
from lab.places import Places

READY_SECONDS = 120.0
PROGRAMS = ("kubelet", "containerd")


@contextlib.contextmanager
def killed_node(places: Places, api: Client, node: Node) -> Iterator[None]:
    """Kill kubelet, containerd and every pod of a node; on leaving it boots again and is waited for."""
    for name in PROGRAMS:
        daemons.kill(places, f"{name}-{node.letter}")
    cgroups.kill(node)
    try:
        yield
    finally:
        daemons.again(places, f"containerd-{node.letter}")
        runtime.wait_until_ready(places, node)
        daemons.again(places, f"kubelet-{node.letter}")
        _await(api, node)


@contextlib.contextmanager
def frozen_node(places: Places, api: Client, node: Node) -> Iterator[None]:
    """Stop everything on a node where it is; on leaving it goes on, and is waited for."""
    cgroups.freeze(node, frozen=True)
    try:
        with contextlib.ExitStack() as stack:
            for name in PROGRAMS:
                stack.enter_context(paused(daemons.one(places, f"{name}-{node.letter}")))
            yield
    finally:
        cgroups.freeze(node, frozen=False)
    _await(api, node)


def _await(api: Client, node: Node) -> None:
    since = datetime.now(UTC).replace(microsecond=0)
    for _ in wait_for(f"{node.name} ready again", READY_SECONDS, pause=0.3):
        if node.name in ready_nodes(api, since):
            return
