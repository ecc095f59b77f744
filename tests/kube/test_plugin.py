"""The kubectl plugin on a real API server: what it shows, and that no credential is in a report."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from lab.api import ApiLab
from lab.binaries import find_binary
from lab.cluster import apply
from lab.daemons import wait_for
from lab.places import Places
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.core_v1 import Event, Pod
from lightkube.types import PatchType
from tests.kube.kubelet import Kubelet, node_with_logs

from glede.api.milvus.schema import definitions
from glede.cli.report import LOG_LINES, OPERATOR_LABEL

PLANTED = "QX7-planted-credential-9Z"
NODE = "with-logs"
Milvus = create_namespaced_resource("milvus.io", "v1beta1", "Milvus", "milvuses")


@pytest.fixture(scope="module")
def kubelet(api: ApiLab) -> Iterator[Kubelet]:
    with node_with_logs(api, NODE) as found:
        yield found


@pytest.fixture(scope="module")
def kinds(api: ApiLab) -> None:
    admin = api.client()
    for definition in definitions():
        apply(admin, definition)
    for _ in wait_for("Milvus are served", 20):
        try:
            list(admin.list(Milvus, namespace="default"))
        except (ApiError, httpx2.HTTPStatusError):
            continue
        break


@pytest.fixture
def kites(kinds: None, kube: Client, kubelet: Kubelet) -> Client:
    """A namespace with a Milvus, what an operator would have made of it, and planted credentials."""
    labels = {"glede.io/milvus": "kites", "app.kubernetes.io/component": "querynode"}
    settings = {"minio": {"secretAccessKey": PLANTED}, "common": {"simdType": "auto"}}
    kube.create(Milvus({"metadata": {"name": "kites"}, "spec": {"mode": "cluster", "config": settings}}))
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "NotServing",
        "message": f"dial {PLANTED}",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"status": "Unhealthy", "ready": "0/1", "conditions": [condition]}
    kube.patch(Milvus.Status, "kites", {"status": status}, patch_type=PatchType.MERGE)
    last = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data":"{PLANTED}"}}'}
    for kind, name, body in (
        ("ConfigMap", "kites", {"data": {"user.yaml": yaml.safe_dump(settings)}}),
        ("Secret", "kites-minio", {"stringData": {"secretkey": PLANTED}}),
    ):
        metadata = {"name": name, "labels": labels, "annotations": last}
        apply(kube, {"apiVersion": "v1", "kind": kind, "metadata": metadata, **body}, kube.namespace)
    _pod(kube, "kites-milvus-querynode-a", labels, restarts=1)
    _pod(kube, f"glede-{kube.namespace}", {OPERATOR_LABEL: "true"}, restarts=0)
    _event(kube, f"BackOff: password={PLANTED}")
    log = f"1 connected with {PLANTED}\n2 ready\n"
    kubelet.logs[("kites-milvus-querynode-a", "main", False)] = log
    kubelet.logs[("kites-milvus-querynode-a", "main", True)] = f"panic: token={PLANTED}\n"
    return kube


def _pod(kube: Client, name: str, labels: dict[str, str], restarts: int) -> None:
    container = {
        "name": "main",
        "image": "milvusdb/milvus:v2.3.5",
        "args": [f"--minio-password={PLANTED}"],
        "env": [{"name": "MINIO_SECRET_KEY", "value": PLANTED}, {"name": "MODE", "value": "querynode"}],
    }
    spec = {"nodeName": NODE, "containers": [container], "automountServiceAccountToken": False}
    kube.create(Pod.from_dict({"metadata": {"name": name, "labels": labels}, "spec": spec}))
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off"}
    told = {
        "name": "main",
        "image": container["image"],
        "imageID": "x",
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": waiting},
    }
    kube.patch(Pod.Status, name, {"status": {"phase": "Running", "containerStatuses": [told]}})


def _event(kube: Client, message: str) -> None:
    about = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "kites-milvus-querynode-a",
        "namespace": kube.namespace,
    }
    seen = {"lastTimestamp": "2026-01-01T00:00:00Z", "count": 3, "reason": "BackOff", "type": "Warning"}
    body = {"metadata": {"name": "kites-backoff"}, "involvedObject": about, "message": message, **seen}
    kube.create(Event.from_dict(body))


def plugin(places: Places, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``kubectl glede``, as kubectl finds it on the path."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(places.kubeconfig),
        "COLUMNS": "200",
    }
    command = [str(find_binary("kubectl")), "glede", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, done.stderr
    return done.stdout


def test_status_of_one(api: ApiLab, kites: Client) -> None:
    text = told(plugin(api.places, "status", "kites", "-n", kites.namespace))

    assert f"kites in {kites.namespace}: Unhealthy, cluster, 0/1 pods ready" in text
    assert "has not seen the last change" in text
    assert "NotServing" in text
    [line] = [line for line in text.splitlines() if "CrashLoopBackOff" in line]
    assert line.split() == ["kites-milvus-querynode-a", NODE, "Running", "1", "CrashLoopBackOff"]
    assert "Pod/kites-milvus-querynode-a" in text

    found = json.loads(told(plugin(api.places, "status", "kites", "-n", kites.namespace, "-o", "json")))
    assert found["status"] == "Unhealthy"
    assert found["pods"][0]["reason"] == "CrashLoopBackOff"
    assert found["warnings"][0]["count"] == 3


def test_lists(api: ApiLab, kites: Client) -> None:
    assert "kites" in told(plugin(api.places, "status", "-A"))
    rows = json.loads(told(plugin(api.places, "status", "-A", "-o", "json")))
    assert kites.namespace in {row["namespace"] for row in rows}
    assert told(plugin(api.places, "status", "--context", _context(api))) == "No Milvus in default.\n"


def _context(api: ApiLab) -> str:
    return str(yaml.safe_load(api.kubeconfig.read_text())["current-context"])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("status", "eagles", "-n", "default"),
            3,
            "error: Milvus eagles in namespace default: there is none",
        ),
        (("status", "kites", "-A"), 2, "error: -A: lists all Milvus"),
        (("status", "--context", "nowhere"), 2, "'nowhere' not found"),
        (("status", "--kubeconfig", "/nowhere"), 2, "error: /nowhere: cannot be used"),
        (
            ("report", "eagles", "-n", "default"),
            3,
            "error: Milvus eagles in namespace default: there is none",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    api: ApiLab, kinds: None, words: tuple[str, ...], code: int, message: str
) -> None:
    done = plugin(api.places, *words)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_api_server_is_told(api: ApiLab, tmp_path: Path) -> None:
    config = yaml.safe_load(api.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = plugin(api.places, "status", "-A", "--kubeconfig", str(tmp_path / "config"))
    assert (done.returncode, done.stderr.startswith("error: the API server does not answer: ")) == (4, True)


def test_a_report_has_all_but_credentials(
    api: ApiLab, kites: Client, kubelet: Kubelet, tmp_path: Path
) -> None:
    path = tmp_path / "report.zip"
    told(plugin(api.places, "report", "kites", "-n", kites.namespace, "--out", str(path)))

    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    operator = f"operator/{kites.namespace}/glede-{kites.namespace}"
    assert {
        "milvus.yaml",
        "objects/ConfigMap/kites.yaml",
        "objects/Pod/kites-milvus-querynode-a.yaml",
        f"{operator}/pod.yaml",
        "secrets.yaml",
        "events.yaml",
        "versions.json",
        "logs/kites-milvus-querynode-a/main.log",
        "logs/kites-milvus-querynode-a/main.previous.log",
        "README.txt",
    } == {name for name in files if name.startswith(operator) or not name.startswith("operator/")}
    assert not [name for name, text in files.items() if PLANTED in text]
    check_contents(files, operator)
    asked = [query for target, query in kubelet.asked if "querynode-a" in target]
    assert {query["tailLines"][0] for query in asked} == {str(LOG_LINES)}

    again = plugin(api.places, "report", "kites", "-n", kites.namespace, "--out", str(path))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def check_contents(files: dict[str, str], operator: str) -> None:
    milvus: dict[str, Any] = yaml.safe_load(files["milvus.yaml"])
    assert milvus["spec"]["config"] == {
        "minio": {"secretAccessKey": "REDACTED"},
        "common": {"simdType": "auto"},
    }
    assert "2 ready" in files["logs/kites-milvus-querynode-a/main.log"]
    assert [secret["name"] for secret in yaml.safe_load(files["secrets.yaml"])] == ["kites-minio"]
    assert "BackOff" in files["events.yaml"]
    versions = json.loads(files["versions.json"])
    assert versions["kubernetes"].startswith("v1.")
    assert versions["images"] == ["milvusdb/milvus:v2.3.5"]
    # The operator's pod has no log here, and the report says so.
    assert f"{operator}/main.log: 404" in files["README.txt"]
