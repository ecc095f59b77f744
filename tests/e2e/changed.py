"""Changes of a Milvus that the operator looks after, while clients search it without pause."""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from lab.daemons import wait_for
from pymilvus import MilvusClient
from tests.e2e import vectors
from tests.e2e.operated import Operated
from tests.e2e.searching import Searcher, counted

COLLECTION = "changed"
CALM_SECONDS = 5.0
CHANGE_SECONDS = 600.0
DEADLINE_SECONDS = 60
NO_IMAGE = "milvusdb/milvus:v2.3.5-that-nobody-built"
FOREVER = float("inf")


def changed_under_search(milvus: Operated) -> list[str]:
    """Change a cluster in several ways, one after another; gives a row of the table for each."""
    rows, questions = vectors.make()
    client = MilvusClient(milvus.uri, timeout=60)
    vectors.fill(client, COLLECTION, rows)
    client.close()
    image = milvus.spec()["components"]["image"]
    searcher = Searcher(milvus.uri, COLLECTION, questions)
    with searcher.searching():
        time.sleep(CALM_SECONDS)
        found = [
            _change(milvus, searcher, "every component restarted", {"podAnnotations": {"turn": "1"}}, _done),
            _change(milvus, searcher, "the query nodes' memory", _memory("3Gi"), _done),
            _change(milvus, searcher, "an image that is not there", _image(NO_IMAGE), _taken_back),
        ]
        assert milvus.condition("MilvusUpdated")["status"] == "False"
        found.append(_change(milvus, searcher, "... corrected", _image(image), _done))
    return found


def _memory(size: str) -> dict[str, Any]:
    return {"queryNode": {"resources": {"limits": {"memory": size}}}}


def _image(image: str) -> dict[str, Any]:
    return {"image": image, "rollout": {"progressDeadlineSeconds": DEADLINE_SECONDS}}


def _change(
    milvus: Operated,
    searcher: Searcher,
    what: str,
    components: dict[str, Any],
    done: Callable[[dict[str, Any]], bool],
) -> str:
    begin = time.monotonic()
    patch = json.dumps({"spec": {"components": components}})
    milvus.kubectl("patch", "milvus", milvus.name, "--type=merge", f"--patch={patch}")
    milvus.until(what, lambda: done(milvus.read()), CHANGE_SECONDS)
    took = time.monotonic() - begin
    whole = _calm(searcher, begin)
    answers = searcher.between(begin, whole)
    counts = counted(answers)
    times = [answer.seconds for answer in answers if not answer.error]
    p50, p99 = (f"{np.percentile(times, share) * 1000:.0f}" for share in (50, 99))
    cells = [str(counts[verdict]) for verdict in ("failed", "late", "short")]
    return f"| {what} | {took:.0f} | {len(answers)} | {' | '.join(cells)} | {p50} | {p99} |"


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
