import json
from typing import Any

import httpx
import pytest
from tests.qa.live import Live, problem

QUESTION = "How long does the red kite drain a query node?"
KITES = "# Kites\n\nThe red kite drains a query node for thirty minutes before it stops.\n"


@pytest.fixture(scope="module", autouse=True)
def _handbook(service: Live) -> None:
    service.add("kites.md", KITES)


def events(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as (name, data); comments are left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            data = fields["data"]
            found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


def test_stream_gives_citations_then_text_then_the_whole(service: Live) -> None:
    response = service.http.post("/v1/ask", json={"question": QUESTION, "stream": True})

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    told = events(response.text)
    assert [name for name, _ in told] == ["citations", *["delta"] * (len(told) - 2), "done"]
    whole = told[-1][1]
    assert "".join(data["text"] for name, data in told if name == "delta") == whole["answer"]
    assert told[0][1]["citations"] == whole["citations"]
    plain = service.ask(QUESTION)
    assert {**whole, "timings": 0} == {**plain, "timings": 0}
    assert "thirty minutes" in whole["answer"]


def test_chat_completion(service: Live) -> None:
    messages = [
        {"role": "system", "content": "You are a bird."},
        {"role": "user", "content": "What is a falcon?"},
        {"role": "assistant", "content": "A bird."},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
    ]

    body = service.http.post(
        "/v1/chat/completions", json={"model": "glede", "messages": messages, "temperature": 0}
    ).json()

    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    [choice] = body["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"]["role"] == "assistant"
    assert "thirty minutes" in choice["message"]["content"]
    [citation] = choice["message"]["citations"]
    text = service.page(citation["document_id"], citation["page"])
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert set(body["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_chat_stream(service: Live) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    response = service.http.post("/v1/chat/completions", json={"messages": messages, "stream": True})

    told = [data for _, data in events(response.text)]
    assert told[-1] == "[DONE]"
    chunks = told[:-1]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "thirty minutes" in "".join(delta.get("content", "") for delta in deltas)
    assert [len(delta["citations"]) for delta in deltas if "citations" in delta] == [1]
    finishes = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert finishes == [None] * (len(chunks) - 1) + ["stop"]


def test_chat_without_an_answer_says_so(service: Live) -> None:
    messages = [{"role": "user", "content": "Who won the chess olympiad in Yerevan?"}]
    whole = service.http.post("/v1/chat/completions", json={"messages": messages}).json()
    streamed = service.http.post("/v1/chat/completions", json={"messages": messages, "stream": True}).text

    expected = "The documents do not answer this. 文档中没有找到答案。"
    assert whole["choices"][0]["message"]["content"] == expected
    deltas = [data["choices"][0]["delta"] for _, data in events(streamed) if data != "[DONE]"]
    assert "".join(delta.get("content", "") for delta in deltas) == expected


def test_models_and_embeddings_without_an_embedder(service: Live) -> None:
    models = service.http.get("/v1/models").json()
    assert (models["object"], [model["id"] for model in models["data"]]) == ("list", ["glede"])

    response = service.http.post("/v1/embeddings", json={"input": "x"})
    assert problem(response) == (404, "this service has no embedder; set spec.embedder")
    assert response.json()["error"]["message"] == "this service has no embedder; set spec.embedder"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/nothing", None, 404),
        ("PUT", "/v1/documents", None, 405),
        ("POST", "/v1/search", {}, 422),
        ("POST", "/v1/search", {"query": "x", "unknown": 1}, 422),
        ("POST", "/v1/search", {"query": "x", "limit": 51}, 422),
        ("POST", "/v1/search", {"query": " "}, 422),
        ("POST", "/v1/ask", {"question": "x", "stream": "maybe"}, 422),
        ("POST", "/v1/ask", ["x"], 422),
        ("POST", "/v1/chat/completions", {"messages": []}, 422),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "system", "content": "x"}]}, 422),
        ("POST", "/v1/search", {"query": "x", "tags": ["a,b"]}, 422),
        ("POST", "/v1/documents", {"file": "x"}, 422),
        ("GET", "/web/../../etc/passwd", None, 404),
        ("GET", "/web/__init__.py", None, 404),
    ],
)
def test_every_refusal_is_a_problem_document(
    service: Live, method: str, path: str, body: Any, status: int
) -> None:
    response = service.http.request(method, path, json=body)

    assert problem(response)[0] == status
    assert ("error" in response.json()) == path.startswith("/v1/chat/")


