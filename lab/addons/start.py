"""Starting the add-ons."""

import sys
from pathlib import Path

from lab import daemons
from lab.addons.objects import (
    DNS_PORT,
    METRICS_PORT,
    dns_objects,
    metrics_objects,
    rights,
    storage_objects,
)
from lab.cluster import apply, client
from lab.controlplane import ControlPlane
from lab.nodes.kubelet import DNS_DOMAIN
from lab.nodes.layout import HOST_ADDRESS

COREFILE = """\
.:{port} {{
    bind {address}
    errors
    ready {address}:8181
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods verified
        ttl 2
    }}
    cache 2
}}
"""


def apply_objects(plane: ControlPlane) -> None:
    """Put the add-ons' objects into the cluster."""
    wanted = [
        *rights(),
        *dns_objects(),
        *metrics_objects(plane.authority.pair.certificate),
        *storage_objects(),
    ]
    with client(plane.places.kubeconfig) as api:
        for body in wanted:
            apply(api, body)


def start_dns(plane: ControlPlane) -> None:
    """Start CoreDNS."""
    corefile = plane.places.config / "Corefile"
    corefile.write_text(
        COREFILE.format(
            port=DNS_PORT, address=HOST_ADDRESS, domain=DNS_DOMAIN, kubeconfig=_administrator(plane)
        )
    )
    daemons.start(plane.places, "coredns", [plane.find("coredns"), "-conf", corefile])


def start_metrics(plane: ControlPlane) -> None:
    """Start metrics-server."""
    authority = plane.authority
    serving = authority.issue(
        "metrics-server", "metrics-server", names=["metrics-server.kube-system.svc", HOST_ADDRESS]
    )
    kubeconfig = _administrator(plane)
    arguments: list[str | Path] = [
        plane.find("metrics-server"),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={HOST_ADDRESS}",
        f"--secure-port={METRICS_PORT}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--kubelet-certificate-authority={authority.pair.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",  # must be shorter than the resolution, else it exits
    ]
    daemons.start(plane.places, "metrics-server", arguments)


def start_controller(plane: ControlPlane) -> None:
    """Start what gives volumes and outside addresses."""
    arguments: list[str | Path] = [
        sys.executable,
        "-m",
        "lab.addons.controller",
        _administrator(plane),
        plane.places.volumes,
    ]
    root = Path(__file__).parents[2]
    daemons.start(plane.places, "lab-controller", arguments, env={"PYTHONPATH": str(root)})


def _administrator(plane: ControlPlane) -> Path:
    return plane.kubeconfig("config/addons.kubeconfig", "lab-addons", ["system:masters"])


def aggregation_flags(plane: ControlPlane) -> list[str]:
    """Give the API server's arguments for APIs that others serve."""
    pair = plane.authority.issue("front-proxy", "front-proxy")
    return [
        f"--requestheader-client-ca-file={plane.authority.pair.certificate}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pair.certificate}",
        f"--proxy-client-key-file={pair.key}",
        "--enable-aggregator-routing=true",
    ]
