"""Who may see what: tenants, keys, and where the service listens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.qa.live import Api, Live, manifest_of, problem, running

from glede.cli.server import ListenError, Server
from glede.qa.engine import Engine


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Api, Api]]:
    """A service with two tenants: one has a document, the other has none."""
    with running(tmp_path_factory.mktemp("tenants")) as live:
        one, two = live.with_key("one"), live.with_key("two")
        one.add("secret.md", "# Plan\n\nThe peregrine password is mountain lion forty two.", "secret")
        yield live, one, two


def test_tenants_see_their_own_only(many: tuple[Live, Api, Api]) -> None:
    _, one, two = many
    document = one.listed()[0]["id"]

    assert one.search("peregrine password")[0]["document_id"] == document
    assert two.search("peregrine password") == []
    assert two.search("peregrine password", tags=["secret"]) == []
    assert two.listed() == []
    for path in (f"/v1/documents/{document}", f"/v1/documents/{document}/pages/1"):
        assert two.http.get(path).status_code == 404
    assert two.http.delete(f"/v1/documents/{document}").status_code == 404
    question = "What is the peregrine password?"
    assert one.ask(question)["found"] is True
    assert two.ask(question)["found"] is False
    messages = {"messages": [{"role": "user", "content": question}]}
    told = [api.http.post("/v1/chat/completions", json=messages).json() for api in (one, two)]
    assert "mountain lion" in told[0]["choices"][0]["message"]["content"]
    assert "mountain lion" not in str(told[1])
    assert told[1]["choices"][0]["message"]["citations"] == []
    assert "mountain lion" not in two.http.post("/v1/ask", json={"question": question, "stream": True}).text


def test_the_same_bytes_of_two_tenants_are_two_documents(many: tuple[Live, Api, Api]) -> None:
    _, one, two = many
    text = "The dipper walks under water in clear streams."
    first, second = one.add("dipper.txt", text), two.add("dipper.txt", text)

    assert first != second
    assert two.http.delete(f"/v1/documents/{second}").status_code == 204
    assert one.search("dipper streams")[0]["document_id"] == first


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer glede_000000000000_" + "A" * 43, "Basic Zm9vOmJhcg==", "Bearer ключ"]
)
def test_without_a_key(many: tuple[Live, Api, Api], header: str | None) -> None:
    live, _, _ = many
    headers = {} if header is None else {"Authorization": header.encode()}
    calls = [
        ("GET", "/v1/documents", None),
        ("GET", "/v1/documents/x", None),
        ("DELETE", "/v1/documents/x", None),
        ("GET", "/v1/documents/x/pages/1", None),
        ("POST", "/v1/documents", None),
        ("POST", "/v1/search", {"query": "x"}),
        ("POST", "/v1/ask", {"question": "x"}),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
        ("GET", "/v1/models", None),
        ("POST", "/v1/embeddings", {"input": "x"}),
    ]
    for method, path, body in calls:
        response = live.http.request(method, path, json=body, headers=headers)  # type: ignore[arg-type]
        status, detail = problem(response)
        assert (status, path) == (401, path)
        assert detail == "give a valid key as `Authorization: Bearer KEY`; `glede keys add` makes one"
        assert response.headers["www-authenticate"] == 'Bearer realm="glede"'


def test_open_calls_need_no_key(many: tuple[Live, Api, Api]) -> None:
    live, _, _ = many

    assert live.http.get("/healthz").text == "ok\n"
    assert live.http.get("/readyz").json() == {"ready": True}
    assert live.http.get("/v1/info").json()["keys_required"] is True


def test_a_revoked_key_is_refused_at_once(many: tuple[Live, Api, Api]) -> None:
    live, _, _ = many
    third = live.with_key("three")
    assert third.http.get("/v1/documents").status_code == 200
    key = next(view.id for view in live.engine.keys.listed() if view.tenant == "three")

    assert live.engine.keys.remove(key)

    assert third.http.get("/v1/documents").status_code == 401


def test_keys_are_required_to_listen_beyond_loopback(tmp_path: Path) -> None:
    engine = Engine.open(manifest_of(tmp_path, listen={"host": "0.0.0.0", "port": 0}))  # noqa: S104
    try:
        with pytest.raises(ListenError) as caught:
            Server(engine)
        assert str(caught.value) == (
            "spec.listen.host 0.0.0.0: without keys the service listens on loopback only; "
            "make one with `glede keys add MANIFEST`, or listen on 127.0.0.1"
        )
        engine.keys.add("default", "")
        Server(engine)._socket.close()
    finally:
        engine.close()
