"""containerd and the pods' network plugin, one of each for a node."""

import json
import os
from pathlib import Path

import grpc

from lab import daemons
from lab.commands import program
from lab.daemons import wait_for
from lab.nodes.layout import Node
from lab.places import Places

PAUSE = "registry.k8s.io/pause:3.10"
PLUGINS = Path("/usr/lib/cni")
READY_SECONDS = 30.0

# netns_mounts_under_state_dir: pods' namespaces go with their node, and not into the machine's list.
# restrict_oom_score_adj: machines without CAP_SYS_RESOURCE refuse a lower score, and every sandbox with it.
CONFIG = """\
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = {restrict}
  netns_mounts_under_state_dir = true
  sandbox_image = "{pause}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{network}"
"""


def start(places: Places, node: Node) -> None:
    """Start the node's containerd and wait until it answers. Raises LabError."""
    folder = places.node(node.name)
    network = folder / "cni"
    for path in (network, node.run, node.pod_logs):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    (network / "10-bridge.conflist").write_text(json.dumps(_network(node)))
    config = folder / "containerd.toml"
    config.write_text(
        CONFIG.format(
            root=folder / "containerd",
            state=node.run / "state",
            socket=node.socket,
            restrict=str(not can_raise_priority()).lower(),
            pause=PAUSE,
            plugins=PLUGINS,
            network=network,
        )
    )
    daemons.start(places, f"containerd-{node.letter}", node.inside(program("containerd"), "--config", config))
    wait_until_ready(places, node)


def wait_until_ready(places: Places, node: Node) -> None:
    """Wait until the node's containerd serves kubelets, who give up at once when it does not yet."""
    daemon = daemons.one(places, f"containerd-{node.letter}")
    with grpc.insecure_channel(f"unix://{node.socket}") as channel:
        version = channel.unary_unary("/runtime.v1.RuntimeService/Version")
        for _ in wait_for(f"{daemon.name} answers", READY_SECONDS):
            daemons.check(places, daemon)
            try:
                version(b"", timeout=2)
            except grpc.RpcError:
                continue
            return


def can_raise_priority() -> bool:
    """Tell whether a process may protect another from the out-of-memory killer (CAP_SYS_RESOURCE)."""
    path = Path(f"/proc/{os.getpid()}/status")
    line = next(line for line in path.read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> 24 & 1)


def _network(node: Node) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": node.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(node.run / "addresses"),
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "glede-lab", "plugins": [bridge, ports]}
