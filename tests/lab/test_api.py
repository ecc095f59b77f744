"""Level ``api`` behaves as a cluster's API server does."""

import gc
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from lab.api import ApiLab, api_lab
from lab.cluster import apply, client, pods_of, ready, wait_for_pods
from lab.daemons import wait_for
from lab.faults import faulty_api
from lab.observe import requests
from lab.places import Places
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod, ServiceAccount
from lightkube.resources.policy_v1 import PodDisruptionBudget

from lab import daemons

Kite = create_namespaced_resource("birds.example", "v1", "Kite", "kites")

CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "kites.birds.example"},
    "spec": {
        "group": "birds.example",
        "scope": "Namespaced",
        "names": {"kind": "Kite", "plural": "kites", "singular": "kite"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"nests": {"type": "integer"}, "eggs": {"type": "integer"}},
                                "x-kubernetes-validations": [
                                    {"rule": "self.eggs <= self.nests * 3", "message": "three eggs a nest"}
                                ],
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


def kite(name: str, nests: int, eggs: int) -> Any:
    return Kite({"metadata": {"name": name}, "spec": {"nests": nests, "eggs": eggs}})


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


@pytest.fixture(scope="module")
def crd(api: ApiLab) -> None:
    admin = api.client()
    apply(admin, CRD)
    for _ in wait_for("kites are served", 10):
        try:
            list(admin.list(Kite, namespace="default"))
        except (ApiError, httpx2.HTTPStatusError):
            continue
        return


@pytest.mark.usefixtures("crd")
def test_a_rule_in_cel_is_checked(kube: Client) -> None:
    kube.create(kite("good", 2, 6))

    with pytest.raises(ApiError, match="three eggs a nest"):
        kube.create(kite("bad", 2, 7))


@pytest.mark.usefixtures("crd")
def test_server_side_apply_knows_whose_field_it_is(kube: Client) -> None:
    kube.apply(kite("shared", 1, 1), field_manager="first")

    with pytest.raises(ApiError, match="conflict"):
        kube.apply(kite("shared", 2, 1), field_manager="second")
    kube.apply(kite("shared", 2, 1), field_manager="second", force=True)

    managers = {field.manager for field in kube.get(Kite, "shared").metadata.managedFields}
    assert managers == {"first", "second"}


def test_a_watch_gets_changes_and_bookmarks(api: ApiLab, kube: Client) -> None:
    """A bookmark comes about once a minute at rest, and at once with the initial list of a streamed watch."""
    kube.create(ConfigMap.from_dict({"metadata": {"name": "one"}, "data": {"a": "1"}}))
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "20",
    }
    http = kube._client._client  # the library has no way to see bookmarks
    seen: list[tuple[str, str | None]] = []
    with http.stream("GET", f"/api/v1/namespaces/{kube.namespace}/configmaps", params=query) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            event = httpx2.Response(200, text=line).json()
            metadata = event["object"]["metadata"]
            if event["type"] == "BOOKMARK":
                assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
                kube.create(ConfigMap.from_dict({"metadata": {"name": "two"}}))
            seen.append((event["type"], metadata.get("name")))
            if metadata.get("name") == "two":
                break
    names = [entry for entry in seen if entry[1] != "kube-root-ca.crt"]
    assert names == [("ADDED", "one"), ("BOOKMARK", None), ("ADDED", "two")]


def test_what_an_owner_leaves_is_collected(kube: Client) -> None:
    apply(kube, deployment("owner", 2), kube.namespace)
    for _ in wait_for("the pods of the deployment", 20):
        if len(pods_of(kube, kube.namespace, {"app": "owner"})) == 2:
            break

    kube.delete(Deployment, "owner")

    for _ in wait_for("nothing is left of the deployment", 20):
        left = [*kube.list(ReplicaSet), *pods_of(kube, kube.namespace, {"app": "owner"})]
        if not left:
            return


