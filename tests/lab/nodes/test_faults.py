"""Every fault is seen by the pods, and gone afterwards."""

import contextlib
import signal
import socket
import subprocess
import sys
import time

import pytest
from lab.cluster import apply, ready, ready_nodes
from lab.daemons import wait_for
from lab.errors import LabError
from lab.fixtures import NodesLab
from lab.nodes.layout import HOST_ADDRESS
from lab.observe import Timeline
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod
from tests.lab.nodes.pods import PORT, hears, pod, start, until_heard

from lab import faults

DATAGRAMS = 300


@pytest.fixture
def pair(nodes_lab: NodesLab, namespace: str) -> tuple[Pod, Pod]:
    """Two pods on two nodes that hear each other."""
    one, two, *_ = nodes_lab.nodes
    first, second = start(nodes_lab, namespace, pod("one", node=one.name), pod("two", node=two.name))
    until_heard(nodes_lab, namespace, "one", str(second.status.podIP))
    return first, second


def restarts(found: Pod) -> int:
    return int(found.status.containerStatuses[0].restartCount)


def test_a_killed_pod_restarts(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    api = nodes_lab.client(namespace)
    with faults.killed_pod(api, pair[0]):
        for _ in wait_for("the pod is not ready", 20, pause=0.05):
            if not ready(api.get(Pod, "one")) or restarts(api.get(Pod, "one")):
                break
    found = api.get(Pod, "one")
    assert (ready(found), restarts(found)) == (True, 1)


def test_a_frozen_pod_is_silent(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    address = str(pair[1].status.podIP)
    with faults.frozen_pod(pair[1]):
        assert not hears(nodes_lab, namespace, "one", address)
    until_heard(nodes_lab, namespace, "one", address)


@pytest.mark.parametrize("fault", [faults.killed_node, faults.frozen_node])
def test_a_node_that_is_gone_comes_back(
    nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod], fault: type
) -> None:
    api = nodes_lab.client(namespace)
    node = nodes_lab.nodes[1]
    address = str(pair[1].status.podIP)
    with fault(nodes_lab.places, api, node):
        assert not hears(nodes_lab, namespace, "one", address)
        for _ in wait_for(f"{node.name} is not ready", 90, pause=0.5):
            if node.name not in ready_nodes(api):
                break
    assert node.name in ready_nodes(api)
    for _ in wait_for("its pod is ready", 60, pause=0.3):
        found = api.get(Pod, "two")
        if ready(found):
            break
    until_heard(nodes_lab, namespace, "one", str(found.status.podIP))


def test_two_nodes_cut_from_each_other(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    one, two, three = nodes_lab.nodes
    third = start(nodes_lab, namespace, pod("three", node=three.name))[0]
    address = str(pair[1].status.podIP)
    with faults.cut_nodes(one, two):
        assert not hears(nodes_lab, namespace, "one", address)
        assert hears(nodes_lab, namespace, "three", address)
        assert hears(nodes_lab, namespace, "one", str(third.status.podIP))
        assert ready_nodes(nodes_lab.client()) == {node.name for node in nodes_lab.nodes}
    assert hears(nodes_lab, namespace, "one", address)


def test_a_node_cut_off_from_all_others(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    third = start(nodes_lab, namespace, pod("three", node=nodes_lab.nodes[2].name))[0]
    first, second = str(pair[0].status.podIP), str(pair[1].status.podIP)
    with faults.isolated_node(nodes_lab.nodes[1], nodes_lab.nodes):
        assert not hears(nodes_lab, namespace, "one", second)
        assert not hears(nodes_lab, namespace, "three", second)
        assert hears(nodes_lab, namespace, "three", first)
        assert hears(nodes_lab, namespace, "one", str(third.status.podIP))
        assert nodes_lab.nodes[1].name in ready_nodes(nodes_lab.client())
    assert hears(nodes_lab, namespace, "three", second)


def test_a_fault_by_hand_is_mended_by_ctrl_c(
    nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]
) -> None:
    address = str(pair[1].status.podIP)
    words = [sys.executable, "-m", "lab", "fault", "cut-nodes", "node-a", "node-b", "--seconds", "60"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        assert command.stderr.readline() == "broken for 60 s; Ctrl-C mends it\n"
        assert not hears(nodes_lab, namespace, "one", address)
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 0
    assert hears(nodes_lab, namespace, "one", address)


def test_a_pod_cut_from_another(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    beside = start(nodes_lab, namespace, pod("beside", node=nodes_lab.nodes[0].name))[0]
    address, near = str(pair[1].status.podIP), str(beside.status.podIP)
    with faults.cut_pod(pair[0], address):
        assert not hears(nodes_lab, namespace, "one", address)
        assert hears(nodes_lab, namespace, "one", near)
    with faults.cut_pod(pair[0], near):
        assert not hears(nodes_lab, namespace, "one", near)
    assert hears(nodes_lab, namespace, "one", address)
    assert hears(nodes_lab, namespace, "one", near)


def test_a_lost_member_is_heard_by_nobody(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    address = str(pair[1].status.podIP)
    with faults.lost_member(pair[1]):
        assert not hears(nodes_lab, namespace, "one", address)
        with pytest.raises(OSError, match="timed out"):
            socket.create_connection((address, PORT), timeout=1)
    until_heard(nodes_lab, namespace, "one", address)


def test_a_lossy_cable(nodes_lab: NodesLab, pair: tuple[Pod, Pod]) -> None:
    address = str(pair[1].status.podIP)
    assert returned(address) == DATAGRAMS
    with faults.lossy(nodes_lab.nodes[1], 30):
        # Lost on the way there or back: 51 % return on average, with a deviation of 9 in 300.
        assert 0.3 < returned(address) / DATAGRAMS < 0.7
    assert returned(address) == DATAGRAMS


def test_a_slow_cable(nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]) -> None:
    address = str(pair[1].status.podIP)
    quick = round_trip(address)
    with faults.slow_cable(nodes_lab.nodes[1], 100):
        slow = round_trip(address)
        assert slow >= 0.2
        assert hears(nodes_lab, namespace, "one", address)
    assert quick < 0.1
    assert round_trip(address) < 0.1


def test_a_full_disk(nodes_lab: NodesLab, namespace: str) -> None:
    api = nodes_lab.client(namespace)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "small"},
        "spec": {
            "storageClassName": "lab-sized",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "32Mi"}},
        },
    }
    apply(api, claim, namespace)
    volumes = [{"name": "small", "persistentVolumeClaim": {"claimName": "small"}}]
    mounts = {"volumeMounts": [{"name": "small", "mountPath": "/small"}]}
    start(nodes_lab, namespace, pod("writer", volumes=volumes, container=mounts))
    name = str(api.get(PersistentVolumeClaim, "small").spec.volumeName)
    write = ["exec", "-n", namespace, "writer", "--", "dd", "if=/dev/zero", "of=/small/x", "bs=1M", "count=4"]

    with faults.filled(nodes_lab.places.volumes / name), pytest.raises(LabError):
        nodes_lab.kubectl(*write)
    nodes_lab.kubectl(*write)
    with pytest.raises(LabError, match="on the machine's own disk"), faults.filled(nodes_lab.places.volumes):
        pass


