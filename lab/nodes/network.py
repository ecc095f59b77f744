"""The nodes' network: a bridge in this machine's own namespace, and a cable from it to each node."""

import json
from collections.abc import Sequence
from pathlib import Path

from lab.commands import run, succeeds
from lab.controlplane import SERVICE_CIDR
from lab.nodes.layout import BRIDGE, HOST_ADDRESS, LOAD_BALANCER_CIDR, PREFIX, Node
from lab.places import Places

# Three kubelets watch more files than one machine is set up for.
SETTINGS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "fs.inotify.max_user_instances": "8192",
    "fs.inotify.max_user_watches": "524288",
}
NODE_SETTINGS = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0"}


def exists() -> bool:
    """Tell whether the bridge is there."""
    return succeeds(["ip", "link", "show", BRIDGE])


def create(places: Places, nodes: Sequence[Node]) -> None:
    """Lay the network for the nodes. Raises LabError."""
    _settings(places)
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "addr", "add", f"{HOST_ADDRESS}/{PREFIX}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    for node in nodes:
        _cable(node)
    for node in nodes:
        _routes(node, nodes)
    # Any node's kube-proxy turns a service's address into a pod's.
    hops = [word for node in nodes for word in ("nexthop", "via", node.address)]
    for network in (SERVICE_CIDR, LOAD_BALANCER_CIDR):
        run(["ip", "route", "replace", network, *hops])


def remove(places: Places, nodes: Sequence[Node]) -> None:
    """Take the network away; what is missing already is no error."""
    for node in nodes:
        succeeds(["ip", "netns", "delete", node.name])
        succeeds(["ip", "link", "delete", node.link])
    succeeds(["ip", "link", "delete", BRIDGE])
    _restore(places)


def _cable(node: Node) -> None:
    run(["ip", "netns", "add", node.name])
    run(["ip", "link", "add", node.link, "type", "veth", "peer", "name", "eth0", "netns", node.name])
    run(["ip", "link", "set", node.link, "master", BRIDGE, "up"])
    run(["ip", "-n", node.name, "addr", "add", f"{node.address}/{PREFIX}", "dev", "eth0"])
    run(["ip", "-n", node.name, "link", "set", "eth0", "up"])
    run(["ip", "-n", node.name, "link", "set", "lo", "up"])
    run(["ip", "-n", node.name, "route", "add", "default", "via", HOST_ADDRESS])
    words = [f"{name}={value}" for name, value in NODE_SETTINGS.items()]
    run(node.inside("sysctl", "-qw", *words))


def _routes(node: Node, nodes: Sequence[Node]) -> None:
    run(["ip", "route", "replace", node.pod_cidr, "via", node.address])
    for other in nodes:
        if other != node:
            run(["ip", "-n", node.name, "route", "replace", other.pod_cidr, "via", other.address])


def _settings(places: Places) -> None:
    """Change kernel settings, and remember what they were; a limit that is high enough stays."""
    before = {}
    for name, value in SETTINGS.items():
        path = Path("/proc/sys") / name.replace(".", "/")
        found = path.read_text().strip()
        if name.startswith("fs.") and int(found) >= int(value):
            continue
        before[name] = found
        path.write_text(value)
    remembered = _remembered(places)
    if not remembered.exists():
        remembered.write_text(json.dumps(before))


def _restore(places: Places) -> None:
    remembered = _remembered(places)
    if remembered.exists():
        for name, value in json.loads(remembered.read_text()).items():
            (Path("/proc/sys") / name.replace(".", "/")).write_text(value)
        remembered.unlink()


def _remembered(places: Places) -> Path:
    return places.config / "settings-before.json"
