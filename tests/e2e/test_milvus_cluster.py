"""A real Milvus cluster from plain manifests, searched without pause while it is broken: the yardstick.

Prints what each fault cost; with GLEDE_E2E_REPORT=FILE the table is written there too.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import numpy as np
import pytest
from lab.cluster import apply_folder, pods_of, ready, wait_for_pods
from lab.daemons import wait_for
from lab.fixtures import NodesLab, a_namespace
from lab.nodes.layout import Node
from lab.observe import Timeline
from lightkube.resources.core_v1 import Pod, Service
from pymilvus import MilvusClient
from tests.e2e import vectors
from tests.e2e.report import Row, write_report
from tests.e2e.searching import Searcher, counted

from lab import faults

MANIFESTS = Path(__file__).parents[2] / "lab" / "examples" / "milvus-cluster"
MILVUS = {"app": "milvus"}
QUERY_NODES = {"app": "milvus", "component": "querynode"}
PODS = 10  # three coordinators, two proxies, three query nodes, a data node, an index node
READY_SECONDS = 240.0
STRENGTH_SECONDS = 180.0
CALM_SECONDS = 5.0
CUT_SECONDS = 20.0
FOREVER = float("inf")
COLLECTION = "yardstick"
STORAGE_NODE = "node-a"  # where the manifests put etcd, MinIO and Kafka
Fault = tuple[str, AbstractContextManager[None]]
LEAST_RECALL = 0.95

pytestmark = pytest.mark.timeout(1200)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running Milvus with a loaded collection."""

    lab: NodesLab
    namespace: str
    uri: str
    seconds_to_ready: float
    rows: np.ndarray
    questions: np.ndarray


