"""Small pods for tests: they serve their name, and ask others for theirs."""

from collections.abc import Mapping
from typing import Any

from lab.cluster import apply, wait_for_pods
from lab.daemons import wait_for
from lab.errors import LabError
from lab.fixtures import NodesLab
from lightkube.resources.core_v1 import Pod

IMAGE = "lab/base:bookworm"
PORT = 8080
READY_SECONDS = 60.0

# Answers each connection with the pod's name, and each datagram with itself.
SERVER = r"""
use IO::Socket::INET; use IO::Select;
my $t = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die;
my $u = IO::Socket::INET->new(LocalPort => 8080, Proto => "udp") or die;
my $s = IO::Select->new($t, $u);
while (my @r = $s->can_read) { for my $h (@r) {
  if ($h == $u) { $u->recv(my $d, 1500); $u->send($d); }
  else { my $c = $t->accept; print $c "$ENV{HOSTNAME}\n"; close $c; } } }
"""


def pod(
    name: str, *, node: str | None = None, labels: Mapping[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """A pod that serves its name."""
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["perl", "-e", SERVER],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        **spec.pop("container", {}),
    }
    body: dict[str, Any] = {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        **spec,
    }
    if node:
        body["nodeName"] = node
    metadata = {"name": name, "labels": {"pod": name, **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}


def deployment(name: str, replicas: int, **spec: Any) -> dict[str, Any]:
    """A Deployment of such pods."""
    template = pod(name, labels={"app": name}, **spec)
    del template["apiVersion"], template["kind"], template["metadata"]["name"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def start(lab: NodesLab, namespace: str, *bodies: dict[str, Any]) -> list[Pod]:
    """Apply pods and wait until they are Ready."""
    api = lab.client(namespace)
    for body in bodies:
        apply(api, body, namespace)
    found = []
    for body in bodies:
        found += wait_for_pods(api, namespace, {"pod": body["metadata"]["name"]}, 1, READY_SECONDS)
    return found


def ask(lab: NodesLab, namespace: str, source: str, host: str, port: int = PORT, seconds: int = 3) -> str:
    """Connect from a pod to a host and give what it says. Raises LabError."""
    script = f"exec 3<>/dev/tcp/{host}/{port} && cat <&3"
    words = ["exec", "-n", namespace, source, "--", "timeout", str(seconds), "bash", "-c", script]
    return lab.kubectl(*words).strip()


def hears(lab: NodesLab, namespace: str, source: str, host: str, port: int = PORT) -> bool:
    """Tell whether a pod reaches a host."""
    try:
        return bool(ask(lab, namespace, source, host, port, seconds=2))
    except LabError:
        return False


def until_heard(lab: NodesLab, namespace: str, source: str, host: str, port: int = PORT) -> None:
    """Wait until a pod reaches a host."""
    for _ in wait_for(f"{source} reaches {host}", 20, pause=0.3):
        if hears(lab, namespace, source, host, port):
            return
