"""``down`` leaves the machine as it was, and ``up`` again finds the data of the last time."""

import re
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from lab.cluster import client, ready, wait_for_pods
from lab.commands import run
from lab.errors import LabError
from lab.nodes.runtime import PAUSE
from lab.places import Places, default_state
from lightkube.resources.core_v1 import Pod

from lab import daemons, machine, preflight

API_FOLDER = "/glede-lab-"


@pytest.fixture
def _alone() -> None:
    """These tests start and end the lab themselves; they come before the others."""
    places = Places(default_state())
    if places.run.is_dir() and daemons.known(places):
        pytest.fail("a lab is running; end it first: python -m lab down")


def traces() -> dict[str, object]:
    """What a lab could leave behind on a machine."""
    return {
        "processes": sorted(_programs()),
        "mounts": sorted(line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        "namespaces": run(["ip", "netns", "list"]),
        "links": re.findall(r"^\d+: (\S+?)[@:]", run(["ip", "link", "show"]), re.MULTILINE),
        "routes": run(["ip", "route", "show"]),
        "rules": run(["nft", "list", "ruleset"]),
        "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/lab-*")),
        "settings": [
            (Path("/proc/sys") / name).read_text()
            for name in (
                "net/ipv4/ip_forward",
                "net/ipv4/conf/all/rp_filter",
                "fs/inotify/max_user_instances",
            )
        ],
        "logs": sorted(path.name for path in Path("/var/log").iterdir()),
        "run": sorted(path.name for path in Path("/run").iterdir()),
    }


def _programs() -> Iterator[str]:
    """Give the names of running programs as a lab has them; labs of level api may run beside this one."""
    lab = re.compile("kube|etcd|containerd|coredns|metrics-server")
    for process in psutil.process_iter(["name", "cmdline"]):
        name, words = process.info["name"] or "", " ".join(process.info["cmdline"] or ())
        if lab.search(name) and API_FOLDER not in words:
            yield name


@pytest.fixture
def places() -> Iterator[Places]:
    # pytest's own folders have names too long for a kubelet's sockets.
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        found = Places(Path(folder) / "lab")
        yield found
        machine.down(found, fresh=True)


@pytest.mark.usefixtures("_alone")
def test_down_leaves_nothing_and_up_again_remembers(places: Places) -> None:
    preflight.install_programs(print)
    Path("/run/netns").mkdir(exist_ok=True)
    before = traces()
    lab = machine.Machine(places, print)

    lab.up(2, ["pause"])
    with client(places.kubeconfig) as api:
        container = {"name": "main", "image": PAUSE, "imagePullPolicy": "Never"}
        metadata = {"name": "kept", "labels": {"app": "kept"}}
        api.create(Pod.from_dict({"metadata": metadata, "spec": {"containers": [container]}}))
        pod = wait_for_pods(api, "default", {"app": "kept"}, 1, 60)[0]
    during = traces()
    with pytest.raises(LabError, match="the lab is running already"):
        lab.up(2)
    machine.down(places)
    assert during != before
    assert traces() == before

    begin = datetime.now(UTC).replace(microsecond=0)
    lab.up(2)
    with client(places.kubeconfig) as api:
        for _ in daemons.wait_for("the pod runs again", 60, pause=0.2):
            again = api.get(Pod, "kept")
            state = again.status.containerStatuses[0].state.running
            if ready(again) and state and state.startedAt >= begin:
                break
        assert again.metadata.uid == pod.metadata.uid
    daemons.kill(places, "kubelet-b")
    with pytest.raises(LabError, match=r"half started \(kubelet-b has ended\)"):
        lab.up(2)
    machine.down(places, fresh=True)
    assert traces() == before
    assert not places.root.exists()


@pytest.mark.usefixtures("_alone")
def test_a_port_that_is_taken(places: Places) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))  # noqa: S104 - nothing is served
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} is taken"):
            machine.Machine(places, print, port).up(1)
