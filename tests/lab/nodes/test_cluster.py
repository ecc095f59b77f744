"""Level ``nodes`` is a cluster: network, names, volumes, scaling, draining, and kubectl's ways into pods."""

import contextlib
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab.binaries import find_binary
from lab.cluster import apply, ready_nodes, wait_for_pods
from lab.daemons import wait_for
from lab.errors import LabError
from lab.fixtures import NodesLab
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from lightkube.resources.core_v1 import PersistentVolumeClaim, Service
from tests.lab.nodes.pods import PORT, ask, deployment, pod, start, until_heard


def service(name: str, target: str, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": target}, "ports": ports, **spec},
    }


def test_pods_on_three_nodes_talk_by_address_name_and_virtual_address(
    nodes_lab: NodesLab, namespace: str
) -> None:
    names = [f"web-{node.letter}" for node in nodes_lab.nodes]
    bodies = [
        pod(name, node=node.name, labels={"app": "web"})
        for name, node in zip(names, nodes_lab.nodes, strict=True)
    ]
    pods = start(nodes_lab, namespace, *bodies)
    api = nodes_lab.client(namespace)
    apply(api, service("web", "web"), namespace)
    virtual = str(api.get(Service, "web").spec.clusterIP)

    assert {p.spec.nodeName for p in pods} == {node.name for node in nodes_lab.nodes}
    for source in names:
        for target in pods:
            assert ask(nodes_lab, namespace, source, str(target.status.podIP)) == target.metadata.name
    until_heard(nodes_lab, namespace, names[0], virtual, 80)
    for source in names:
        for host in (virtual, "web", f"web.{namespace}.svc.cluster.local"):
            assert ask(nodes_lab, namespace, source, host, 80) in names


def test_a_load_balancer_is_reached_from_this_machine(nodes_lab: NodesLab, namespace: str) -> None:
    start(nodes_lab, namespace, pod("outer", labels={"app": "outer"}))
    api = nodes_lab.client(namespace)
    apply(api, service("outer", "outer", type="LoadBalancer"), namespace)
    for _ in wait_for("an address", 20, pause=0.2):
        balancer = api.get(Service, "outer").status.loadBalancer
        if balancer and balancer.ingress:
            break
    address = str(balancer.ingress[0].ip)

    for _ in wait_for(f"{address} answers", 20, pause=0.2):
        with contextlib.suppress(OSError), socket.create_connection((address, 80), timeout=2) as connection:
            if connection.recv(100) == b"outer\n":
                return


def test_a_volume_binds_and_survives_its_pod(nodes_lab: NodesLab, namespace: str) -> None:
    api = nodes_lab.client(namespace)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}},
    }
    apply(api, claim, namespace)
    volumes = [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}]
    body = pod(
        "keeper", volumes=volumes, container={"volumeMounts": [{"name": "kept", "mountPath": "/kept"}]}
    )
    first = start(nodes_lab, namespace, body)[0]
    nodes_lab.kubectl("exec", "-n", namespace, "keeper", "--", "sh", "-c", "echo still here > /kept/note")
    path = _folder(nodes_lab, namespace, "kept")

    nodes_lab.kubectl("delete", "pod", "-n", namespace, "keeper", "--wait")
    second = start(nodes_lab, namespace, body)[0]

    note = nodes_lab.kubectl("exec", "-n", namespace, "keeper", "--", "cat", "/kept/note")
    assert note == "still here\n"
    assert second.spec.nodeName == first.spec.nodeName
    nodes_lab.kubectl("delete", "pod", "-n", namespace, "keeper", "--wait")
    api.delete(PersistentVolumeClaim, "kept")
    for _ in wait_for("the volume's folder is removed", 30):
        if not path.exists():
            return


def _folder(lab: NodesLab, namespace: str, claim: str) -> Path:
    found = lab.client(namespace).get(PersistentVolumeClaim, claim)
    path = lab.places.volumes / str(found.spec.volumeName)
    assert (path / "note").read_text() == "still here\n"
    return path


def test_an_autoscaler_scales_on_real_cpu(nodes_lab: NodesLab, namespace: str) -> None:
    api = nodes_lab.client(namespace)
    requests = {"resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "150m"}}}
    busy = {"command": ["sh", "-c", "while :; do :; done"], "readinessProbe": None, **requests}
    apply(api, deployment("busy", 1, container=busy), namespace)
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    scaler = {
        "metadata": {"name": "busy"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [metric],
        },
    }
    api.create(HorizontalPodAutoscaler.from_dict(scaler))

    wait_for_pods(api, namespace, {"app": "busy"}, 3, 180)


def test_a_drain_moves_pods(nodes_lab: NodesLab, namespace: str) -> None:
    api = nodes_lab.client(namespace)
    apply(api, deployment("moved", 3), namespace)
    wait_for_pods(api, namespace, {"app": "moved"}, 3, 60)
    target = nodes_lab.nodes[-1].name
    try:
        nodes_lab.kubectl(
            "drain", target, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s"
        )
        pods = wait_for_pods(api, namespace, {"app": "moved"}, 3, 60)
        assert target not in {p.spec.nodeName for p in pods}
    finally:
        nodes_lab.kubectl("uncordon", target)
    assert target in ready_nodes(api)


def test_logs_exec_and_port_forward(nodes_lab: NodesLab, namespace: str) -> None:
    body = pod(
        "talker",
        container={"command": ["sh", "-c", "echo the kite speaks; exec sleep 600"], "readinessProbe": None},
    )
    start(nodes_lab, namespace, body, pod("server"))

    for _ in wait_for("the log", 20):
        if nodes_lab.kubectl("logs", "-n", namespace, "talker") == "the kite speaks\n":
            break
    assert nodes_lab.kubectl("exec", "-n", namespace, "talker", "--", "hostname") == "talker\n"
    with pytest.raises(LabError, match="exit code 7"):
        nodes_lab.kubectl("exec", "-n", namespace, "talker", "--", "sh", "-c", "exit 7")
    assert _forwarded(nodes_lab, namespace, "server") == b"server\n"


def _forwarded(lab: NodesLab, namespace: str, name: str) -> bytes:
    words = [
        str(find_binary("kubectl")),
        f"--kubeconfig={lab.places.kubeconfig}",
        "port-forward",
        "-n",
        namespace,
    ]
    with subprocess.Popen([*words, f"pod/{name}", f":{PORT}"], stdout=subprocess.PIPE, text=True) as forward:
        try:
            assert forward.stdout is not None
            port = int(forward.stdout.readline().split("127.0.0.1:")[1].split()[0])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                return connection.recv(100)
        finally:
            forward.terminate()


def test_a_pod_resolves_names_of_other_namespaces(nodes_lab: NodesLab, namespace: str) -> None:
    start(nodes_lab, namespace, pod("plain"))
    found = nodes_lab.kubectl("exec", "-n", namespace, "plain", "--", "getent", "hosts", "kubernetes.default")
    assert "10.96.0.1" in found