@pytest.fixture(scope="module")
def cluster(nodes_lab: NodesLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_namespace(nodes_lab.client()) as namespace:
        api = nodes_lab.client(namespace)
        timeline = Timeline(api, namespace)
        begin = time.monotonic()
        with timeline.watching():
            try:
                apply_folder(api, MANIFESTS, namespace)
                wait_for_pods(api, namespace, MILVUS, PODS, READY_SECONDS)
                took = time.monotonic() - begin
                uri = f"http://{_address(nodes_lab, namespace)}:19530"
                rows, questions = vectors.make()
                client = MilvusClient(uri, timeout=60)
                vectors.fill(client, COLLECTION, rows)
                client.close()
                yield Cluster(nodes_lab, namespace, uri, took, rows, questions)
            finally:
                path = Path(
                    os.environ.get("GLEDE_E2E_LOG") or tmp_path_factory.mktemp("e2e") / "timeline.txt"
                )
                timeline.write(path)
                print(f"timeline: {path}")  # noqa: T201 - shown when a test fails


def _address(lab: NodesLab, namespace: str) -> str:
    api = lab.client(namespace)
    for _ in wait_for("Milvus has an address", 30, pause=0.3):
        balancer = api.get(Service, "milvus").status.loadBalancer
        if balancer and balancer.ingress:
            return str(balancer.ingress[0].ip)
    raise AssertionError("wait_for ends by an error")


def test_query_nodes_are_on_three_nodes(cluster: Cluster) -> None:
    pods = pods_of(cluster.lab.client(), cluster.namespace, QUERY_NODES)
    assert {pod.spec.nodeName for pod in pods} == {node.name for node in cluster.lab.nodes}


def test_searches_find_the_nearest(cluster: Cluster) -> None:
    client = MilvusClient(cluster.uri, timeout=60)
    assert vectors.recall(client, COLLECTION, cluster.rows, cluster.questions) >= LEAST_RECALL
    client.close()


def query_node(cluster: Cluster, *, leads: bool) -> Pod:
    """Give the query node that leads the collection's shard, or another one."""
    client = MilvusClient(cluster.uri, timeout=10)
    leaders = vectors.shard_leaders(client, COLLECTION)
    client.close()
    pods = pods_of(cluster.lab.client(), cluster.namespace, QUERY_NODES)
    return next(pod for pod in pods if (_milvus_id(pod) in leaders) == leads)


def _milvus_id(pod: Pod) -> int:
    """Give the number that Milvus knows a query node by, from the pod's metrics."""
    metrics = httpx2.get(f"http://{pod.status.podIP}:9091/metrics", timeout=5, trust_env=False).text
    found = re.search(r'^milvus_querynode_\S*node_id="(\d+)"', metrics, re.MULTILINE)
    assert found, f"{pod.metadata.name}: no metric of a query node"
    return int(found[1])


def kill(cluster: Cluster, *, leads: bool) -> Fault:
    api = cluster.lab.client(cluster.namespace)
    pod = query_node(cluster, leads=leads)
    what = "that leads the shard" if leads else "that leads nothing"
    return f"kill a query node {what}", faults.killed_pod(api, pod, wait=False)


def drain(cluster: Cluster) -> Fault:
    node = _away_from_storage(cluster)
    return f"drain a node with {_what_is_on(cluster, node)}", _drained(cluster, node)


def _what_is_on(cluster: Cluster, node: Node) -> str:
    pods = pods_of(cluster.lab.client(), cluster.namespace, MILVUS)
    there = sorted(str(pod.metadata.labels["component"]) for pod in pods if pod.spec.nodeName == node.name)
    if query_node(cluster, leads=True).spec.nodeName == node.name:
        there.append("the shard's leader among them")
    return ", ".join(there)


@contextmanager
def _drained(cluster: Cluster, node: Node) -> Iterator[None]:
    words = ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s"]
    cluster.lab.kubectl("drain", node.name, *words, seconds=200)
    yield


def cut_off(cluster: Cluster) -> Fault:
    node = _away_from_storage(cluster)
    name = f"cut off for {CUT_SECONDS:g} s a node with {_what_is_on(cluster, node)}"
    return name, _lasting(faults.isolated_node(node, cluster.lab.nodes))


@contextmanager
def _lasting(fault: AbstractContextManager[None]) -> Iterator[None]:
    with fault:
        time.sleep(CUT_SECONDS)
        yield


def _away_from_storage(cluster: Cluster) -> Node:
    """Give the node of the shard's leader, or of another query node where that one is beside the volumes."""
    pods = [query_node(cluster, leads=True), query_node(cluster, leads=False)]
    names = [
        pod.spec.nodeName for pod in (*pods, *pods_of(cluster.lab.client(), cluster.namespace, QUERY_NODES))
    ]
    first = next(name for name in names if name != STORAGE_NODE)
    return next(node for node in cluster.lab.nodes if node.name == first)


FAULTS: tuple[Callable[[Cluster], Fault], ...] = (
    partial(kill, leads=False),
    partial(kill, leads=True),
    drain,
    cut_off,
)


def test_faults_under_search(cluster: Cluster) -> None:
    rows = []
    searcher = Searcher(cluster.uri, COLLECTION, cluster.questions)
    with searcher.searching():
        time.sleep(CALM_SECONDS)
        rows.append(_row("at rest", searcher, time.monotonic() - CALM_SECONDS, 0.0))
        for make in FAULTS:
            name, fault = make(cluster)
            rows.append(_broken(cluster, searcher, name, fault))
            _restored(cluster)
        whole = _full_strength(cluster, searcher, time.monotonic())
    report = write_report(rows, cluster.seconds_to_ready, searcher.answers)
    print(report)  # noqa: T201 - the figures are what this is for
    at_rest = rows[0].counts
    assert (at_rest["failed"], at_rest["short"]) == (0, 0)
    assert len(rows) == 1 + len(FAULTS)
    # What is broken on purpose may fail searches, and does; what counts is that it ends.
    last = counted(searcher.between(whole, FOREVER))
    assert last["good"] > 0
    assert (last["failed"], last["short"]) == (0, 0)


def _broken(cluster: Cluster, searcher: Searcher, name: str, fault: AbstractContextManager[None]) -> Row:
    begin = time.monotonic()
    with fault:
        pass
    return _row(name, searcher, begin, _full_strength(cluster, searcher, begin) - begin)


def _full_strength(cluster: Cluster, searcher: Searcher, begin: float) -> float:
    """Wait until all pods are Ready and searches are good for a while; gives the moment both began."""
    strong = 0.0
    api = cluster.lab.client(cluster.namespace)
    for _ in wait_for("full strength", STRENGTH_SECONDS, pause=0.2):
        pods = pods_of(api, cluster.namespace, MILVUS)
        if len(pods) != PODS or not all(ready(pod) for pod in pods):
            strong = 0.0
            continue
        strong = strong or time.monotonic()
        whole = max(searcher.last_bad(begin) or 0.0, strong)
        # Searches that hang have no verdict yet: some must have been good since.
        if time.monotonic() - whole > CALM_SECONDS and counted(searcher.between(whole, FOREVER))["good"]:
            return whole
    raise AssertionError("wait_for ends by an error")


def _restored(cluster: Cluster) -> None:
    """Undo what drains leave: nodes that take no pods, and query nodes on two nodes only."""
    for node in cluster.lab.nodes:
        cluster.lab.kubectl("uncordon", node.name)
    api = cluster.lab.client(cluster.namespace)
    on: dict[str, Pod] = {}
    for pod in pods_of(api, cluster.namespace, QUERY_NODES):
        if str(pod.spec.nodeName) in on:
            api.delete(Pod, str(pod.metadata.name))
        on[str(pod.spec.nodeName)] = pod
    wait_for_pods(api, cluster.namespace, MILVUS, PODS, READY_SECONDS)
    time.sleep(CALM_SECONDS)


def _row(name: str, searcher: Searcher, begin: float, seconds: float) -> Row:
    answers = searcher.between(begin, time.monotonic())
    return Row(
        name, begin, seconds, counted(answers), [answer.seconds for answer in answers if not answer.error]
    )
