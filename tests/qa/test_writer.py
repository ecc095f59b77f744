import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.qa.live import Live, free_port, problem, running
from tests.qa.models import Model, endpoint
from tests.qa.test_protocol import events

QUESTION = "How long does the red kite drain a query node?"
KITES = (
    "# Kites\n\nThe red kite drains a query node for thirty minutes before it stops. "
    "Its nest is lined with wool.\n"
)
TIMEOUT = 1.0


@pytest.fixture
def model() -> Iterator[Model]:
    with endpoint() as running_endpoint:
        yield running_endpoint


@pytest.fixture
def live(model: Model, tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "key").write_text("sk-test\n")
    writer = {
        "url": model.url,
        "model": "writer-1",
        "apiKeyFile": "key",
        "timeoutSeconds": TIMEOUT,
        "maxInFlight": 2,
    }
    with running(tmp_path, writer=writer) as service:
        service.add("kites.md", KITES)
        yield service


def test_a_written_answer_and_its_citation(live: Live, model: Model) -> None:
    model.pieces = ["The red kite drains ", "a query node for thirty ", "minutes [1]."]

    answer = live.ask(QUESTION)

    assert answer["answer"] == "The red kite drains a query node for thirty minutes [1]."
    [sentence] = answer["sentences"]
    assert (sentence["citations"], sentence["supported"]) == ([1], True)
    [citation] = answer["citations"]
    text = live.page(citation["document_id"], citation["page"])
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["quote"] == "The red kite drains a query node for thirty minutes before it stops."
    [request] = model.requests
    assert (request["model"], request["stream"]) == ("writer-1", True)
    assert "quoted material" in request["messages"][0]["content"]
    assert "thirty minutes before it stops" in request["messages"][1]["content"]
    assert model.headers[0]["authorization"] == "Bearer sk-test"


def test_a_citation_of_no_source_is_dropped(live: Live, model: Model) -> None:
    model.pieces = ["The red kite drains a query node for thirty minutes [9]."]

    answer = live.ask(QUESTION)

    assert [citation["n"] for citation in answer["citations"]] == []
    assert [(s["citations"], s["supported"]) for s in answer["sentences"]] == [([], False)]


@pytest.mark.parametrize(
    "claim",
    [
        "The red kite drains a query node for ninety99 minutes, exactly 45 of them [1].",
        "Falcons migrate across Sahara deserts every winter season [1].",
        "The red kite drains a query node for thirty minutes.",
    ],
)
def test_what_its_source_does_not_bear_out_is_marked(live: Live, model: Model, claim: str) -> None:
    model.pieces = ["Its nest is lined with wool [1]. ", claim]

    answer = live.ask(QUESTION)

    assert [sentence["supported"] for sentence in answer["sentences"]] == [True, False]
    assert "glede_qa_unsupported_sentences_total 1.0" in live.http.get("/metrics").text


@pytest.mark.parametrize(
    "pieces", [["NOT_FOUND"], ["NOT", "_FOU", "ND"], ["NOT_FOUND", "\n"], [" NOT_FOUND."]]
)
def test_not_found_is_told_as_such(live: Live, model: Model, pieces: list[str]) -> None:
    model.pieces = pieces

    assert (live.ask(QUESTION)["found"], live.ask(QUESTION)["answer"]) == (False, "")
    streamed = live.http.post("/v1/ask", json={"question": QUESTION, "stream": True}).text
    assert "NOT_" not in streamed
    assert [name for name, _ in events(streamed)] == ["citations", "done"]


@pytest.mark.parametrize("pieces", [["NO", "rth of the moor [1]."], ["N"], ["NOT"]])
def test_an_answer_that_begins_like_not_found(live: Live, model: Model, pieces: list[str]) -> None:
    model.pieces = pieces

    told = events(live.http.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)

    assert "".join(data["text"] for name, data in told if name == "delta") == "".join(pieces)
    assert told[-1][1]["answer"] == "".join(pieces)


def test_the_stream_gives_sources_first(live: Live, model: Model) -> None:
    model.pieces = ["The red kite drains ", "for thirty minutes [1]."]

    told = events(live.http.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)

    assert [name for name, _ in told] == ["citations", "delta", "delta", "done"]
    assert told[0][1]["citations"][0]["n"] == 1


