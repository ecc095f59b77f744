"""What is done to a Milvus under search, the same on both sides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from bench.drills.sides import Side, operators
from lab.daemons import one, paused, wait_for
from lab.errors import LabError
from lab.nodes.layout import Node
from lightkube.resources.core_v1 import Pod
from tests.e2e import vectors
from tests.e2e.changed import COLLECTIONS, NO_IMAGE
from tests.e2e.searching import Searcher

from lab import faults

AWAY_SECONDS = 30.0
CUT_SECONDS = 20.0
LOST_SECONDS = 60.0
LOAD_SECONDS = 90.0
LOAD_CLIENTS = 6
OPERATOR_KILLS = 5
OPERATOR_SECONDS = 15.0
SEED = 17
# What a change costs varies: it depends on which process leads, and when it lets go.
PLANNED_TIMES = 2
IMAGE = "milvusdb/milvus:v2.3.5"
# The same image under another name: what differs is what a rollout is about.
OTHER_IMAGE = "mirror/milvus:v2.3.5"
# Where the plain manifests put etcd, MinIO and Kafka: a node that is taken away must be another.
STORAGE_NODE = "node-a"
# Four object servers with local volumes on three nodes: two share one, and their budget lets only one go.
NOT_STORES = "app.kubernetes.io/component!=storage"


@dataclass(frozen=True)
class Drill:
    """Something that happens to a Milvus; its clock starts with ``act``.

    ``act`` returns when the fault is over or the change is written, perhaps with words about what was seen.
    ``undo`` puts back what it left; nothing is counted then. It is measured ``times`` times.
    """

    name: str
    act: Callable[[Side], str | None]
    undo: Callable[[Side], None] = lambda side: None
    ours_only: bool = False
    times: int = 1


def _nothing(_side: Side) -> None:
    time.sleep(CUT_SECONDS)


def _bad_image(side: Side) -> None:
    side.image(NO_IMAGE)
    time.sleep(LOST_SECONDS)
    side.image(IMAGE)


def _fewer(side: Side) -> str:
    """Ask for one query node; gives how many are left when nothing changes any more."""
    side.scale(1)
    left, since = side.serving("querynode"), time.monotonic()
    while time.monotonic() - since < CUT_SECONDS:
        now = side.serving("querynode")
        left, since = now, since if now == left else time.monotonic()
        time.sleep(1)
    return f"{left} left"


def _autoscaled(side: Side) -> str:
    """Load the proxies while they are replaced; gives how long it took until there were more of them."""
    load = Searcher(side.uri, COLLECTIONS[2], vectors.make()[1], LOAD_CLIENTS)
    with load.searching():
        begin, before, first, most = time.monotonic(), side.wanted("proxy"), 0.0, 0
        side.autoscale(on=True)
        side.restart()
        while (seconds := time.monotonic() - begin) < LOAD_SECONDS:
            wanted, serving = side.wanted("proxy"), side.serving("proxy")
            most = max(most, min(wanted, serving))
            first = first or (seconds if min(wanted, serving) > before else 0.0)
            time.sleep(1)
    words = f"one more after {first:.0f} s, {most} in the end" if first else "never more"
    return f"{before} proxies, {words}"


def _killed(choose: Callable[[Side], Pod], side: Side) -> str:
    """Kill a pod's processes; gives how long it took until as many of its component were Ready as before."""
    pod = choose(side)
    component = pod.metadata.labels[side.label]
    before, begin = side.serving(component), time.monotonic()
    with faults.killed_pod(side.lab.client(side.namespace), pod):
        pass
    for _ in wait_for(f"{before} of {component} are ready again", LOST_SECONDS, pause=0.1):
        if side.serving(component) >= before:
            break
    return f"Ready again after {time.monotonic() - begin:.1f} s"


def _leader(side: Side) -> Pod:
    return side.leader(COLLECTIONS[1])


def _follower(side: Side) -> Pod:
    """Give a query node that leads neither of the collections' first shards."""
    leaders = {side.leader(name).metadata.name for name in COLLECTIONS.values()}
    pods = side.pods("querynode")
    return next((pod for pod in pods if pod.metadata.name not in leaders), pods[0])


def _coordinator(side: Side) -> Pod:
    return side.playing("rootcoord")


def _any(component: str, side: Side) -> Pod:
    return side.pods(component)[0]


