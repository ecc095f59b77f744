"""The kubelet and kube-proxy of a node."""

from pathlib import Path

import yaml

from lab import daemons
from lab.controlplane import POD_CIDR, ControlPlane
from lab.nodes.layout import Node

DNS_VIP = "10.96.0.10"
DNS_DOMAIN = "cluster.local"
# Every kubelet of a machine removes and makes this one; one that finds another's made between the two ends.
PLUGINS_SOCKET = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
START_SECONDS = 60.0


def start(plane: ControlPlane, node: Node) -> None:
    """Start both. Raises LabError."""
    folder = plane.places.node(node.name)
    pair = plane.authority.issue(
        f"{node.name}-kubelet", f"system:node:{node.name}", ["system:nodes"], [node.name, node.address]
    )
    body = _configuration(plane, node)
    body |= {"tlsCertFile": str(pair.certificate), "tlsPrivateKeyFile": str(pair.key)}
    config = folder / "kubelet.yaml"
    config.write_text(yaml.safe_dump(body))
    kubeconfig = plane.kubeconfig(
        f"nodes/{node.name}/kubelet.kubeconfig", f"system:node:{node.name}", ["system:nodes"]
    )
    arguments: list[str | Path] = [
        plane.find("kubelet"),
        f"--config={config}",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={node.name}",
        f"--root-dir={folder / 'kubelet'}",
        f"--node-ip={node.address}",
        f"--node-labels=topology.kubernetes.io/zone=zone-{node.letter}",
    ]
    before = _plugins_socket()
    kubelet = daemons.start(plane.places, f"kubelet-{node.letter}", node.inside(*arguments))
    for _ in daemons.wait_for(f"{kubelet.name} listens for device plugins", START_SECONDS):
        daemons.check(plane.places, kubelet)
        if _plugins_socket() not in (None, before):
            break
    start_proxy(plane, node)


def _plugins_socket() -> tuple[int, int] | None:
    """Tell the socket that is there from the one of another kubelet; None where there is none."""
    try:
        found = PLUGINS_SOCKET.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


def start_proxy(plane: ControlPlane, node: Node) -> None:
    """Start kube-proxy alone."""
    kubeconfig = plane.kubeconfig("config/kube-proxy.kubeconfig", "system:kube-proxy")
    arguments: list[str | Path] = [
        plane.find("kube-proxy"),
        "--proxy-mode=nftables",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={node.name}",
        f"--cluster-cidr={POD_CIDR}",
        # Machines without CAP_SYS_RESOURCE refuse a change of the connection table's limits.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]
    daemons.start(plane.places, f"kube-proxy-{node.letter}", node.inside(*arguments))


def _configuration(plane: ControlPlane, node: Node) -> dict[str, object]:
    authority = str(plane.authority.pair.certificate)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": authority},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        # Several kubelets that share a folder of logs prune each other's.
        "podLogsDir": str(node.pod_logs),
        "clusterDNS": [DNS_VIP],
        "clusterDomain": DNS_DOMAIN,
        "resolvConf": "",
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        # All nodes share one disk and one memory, so their shares say nothing.
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "4s",
        "serializeImagePulls": True,
    }
