"""The operator on real nodes: from one manifest to searches, and back to full strength after a loss.

Prints how long each took; with GLEDE_OPERATOR_REPORT=FILE the table is written there too.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lab.cluster import apply, apply_file, pods_of, wait_for_pods
from lab.fixtures import NodesLab, a_namespace
from lab.images import load_all
from lab.observe import Timeline
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod
from pymilvus import MilvusException
from tests.e2e.canary import dropped_when_switched_off, watched_by_its_own_search
from tests.e2e.changed import changed_under_search
from tests.e2e.operated import DEPENDENCIES, RELEASE_NAMESPACE, Figures, Operated, Release
from tests.e2e.searched import search_once

from lab import faults

SEARCH_SECONDS = 120.0
LOSS_SECONDS = 180.0
OPERATOR = {"glede.io/operator": "true"}

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """The report's tables, printed at the end of the module."""
    found = Figures()
    yield found
    found.report()


@pytest.fixture(scope="module")
def release(nodes_lab: NodesLab) -> Iterator[Release]:
    load_all(("glede-operator",), [node.socket for node in nodes_lab.nodes], lambda _line: None)
    with Release(nodes_lab).installed() as installed:
        yield installed


@contextmanager
def _milvus(release: Release, manifest: str, name: str, tmp: pytest.TempPathFactory) -> Iterator[Operated]:
    """A Milvus in a namespace of its own, not yet applied."""
    api = release.lab.client()
    with a_namespace(api) as namespace:
        timeline = Timeline(release.lab.client(namespace), namespace)
        with timeline.watching():
            try:
                yield Operated(release.lab, namespace, name)
            finally:
                path = tmp.mktemp(manifest) / "timeline.txt"
                timeline.write(path)
                print(f"timeline: {path}")  # noqa: T201 - shown when a test fails


def _comes_up(milvus: Operated, manifest: str, figures: Figures) -> None:
    """Apply, wait for Healthy, search: the line of the table."""
    milvus.apply(manifest)
    milvus.healthy()
    healthy = time.monotonic()
    search_once(milvus.uri, SEARCH_SECONDS)
    searched = time.monotonic()
    ready = milvus.status()["ready"]
    spans = (healthy - milvus.applied, searched - healthy, searched - milvus.applied)
    figures.up.append(f"| {manifest}, {ready} pods | {' | '.join(f'{span:.0f}' for span in spans)} |")


def test_a_bare_cluster(release: Release, figures: Figures, tmp_path_factory: pytest.TempPathFactory) -> None:
    with _milvus(release, "cluster", "my-milvus", tmp_path_factory) as milvus:
        _comes_up(milvus, "cluster", figures)
        columns = milvus.kubectl("get", "milvus", milvus.name, "--no-headers").split()
        assert columns[:6] == ["my-milvus", "cluster", "Healthy", "12/12", "2.3.5", "True"]
        figures.lost += [_operator_killed(release, milvus), _store_stopped(milvus)]
        search_once(milvus.uri, SEARCH_SECONDS)
        figures.changed += changed_under_search(milvus)


def _operator_killed(release: Release, milvus: Operated) -> str:
    """Delete the leading operator's pod and then a Deployment, which the one that takes over makes anew."""
    api = release.lab.client(RELEASE_NAMESPACE)
    for pod in pods_of(api, RELEASE_NAMESPACE, OPERATOR):
        api.delete(Pod, pod.metadata.name, grace_period=0)
    begin = time.monotonic()
    milvus.kubectl("delete", "deployment", f"{milvus.name}-milvus-indexnode", "--wait=true")
    milvus.until("has all Deployments again", lambda: _exists(milvus, "indexnode"), LOSS_SECONDS)
    milvus.until("is whole again", milvus.whole, LOSS_SECONDS)
    return f"| both operators and a Deployment | {time.monotonic() - begin:.0f} |"