def _away_from_storage(side: Side) -> Node:
    """Give the node of a leader, or of another query node where that one is beside the plain volumes."""
    pods = [*(side.leader(name) for name in COLLECTIONS.values()), *side.pods("querynode")]
    return next(node for node in map(side.node_of, pods) if node.name != STORAGE_NODE)


def _drained(side: Side) -> str:
    node = _away_from_storage(side)
    words = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s")
    begin = time.monotonic()
    try:
        side.lab.kubectl("drain", node.name, *words, f"--pod-selector={NOT_STORES}", seconds=260)
        took = time.monotonic() - begin
        time.sleep(CUT_SECONDS)
    finally:
        side.lab.kubectl("uncordon", node.name)
    return f"drained in {took:.0f} s, back after {CUT_SECONDS:g} s more"


def _node_lost(side: Side) -> None:
    with faults.killed_node(side.lab.places, side.lab.client(), _away_from_storage(side)):
        time.sleep(LOST_SECONDS)


def _cut(side: Side) -> None:
    first = _away_from_storage(side)
    second = next(node for node in side.lab.nodes if node.name not in (first.name, STORAGE_NODE))
    with faults.cut_nodes(first, second):
        time.sleep(CUT_SECONDS)


def _away(kind: str, most: int, fault: Callable[[Pod], AbstractContextManager[None]], side: Side) -> None:
    pods = side.dependency(kind)[:most]
    if not pods:
        raise LabError(f"{side.title}: no pod of {kind}")
    with ExitStack() as stack:
        for pod in pods:
            stack.enter_context(fault(pod))
        time.sleep(AWAY_SECONDS)


def _operator_killed(side: Side) -> None:
    """Kill both operators' processes at random moments while every component is restarted."""
    chance = random.Random(SEED)
    side.restart()
    for _ in range(OPERATOR_KILLS):
        time.sleep(chance.uniform(0, OPERATOR_SECONDS))
        for pod in operators(side.lab):
            # One that waits for its restart has nothing to kill.
            with suppress(LabError), faults.killed_pod(side.lab.client(), pod, wait=False):
                pass


def _api_away(side: Side) -> None:
    with paused(one(side.lab.places, "kube-apiserver")):
        time.sleep(LOST_SECONDS)
    for _ in wait_for("the API server answers again", LOST_SECONDS, pause=1.0):
        if side.pods("proxy"):
            return


def _back(side: Side) -> None:
    side.autoscale(on=False)


DRILLS = (
    Drill("at rest", _nothing),
    Drill("every component restarted", lambda side: side.restart(), times=PLANNED_TIMES),
    Drill(
        "another image",
        lambda side: side.image(OTHER_IMAGE),
        lambda side: side.image(IMAGE),
        times=PLANNED_TIMES,
    ),
    Drill("an image that is not there, corrected after 60 s", _bad_image),
    Drill("a setting of the query nodes", lambda side: side.another_setting(), times=PLANNED_TIMES),
    Drill("query nodes from 3 to 1", _fewer, times=PLANNED_TIMES),
    Drill("query nodes from 1 to 3", lambda side: side.scale(3), times=PLANNED_TIMES),
    Drill("proxies' autoscaler under load, in a restart", _autoscaled, _back),
    Drill("another query node killed", partial(_killed, _follower)),
    Drill("a leading query node killed", partial(_killed, _leader)),
    Drill("the root coordinator killed", partial(_killed, _coordinator)),
    Drill("a proxy killed", partial(_killed, partial(_any, "proxy"))),
    Drill("the data node killed", partial(_killed, partial(_any, "datanode"))),
    Drill("the index node killed", partial(_killed, partial(_any, "indexnode"))),
    Drill("one etcd member cut off for 30 s", partial(_away, "etcd", 1, faults.lost_member)),
    Drill("all S3 servers stopped for 30 s", partial(_away, "storage", 9, faults.frozen_pod)),
    Drill("all of Kafka stopped for 30 s", partial(_away, "kafka", 9, faults.frozen_pod)),
    Drill("two nodes cut from each other for 20 s", _cut),
    Drill("the API server away for 60 s", _api_away),
    Drill("both operators killed five times, in a restart", _operator_killed, ours_only=True),
    Drill("a node drained", _drained, Side.spread),
    Drill("a node lost for 60 s", _node_lost, Side.spread),
)