def test_the_api_server_unreachable_from_one_pod(
    nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod]
) -> None:
    def reaches(source: str) -> bool:
        script = f"exec 3<>/dev/tcp/{HOST_ADDRESS}/6443"
        words = ["exec", "-n", namespace, source, "--", "timeout", "2", "bash", "-c", script]
        try:
            nodes_lab.kubectl(*words)
        except LabError:
            return False
        return True

    assert reaches("one")
    with faults.unreachable_api(str(pair[0].status.podIP), 6443):
        assert not reaches("one")
        assert reaches("two")
    assert reaches("one")


def test_a_timeline_tells_what_happened(
    nodes_lab: NodesLab, namespace: str, pair: tuple[Pod, Pod], tmp_path_factory: pytest.TempPathFactory
) -> None:
    api = nodes_lab.client(namespace)
    timeline = Timeline(api, namespace)
    with timeline.watching():
        timeline.mark("killing it", "fault")
        with faults.killed_pod(api, pair[0]):
            pass
        time.sleep(1.0)
    path = tmp_path_factory.mktemp("timeline") / "timeline.txt"
    timeline.write(path)
    lines = path.read_text().splitlines()

    assert [line for line in lines if "fault" in line and line.endswith("killing it")]
    assert [line for line in lines if "pod/one" in line and "1 restarts" in line]
    assert [line for line in lines if "event/Pod/one" in line and "Started" in line]
    assert [line for line in lines if line.startswith("==> node-a/one/main/")]


def returned(address: str) -> int:
    """Send datagrams to a pod from this machine, and count those that come back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        back = 0
        for number in range(DATAGRAMS):
            probe.sendto(number.to_bytes(4, "big"), (address, PORT))
            # Read as they come: what waits beyond the socket's memory is lost too.
            back += _received(probe, 0.002)
        return back + _received(probe, 0.5)


def _received(probe: socket.socket, seconds: float) -> int:
    probe.settimeout(seconds)
    count = 0
    with contextlib.suppress(TimeoutError):
        while True:
            probe.recv(100)
            count += 1
    return count


def round_trip(address: str) -> float:
    """Give the seconds of the quickest of five datagrams there and back."""
    quickest = float("inf")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(5)
        for _ in range(5):
            begin = time.monotonic()
            probe.sendto(b"ping", (address, PORT))
            probe.recv(100)
            quickest = min(quickest, time.monotonic() - begin)
    return quickest
