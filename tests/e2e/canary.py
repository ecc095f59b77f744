"""The operator's own search in a real Milvus, and what it tells when that is made to answer wrongly."""

from lab.daemons import wait_for
from pymilvus import MilvusClient
from tests.e2e.operated import Operated

from glede.milvus.canarysearch.collection import NAME, ROWS

# A search each 15 s, and a write of the status each 5 s.
TOLD_SECONDS = 60.0
ANSWER_SECONDS = 30.0


def watched_by_its_own_search(milvus: Operated) -> None:
    """See a search that is ok; then take its rows away, put them back, release and drop the collection."""
    milvus.until("has a canary search that is ok", lambda: _result(milvus) == "ok", TOLD_SECONDS)
    client = MilvusClient(milvus.uri, timeout=ANSWER_SECONDS)
    try:
        rows = client.query(NAME, "number >= 0", output_fields=["number", "vector"])
        assert sorted(row["number"] for row in rows) == list(range(ROWS))
        client.delete(NAME, ids=[row["id"] for row in rows])
        milvus.until("tells of empty answers", lambda: _result(milvus) == "empty", TOLD_SECONDS)
        assert milvus.condition("Degraded")["status"] == "False"
        client.insert(NAME, [{"number": row["number"], "vector": row["vector"]} for row in rows])
        milvus.until("is ok again", lambda: _result(milvus) == "ok", TOLD_SECONDS)
        client.drop_collection(NAME)
        milvus.until("tells that its collection is gone", lambda: _result(milvus) == "error", TOLD_SECONDS)
        milvus.until("has made it again", lambda: _result(milvus) == "ok", TOLD_SECONDS)
    finally:
        client.close()


def dropped_when_switched_off(milvus: Operated) -> None:
    """Switch the search off, and see that it leaves no collection behind."""
    off = '{"spec": {"components": {"rollout": {"canarySearch": {"enabled": false}}}}}'
    milvus.kubectl("patch", "milvus", milvus.name, "--type=merge", f"--patch={off}")
    client = MilvusClient(milvus.uri, timeout=ANSWER_SECONDS)
    try:
        for _ in wait_for(f"{NAME} is dropped", TOLD_SECONDS, pause=0.5):
            if not client.has_collection(NAME):
                break
    finally:
        client.close()
    milvus.until("tells nothing more of it", lambda: _result(milvus) == "", TOLD_SECONDS)


def _result(milvus: Operated) -> str:
    return str(milvus.status().get("canarySearch", {}).get("result", ""))
