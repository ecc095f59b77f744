import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.qa.live import free_port, problem, running
from tests.qa.models import Model, endpoint

from glede.qa.embed.base import EmbedderError

QUESTION = "How long does the red kite drain a query node?"
KITES = "# Kites\n\nThe red kite drains a query node for thirty minutes before it stops.\n"


@pytest.fixture
def model() -> Iterator[Model]:
    with endpoint() as running_endpoint:
        yield running_endpoint


def embedder(url: str) -> dict[str, Any]:
    endpoint_ = {"url": url, "model": "embed-1", "timeoutSeconds": 2}
    return {"kind": "endpoint", "endpoint": endpoint_}


def test_an_embedding_endpoint_adds_the_dense_leg(model: Model, tmp_path: Path) -> None:
    with running(tmp_path, embedder=embedder(model.url)) as live:
        live.add("kites.md", KITES)

        answer = live.ask(QUESTION)
        vectors = live.http.post("/v1/embeddings", json={"input": ["a", "bb"]}).json()

        assert {"embed_ms", "dense_ms"} <= answer["timings"].keys()
        assert len([key for batch in live.engine.store.keys("dense") for key in batch]) == 1
        assert [row["index"] for row in vectors["data"]] == [0, 1]
        first = vectors["data"][0]["embedding"]
        assert sum(value * value for value in first) == pytest.approx(1)
        assert first[0] > first[1]
        assert vectors["data"][1]["embedding"][1] > vectors["data"][1]["embedding"][0]
        assert live.http.get("/v1/models").json()["data"][1]["id"] == "embed-1"
        metrics = live.http.get("/metrics").text
        assert 'glede_qa_stage_seconds_count{stage="dense"}' in metrics


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "raw": b"no"},
        {"raw": b"not JSON"},
        {"raw": b'{"data": [{"index": 0}]}'},
        {"raw": b'{"data": []}'},
        {"raw": b'{"data": [{"index": 0, "embedding": "AAAA"}]}'},
        {"dimension": 3},
        {"rows": [[1.0, None, 1.0, 1.0]]},
    ],
)
def test_a_failing_embedder_is_a_503_and_delays_ingest(
    model: Model, tmp_path: Path, fault: dict[str, Any]
) -> None:
    with running(tmp_path, embedder=embedder(model.url)) as live:
        live.add("kites.md", KITES)
        for name, value in fault.items():
            setattr(model, name, value)

        status, detail = problem(live.http.post("/v1/search", json={"query": "red kite"}))
        document = live.upload("late.md", "The late grebe dives deep.").json()["id"]
        end = time.monotonic() + 10
        while not (body := live.http.get(f"/v1/documents/{document}").json())["waiting_for"]:
            assert time.monotonic() < end, body
            time.sleep(0.05)

        assert status == 503
        assert detail.startswith(f"embedding endpoint {model.url}/embeddings: ")
        assert body["status"] == "embedding"
        model.status, model.raw, model.dimension, model.rows = 200, None, 4, None
        assert live.settled(document)["status"] == "ready"
        assert live.search("grebe")


def test_an_embedder_that_is_away_at_the_start(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(EmbedderError) as caught, running(tmp_path, embedder=embedder(url)):
        pass
    assert str(caught.value).startswith(f"embedding endpoint {url}/embeddings: ")
    assert str(caught.value).endswith("check embedder.endpoint and that it runs")