def test_a_body_that_is_not_json(service: Live) -> None:
    headers = {"content-type": "application/json"}
    response = service.http.post("/v1/search", content=b'{"query": ', headers=headers)

    assert problem(response)[0] == 422


def test_a_form_that_cannot_be_read(service: Live) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = service.http.post("/v1/documents", content=b"--y\r\nnonsense", headers=headers)

    assert problem(response)[0] in {400, 422}


def test_host_guard(service: Live) -> None:
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1:8600", ""):
        response = service.http.get("/v1/documents", headers={"Host": host})
        name = httpx.URL(f"//{host}").host if host else None
        assert problem(response) == (
            403,
            f"Host {name!r}: without keys this service answers as localhost only",
        )
    for host in ("localhost", "127.0.0.1:1", "[::1]:9"):
        assert service.http.get("/v1/documents", headers={"Host": host}).status_code == 200


def test_origin_guard(service: Live) -> None:
    body = {"query": "kite"}
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{service.port}.evil.example"):
        response = service.http.post("/v1/search", json=body, headers={"Origin": origin})
        assert problem(response) == (
            403,
            f"Origin {origin!r}: only this service's own page may send this from a browser",
        )
    own = service.http.post("/v1/search", json=body, headers={"Origin": service.url})
    assert own.status_code == 200


def test_a_malformed_host_or_origin_is_refused_in_order(service: Live) -> None:
    for host in ("[::1", "[not-an-address]"):
        assert problem(service.http.get("/healthz", headers={"Host": host}))[0] == 403
    response = service.http.post("/v1/search", json={"query": "x"}, headers={"Origin": "http://[::1"})
    assert problem(response)[0] == 403


def test_answers_carry_security_headers(service: Live) -> None:
    response = service.http.get("/")

    assert response.status_code == 200
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "server" not in response.headers


@pytest.fixture(scope="module")
def metrics(service: Live) -> str:
    service.ask(QUESTION)
    service.search("kite")
    service.search("zzyzzyva")
    service.ask("Who won the chess olympiad in Yerevan?")
    return service.http.get("/metrics").text


@pytest.mark.parametrize(
    "line",
    [
        *(
            f'glede_qa_stage_seconds_count{{stage="{stage}"}}'
            for stage in ("lexical", "fuse", "rerank", "answer", "total")
        ),
        'glede_qa_questions_total{call="ask",outcome="found"}',
        'glede_qa_questions_total{call="ask",outcome="not_found"}',
        'glede_qa_questions_total{call="search",outcome="found"}',
        'glede_qa_questions_total{call="search",outcome="not_found"}',
        "glede_qa_zero_hits_total",
        "glede_qa_abstained_total",
        'glede_qa_documents{state="ready"}',
        'glede_qa_in_flight_limit{gate="questions"}',
    ],
)
def test_metrics_count(metrics: str, line: str) -> None:
    values = [row.rpartition(" ")[2] for row in metrics.splitlines() if row.startswith(line)]

    assert len(values) == 1, line
    assert float(values[0]) >= 1


@pytest.mark.parametrize("gate", ["questions", "uploads"])
def test_metrics_show_gates_at_rest(metrics: str, gate: str) -> None:
    assert f'glede_qa_in_flight{{gate="{gate}"}} 0.0' in metrics
    assert f'glede_qa_rejected{{gate="{gate}"}} 0.0' in metrics
    assert "glede_qa_ingest_lag_seconds 0.0" in metrics
