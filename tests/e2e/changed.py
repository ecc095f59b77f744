"""Changes of a Milvus that the operator looks after, while clients search it without pause."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from lab.daemons import wait_for
from pymilvus import MilvusClient
from tests.e2e import vectors
from tests.e2e.inserting import Inserter
from tests.e2e.killed import Killer
from tests.e2e.operated import Operated
from tests.e2e.searching import Searcher, counted

# Collections by their in-memory replicas.
COLLECTIONS = {1: "once", 2: "twice"}
CLIENTS = 2
CALM_SECONDS = 5.0
CHANGE_SECONDS = 600.0
DEADLINE_SECONDS = 60
NO_IMAGE = "milvusdb/milvus:v2.3.5-that-nobody-built"
# What restarts pods and changes nothing else.
TURN = {"podAnnotations": {"turn": "1"}}
FOREVER = float("inf")


def changed_under_search(milvus: Operated) -> list[str]:
    """Change a cluster in several ways, one after another; gives the rows of the table for each."""
    searchers = searchers_of(milvus.uri)
    image = milvus.spec()["components"]["image"]
    with ExitStack() as stack:
        for searcher in searchers.values():
            stack.enter_context(searcher.searching())
        watched = Watched(milvus, searchers, stack.enter_context(Inserter(milvus.uri).inserting()))
        time.sleep(CALM_SECONDS)
        found = watched.change("the query nodes' memory", _components(_memory("3Gi")), _done)
        found += watched.change("an image that is not there", _components(_image(NO_IMAGE)), _taken_back)
        assert milvus.condition("MilvusUpdated")["status"] == "False"
        found += watched.change("... corrected", _components(_image(image)), _done)
        found += watched.change("every component restarted", _components(TURN), _done)
        found += watched.change("every member of etcd, store and Kafka replaced", _dependencies(TURN), _done)
        found += _killed(watched)
    return found


def searchers_of(uri: str) -> dict[int, Searcher]:
    """Fill a collection for each number of in-memory replicas; give clients that are to search it."""
    rows, questions = vectors.make()
    client = MilvusClient(uri, timeout=60)
    for replicas, name in COLLECTIONS.items():
        vectors.fill(client, name, rows, replicas)
    client.close()
    return {replicas: Searcher(uri, name, questions, CLIENTS) for replicas, name in COLLECTIONS.items()}


def _killed(watched: "Watched") -> list[str]:
    """Kill those whose loss is felt most, one after another; gives the rows of the table."""
    killer = Killer(watched.milvus)
    leader = killer.leader(COLLECTIONS[1])

    def whole(_milvus: dict[str, Any]) -> bool:
        return watched.milvus.whole()

    found = watched.during("the leading query node killed", lambda: killer.kill("querynode", leader), whole)
    found += watched.during(
        "the active coordinator killed", lambda: killer.kill("mixcoord", "rootcoord"), whole
    )
    found += watched.during("a proxy killed", lambda: killer.kill("proxy"), whole)
    return found


def _components(values: dict[str, Any]) -> dict[str, Any]:
    """Give the change of a manifest that changes components."""
    return {"components": values}


def _dependencies(values: dict[str, Any]) -> dict[str, Any]:
    changed = {"inCluster": {"values": values}}
    return {"dependencies": dict.fromkeys(("etcd", "storage", "kafka"), changed)}


def _memory(size: str) -> dict[str, Any]:
    return {"queryNode": {"resources": {"limits": {"memory": size}}}}


def _image(image: str) -> dict[str, Any]:
    return {"image": image, "rollout": {"progressDeadlineSeconds": DEADLINE_SECONDS}}


@dataclass
class Watched:
    """A Milvus that is searched and written to meanwhile; ``searchers`` are by in-memory replicas."""

    milvus: Operated
    searchers: dict[int, Searcher]
    inserter: Inserter

    def change(self, what: str, spec: dict[str, Any], done: Callable[[dict[str, Any]], bool]) -> list[str]:
        """Change a manifest, wait until it is done and searches are good; gives a row for each searcher."""
        patch = json.dumps({"spec": spec})
        arguments = ("patch", "milvus", self.milvus.name, "--type=merge", f"--patch={patch}")
        return self.during(what, lambda: self.milvus.kubectl(*arguments), done)

    def during(
        self, what: str, act: Callable[[], object], done: Callable[[dict[str, Any]], bool]
    ) -> list[str]:
        """Act, wait until it is done and searches are good; gives a row for each searcher."""
        begin = time.monotonic()
        act()
        self.milvus.until(what, lambda: done(self.milvus.read()), CHANGE_SECONDS)
        took = time.monotonic() - begin
        whole = max(_calm(searcher, begin) for searcher in self.searchers.values())
        lost = self.inserter.lost()
        assert lost == 0, f"{what}: {lost} rows were acknowledged and are not there"
        return [
            _row(f"{what}, {replicas} in memory", took, searcher, (begin, whole), lost)
            for replicas, searcher in self.searchers.items()
        ]


def _row(what: str, took: float, searcher: Searcher, span: tuple[float, float], lost: int) -> str:
    answers = searcher.between(*span)
    counts = counted(answers)
    times = [answer.seconds for answer in answers if not answer.error]
    p50, p99 = (f"{np.percentile(times, share) * 1000:.0f}" for share in (50, 99))
    bad = [str(counts[verdict]) for verdict in ("failed", "late", "short")]
    return f"| {what} | {took:.0f} | {len(answers)} | {p50} | {p99} | {' | '.join(bad)} | {lost} |"


def _calm(searcher: Searcher, begin: float) -> float:
    """Wait until searches have been good for a while; gives the moment until which they count."""
    for _ in wait_for("searches are good", CHANGE_SECONDS, pause=0.2):
        since = max(searcher.last_bad(begin) or 0.0, begin)
        if time.monotonic() - since > CALM_SECONDS and counted(searcher.between(since, FOREVER))["good"]:
            break
    return time.monotonic()


def _done(milvus: dict[str, Any]) -> bool:
    """Tell whether all pods are as the manifest of now wants them."""
    status = milvus.get("status") or {}
    current = status.get("observedGeneration") == milvus["metadata"]["generation"]
    return bool(current and _conditions(status).get("MilvusUpdated", {}).get("status") == "True")


def _taken_back(milvus: dict[str, Any]) -> bool:
    """Tell whether the manifest of before is followed again, in all pods."""
    status = milvus.get("status") or {}
    return bool(_conditions(status).get("Progressing", {}).get("reason") == "RolledBack")


def _conditions(status: dict[str, Any]) -> dict[str, Any]:
    return {condition["type"]: condition for condition in status.get("conditions", [])}
