"""Faults of the network: cut, lossy or slow. Rules are in a table of their own in the node's namespace."""

import contextlib
from collections.abc import Iterator, Sequence

from lightkube.resources.core_v1 import Pod

from lab.cluster import node_of
from lab.commands import run, succeeds
from lab.errors import LabError
from lab.faults.relay import relayed
from lab.faults.rules import rules
from lab.nodes.layout import Node

HOOKS = ("input", "output", "forward")


@contextlib.contextmanager
def cut_nodes(first: Node, second: Node) -> Iterator[None]:
    """Let no packet pass between two nodes or their pods; both still reach everybody else."""
    one, two = (f"{{ {node.address}, {node.pod_cidr} }}" for node in (first, second))
    wanted = [f"ip saddr {one} ip daddr {two} drop", f"ip saddr {two} ip daddr {one} drop"]
    with rules(_everywhere(wanted), first):
        yield


@contextlib.contextmanager
def isolated_node(node: Node, nodes: Sequence[Node]) -> Iterator[None]:
    """Cut a node from all others and their pods; this machine and its API server still reach it."""
    with contextlib.ExitStack() as stack:
        for other in nodes:
            if other != node:
                stack.enter_context(cut_nodes(node, other))
        yield


@contextlib.contextmanager
def cut_pod(pod: Pod, *others: str) -> Iterator[None]:
    """Let no packet pass between a pod and some addresses or networks, or anybody when none is given.

    For a service give its pods' addresses: its own is translated before the rules see it.
    """
    address = str(pod.status.podIP)
    far = f"{{ {', '.join(others)} }}" if others else ""
    wanted = [
        f"ip saddr {address} {f'ip daddr {far}' if far else ''} drop",
        f"ip daddr {address} {f'ip saddr {far}' if far else ''} drop",
    ]
    with rules(_everywhere(wanted), node_of(pod)):
        yield


@contextlib.contextmanager
def lossy(node: Node, percent: int) -> Iterator[None]:
    """Lose a share of the packets that come to a node or leave it, chosen at random."""
    if not 0 < percent <= 100:
        raise LabError(f"percent: found {percent}, expected 1 to 100")
    chance = f"numgen random mod 100 < {percent} drop"
    chains = {"prerouting": [f"iifname eth0 {chance}"], "postrouting": [f"oifname eth0 {chance}"]}
    with rules(chains, node):
        yield


@contextlib.contextmanager
def slow_cable(node: Node, milliseconds: float) -> Iterator[None]:
    """Delay every packet on a node's cable, in each direction.

    By the kernel's netem where it has it, else by a relay on the cable, which is slower than a cable and
    keeps up with some thousand packets a second.
    """
    queue = ["tc", "qdisc", "add", "dev", node.link, "root", "netem", "delay", f"{milliseconds}ms"]
    if succeeds(queue):
        inner = node.inside(
            "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{milliseconds}ms"
        )
        try:
            run(inner)
            yield
        finally:
            run(["tc", "qdisc", "del", "dev", node.link, "root"])
            succeeds(node.inside("tc", "qdisc", "del", "dev", "eth0", "root"))
        return
    with relayed(node, milliseconds / 1000):
        yield


def _everywhere(wanted: Sequence[str]) -> dict[str, Sequence[str]]:
    return dict.fromkeys(HOOKS, wanted)
