"""Bad conditions of a machine: one clear line each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from lab.errors import LabError
from lab.nodes.layout import Node, nodes
from lab.places import Places

from lab import daemons, preflight
from lab.nodes import cgroups

GIB = 1 << 30


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "lab")
    found.make()
    return found


def lab(*words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GLEDE_LAB_STATE": "/nonexistent/lab"}
    command = [*before, sys.executable, "-m", "lab", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def as_root_or_skip() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: only root can give up what root has")


def test_not_root() -> None:
    before = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    ended = lab("up", "--level", "nodes", before=before)

    assert ended.returncode == 1
    assert ended.stderr == (
        "error: level nodes needs root (network namespaces, mounts); use sudo, or --level api\n"
    )


def test_missing_capabilities() -> None:
    as_root_or_skip()
    ended = lab("up", before=("setpriv", "--bounding-set=-net_admin,-sys_admin"))

    assert ended.returncode == 1
    assert ended.stderr == (
        "error: missing CAP_NET_ADMIN, CAP_SYS_ADMIN: root is confined here; give it these capabilities\n"
    )


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=int(1.5 * GIB)))
    with pytest.raises(LabError, match=r"^memory: 1\.5 GiB available, 3 GiB needed; end something$"):
        preflight._memory()


def test_too_little_disk(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=2 * GIB))
    with pytest.raises(LabError, match=r": 2\.0 GiB free, 6 GiB needed; or set GLEDE_LAB_STATE$"):
        preflight._disk(places)


def test_a_path_too_long_for_sockets(tmp_path: Path) -> None:
    deep = Places(tmp_path / "deep" / ("x" * 60))
    with pytest.raises(
        LabError, match=r"\d+ characters too long for kubelet's sockets; set GLEDE_LAB_STATE$"
    ):
        preflight._path(deep)


def test_a_half_started_lab(places: Places) -> None:
    daemon = daemons.start(places, "etcd", ["sleep", "60"])
    with pytest.raises(LabError, match=r"^the lab is running already"):
        preflight._half_started(places)
    daemons.kill(places, daemon.name)
    with pytest.raises(LabError, match=r"^the lab is half started \(etcd has ended\)"):
        preflight._half_started(places)
    daemons.stop(places, daemon.name)


@pytest.mark.parametrize(
    ("files", "version"),
    [(["cgroup.controllers"], 2), (["cpu/tasks", "memory/tasks", "pids/tasks"], 1)],
    ids=["version 2 only", "version 1 only"],
)
def test_either_version_of_control_groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: list[str], version: int
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)

    assert cgroups.version() == version
    found = [folder.relative_to(tmp_path) for folder in cgroups.folders(Node(1), missing=True)]
    wanted = ["lab-node-a"] if version == 2 else [f"{name}/lab-node-a" for name in ("cpu", "memory", "pids")]
    assert found == [Path(name) for name in wanted]


def test_no_control_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    with pytest.raises(LabError, match="no control groups with cpu, memory, pids are mounted"):
        cgroups.version()


def test_too_many_nodes() -> None:
    with pytest.raises(LabError, match="--nodes 99: found 99, expected 1 to 20"):
        nodes(99)


def test_a_daemon_is_known_by_its_id_and_its_begin(places: Places) -> None:
    daemon = daemons.start(places, "sleeper", ["sleep", "60"])
    other = daemons.Daemon("sleeper", daemon.pid, daemon.began - 100, [], {})

    assert daemon.process() is not None
    assert other.process() is None
    with pytest.raises(LabError, match=f"is running already .process {daemon.pid}."):
        daemons.start(places, "sleeper", ["sleep", "60"])
    daemons.stop(places, "sleeper")
    assert daemon.process() is None
    assert daemons.known(places) == {}


def test_a_daemon_that_ends_by_itself_tells_its_last_words(places: Places) -> None:
    daemon = daemons.start(places, "crasher", ["sh", "-c", "echo the last words; exit 3"])
    for _ in daemons.wait_for("its end", 5):
        if daemon.process() is None:
            break
    with pytest.raises(LabError, match=r"crasher: has ended; its log .* ends: the last words"):
        daemons.check(places, daemon)
    daemons.stop(places, "crasher")