def test_a_refusing_model(live: Live, model: Model) -> None:
    model.status, model.raw = 500, b'{"error": "out of memory"}'

    status, detail = problem(live.http.post("/v1/ask", json={"question": QUESTION}))

    assert (status, detail) == (502, 'the answer model refused: 500 {"error": "out of memory"}')
    messages = {"messages": [{"role": "user", "content": QUESTION}]}
    response = live.http.post("/v1/chat/completions", json=messages)
    assert response.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    "raw",
    [
        b"data: this is not JSON\n\n",
        b'data: {"choices": "none"}\n\n',
        b'data: {"choices": [{"delta": null}]}\n\n',
        b"data: []\n\n",
        b"<html>Sign in to go on</html>",
        b"\x00\xff\xfe" * 100,
        b"",
    ],
)
def test_garbage_from_the_model(live: Live, model: Model, raw: bytes) -> None:
    model.raw = raw

    status, detail = problem(live.http.post("/v1/ask", json={"question": QUESTION}))

    assert status == 502
    assert detail.startswith("the answer model ")
    told = events(live.http.post("/v1/ask", json={"question": QUESTION, "stream": True}).text)
    assert [(name, data.get("status")) for name, data in told] == [("citations", None), ("error", 502)]
    assert live.search("kite")


def test_an_answer_cut_short_is_an_error(live: Live, model: Model) -> None:
    model.pieces, model.cut = ["The red kite drains [1]."], True

    assert problem(live.http.post("/v1/ask", json={"question": QUESTION}))[0] == 502


def test_an_endless_answer_is_ended(live: Live, model: Model) -> None:
    model.pieces = ["word " * 1000] * 20

    status, detail = problem(live.http.post("/v1/ask", json={"question": QUESTION}))

    assert (status, detail) == (502, "the answer model wrote more than 20000 characters")


def test_a_dead_model(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with running(tmp_path, writer={"url": url, "model": "m", "timeoutSeconds": 2}) as live:
        live.add("kites.md", KITES)

        status, detail = problem(live.http.post("/v1/ask", json={"question": QUESTION}))

        assert status == 502
        assert detail.startswith(f"the answer model at {url}/chat/completions failed: ")
        assert detail.endswith("check spec.writer.url and that it runs")
        assert live.search("kite")


def test_a_slow_model_costs_its_askers_only(live: Live, model: Model) -> None:
    model.slow = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        begin = time.monotonic()
        slow = [pool.submit(live.http.post, "/v1/ask", json={"question": QUESTION}) for _ in range(2)]
        while len(model.requests) < 2:
            assert time.monotonic() < begin + 5
            time.sleep(0.01)
        times = []
        for _ in range(10):
            at = time.monotonic()
            assert live.search("red kite")
            times.append(time.monotonic() - at)
        third = problem(live.http.post("/v1/ask", json={"question": QUESTION}))
        answers = [problem(future.result()) for future in slow]
        spent = time.monotonic() - begin

    assert max(times) < TIMEOUT / 2
    assert third == (429, "2 answers are being written, the most allowed; try again soon")
    expected = (
        f"the answer model at {model.url}/chat/completions did not answer within 1 s; "
        "try again, or raise spec.writer.timeoutSeconds"
    )
    assert answers == [(504, expected)] * 2
    assert spent < 4 * TIMEOUT
    model.slow = None
    model.pieces = ["Its nest is lined with wool [1]."]
    assert live.ask(QUESTION)["found"] is True  # the places are free again


def test_a_client_that_leaves_ends_the_call_upstream(tmp_path: Path, model: Model) -> None:
    model.slow, model.pieces = threading.Event(), ["The red kite "]
    writer = {"url": model.url, "model": "m", "timeoutSeconds": 60}
    with running(tmp_path, writer=writer, limits={"inFlight": 1}) as live:
        live.add("kites.md", KITES)
        body = {"question": QUESTION, "stream": True}
        with live.http.stream("POST", "/v1/ask", json=body) as response:
            for line in response.iter_lines():
                if line == "event: delta":
                    break

        assert model.left.wait(5), "the model still writes for a client that has left"
        model.slow.set()
        _freed(live)


def _freed(live: Live) -> None:
    end = time.monotonic() + 5
    while 'glede_qa_in_flight{gate="questions"} 0.0' not in live.http.get("/metrics").text:
        assert time.monotonic() < end, "a client that left keeps its place"
        time.sleep(0.02)


def test_clients_that_leave_at_any_moment_free_their_places(tmp_path: Path) -> None:
    with running(tmp_path, limits={"inFlight": 4}) as live:
        live.add("kites.md", KITES)
        for number in range(40):
            with contextlib.suppress(httpx.TimeoutException), httpx.Client(trust_env=False) as client:
                client.post(
                    f"{live.url}/v1/ask",
                    json={"question": QUESTION, "stream": True},
                    timeout=0.0005 * (number + 1),
                )
        _freed(live)
        assert live.ask(QUESTION)["found"] is True