def test_fake_nodes_run_pods_and_an_eviction_heeds_the_budget(api: ApiLab, kube: Client) -> None:
    api.add_fake_nodes([f"fake-{number}" for number in range(3)])
    labels = {"app": "guarded"}
    for number in range(3):
        container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
        metadata = {"name": f"guarded-{number}", "labels": labels}
        kube.create(Pod.from_dict({"metadata": metadata, "spec": {"containers": [container]}}))
    spec = {"minAvailable": 2, "selector": {"matchLabels": labels}}
    kube.create(PodDisruptionBudget.from_dict({"metadata": {"name": "guarded"}, "spec": spec}))
    pods = wait_for_pods(kube, kube.namespace, labels, 3, 30)
    assert {pod.spec.nodeName for pod in pods} <= {"fake-0", "fake-1", "fake-2"}
    for _ in wait_for("the budget knows its pods", 20):
        status = kube.get(PodDisruptionBudget, "guarded").status
        if status and status.disruptionsAllowed == 1:
            break

    kube.create(_eviction(pods[0]), "guarded-0")
    with pytest.raises(ApiError) as refused:
        kube.create(_eviction(pods[1]), "guarded-1")

    assert refused.value.status.code == 429
    assert "disruption budget" in str(refused.value.status.message)
    assert ready(kube.get(Pod, "guarded-1"))


def _eviction(pod: Pod) -> Any:
    return Pod.Eviction.from_dict({"metadata": {"name": pod.metadata.name}})


def test_the_audit_log_tells_who_wrote_what(api: ApiLab, kube: Client) -> None:
    begin = datetime.now(UTC)
    kube.create(ConfigMap.from_dict({"metadata": {"name": "audited"}}))
    kube.get(ConfigMap, "audited")

    for _ in wait_for("both requests are in the log", 10):
        found = requests(api.places.audit_log, begin)
        mine = {
            (request.verb, count, request.writes)
            for request, count in found.items()
            if request.user == "admin" and request.resource == "configmaps"
        }
        if mine == {("create", 1, True), ("get", 1, False)}:
            break
    later = datetime.now(UTC)
    time.sleep(0.5)
    assert not [r for r in requests(api.places.audit_log, later) if r.user == "admin"]


def test_two_labs_run_side_by_side(api: ApiLab) -> None:
    with api_lab(managers=False) as other:
        apply(other.client(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "only-there"}})
        pids = [daemon.pid for daemon in daemons.known(other.places).values()]
        assert other.server != api.server
        assert "only-there" not in {str(found.metadata.name) for found in api.client().list(Namespace)}
    assert len(pids) == 2
    assert not any(daemon.process() for daemon in _records(pids))
    assert not other.places.root.exists()


def _records(pids: list[int]) -> list[daemons.Daemon]:
    return [daemons.Daemon("x", pid, time.time(), [], {}) for pid in pids]


def test_a_faulty_way_to_the_api(api: ApiLab, kube: Client) -> None:
    with faulty_api(api.kubeconfig, api.places.root / "faulty") as proxy:
        through = client(api.places.root / "faulty", kube.namespace)
        list(through.list(ServiceAccount))
        proxy.delay = 0.3
        begin = time.monotonic()
        list(through.list(ServiceAccount))
        assert time.monotonic() - begin >= 0.3
        proxy.delay = 0.0
        proxy.refuse = True
        proxy.cut()
        with pytest.raises(httpx2.TransportError):
            list(through.list(ServiceAccount))
        proxy.refuse = False
        list(through.list(ServiceAccount))
        through.close()
    gc.collect()  # what the proxy left open would be told here, and not in another test


def test_level_api_by_the_command_and_without_rights(tmp_path_factory: pytest.TempPathFactory) -> None:
    places = Places(tmp_path_factory.mktemp("lab") / "state")
    environment = {**os.environ, "GLEDE_LAB_STATE": str(places.root)}
    # Root without its capabilities may do what any user may.
    before = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()

    def lab(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*before, sys.executable, "-m", "lab", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=120
        )

    try:
        started = lab("up", "--level", "api")
        assert started.returncode == 0, started.stderr
        assert started.stdout == f"export KUBECONFIG={places.kubeconfig}\n"
        assert "API server" in started.stderr
        assert lab("kubeconfig").stdout.strip() == str(places.kubeconfig)
        assert "kube-apiserver" in lab("status").stdout
        assert places.kubeconfig.stat().st_mode & 0o777 == 0o600
        again = lab("up", "--level", "api")
        assert (again.returncode, again.stderr) == (
            1,
            "error: the lab is running already, or half started; run `python -m lab down` first\n",
        )
    finally:
        ended = lab("down", "--fresh")
    assert ended.returncode == 0, ended.stderr
    assert not places.root.exists()
    assert lab("status").returncode == 1