def _store_stopped(milvus: Operated) -> str:
    """Freeze every S3 server, see it told, let them go on."""
    api = milvus.lab.client(milvus.namespace)
    pods = pods_of(api, milvus.namespace, {"app.kubernetes.io/component": "storage"})
    assert len(pods) == 4
    with faults.frozen_pod(pods[0]), faults.frozen_pod(pods[1]), faults.frozen_pod(pods[2]):
        milvus.until(
            "tells that its store is gone",
            lambda: milvus.condition("StorageReady").get("status") == "False",
            LOSS_SECONDS,
        )
        assert milvus.condition("Degraded")["status"] == "True"
    begin = time.monotonic()
    milvus.until("is whole again", milvus.whole, LOSS_SECONDS)
    return f"| three of four S3 servers, after their return | {time.monotonic() - begin:.0f} |"


def _exists(milvus: Operated, component: str) -> bool:
    names = milvus.kubectl("get", "deployments", "-o", "name").split()
    return f"deployment.apps/{milvus.name}-milvus-{component}" in names


def test_standalone(release: Release, figures: Figures, tmp_path_factory: pytest.TempPathFactory) -> None:
    with _milvus(release, "standalone", "alone", tmp_path_factory) as milvus:
        _comes_up(milvus, "standalone", figures)
        assert release.tested(milvus).count("Succeeded") == 1
        watched_by_its_own_search(milvus)
        dropped_when_switched_off(milvus)
        _leaves_nothing(milvus)


def test_external_dependencies(
    release: Release, figures: Figures, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with _milvus(release, "external", "on-others", tmp_path_factory) as milvus:
        api = release.lab.client(milvus.namespace)
        apply_file(api, DEPENDENCIES, milvus.namespace)
        secret = {"accesskey": "lab-admin", "secretkey": "lab-admin-secret"}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "stringData": secret}
        apply(api, body, milvus.namespace)
        for app in ("etcd", "minio", "kafka"):
            wait_for_pods(api, milvus.namespace, {"app": app}, 1, LOSS_SECONDS)
        _comes_up(milvus, "external", figures)
        figures.outside.append(_external_stopped(milvus, "etcd", "EtcdReady"))


def _external_stopped(milvus: Operated, name: str, condition: str) -> str:
    """Stop an external dependency, see it told, start it again."""
    begin = time.monotonic()
    milvus.kubectl("scale", "statefulset", name, "--replicas=0")
    milvus.until(
        "tells that it is gone", lambda: milvus.condition(condition).get("status") == "False", LOSS_SECONDS
    )
    told = time.monotonic() - begin
    milvus.kubectl("scale", "statefulset", name, "--replicas=1")
    begin = time.monotonic()
    milvus.until("is whole again", milvus.whole, LOSS_SECONDS)
    milvus.until("searches again", lambda: _searches(milvus), LOSS_SECONDS)
    return f"| {name} | {told:.0f} | {time.monotonic() - begin:.0f} |"


def _searches(milvus: Operated) -> bool:
    """Tell whether a search succeeds: Milvus's own clients may take longer than ours to find what is back."""
    try:
        search_once(milvus.uri, SEARCH_SECONDS)
    except MilvusException:
        return False
    return True


def test_durable(release: Release, figures: Figures, tmp_path_factory: pytest.TempPathFactory) -> None:
    with _milvus(release, "durable", "durable", tmp_path_factory) as milvus:
        _comes_up(milvus, "durable", figures)
        _leaves_nothing(milvus)


def _leaves_nothing(milvus: Operated) -> None:
    """Delete a Milvus whose manifest says that all goes with it: pods, dependencies and volumes."""
    api = milvus.lab.client(milvus.namespace)
    milvus.kubectl("delete", "milvus", milvus.name, "--wait=true")

    def gone() -> bool:
        kinds = (Pod, StatefulSet, PersistentVolumeClaim)
        return not any(list(api.list(kind)) for kind in kinds)

    milvus.until("has left nothing behind", gone, LOSS_SECONDS)
