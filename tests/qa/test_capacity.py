"""Over capacity, over time, and broken: what an asker is told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.qa.live import problem, running
from tests.qa.test_protocol import KITES, QUESTION, events


def test_over_capacity_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, limits={"inFlight": 2}) as live:
        live.add("kites.md", KITES)
        entered, blocked = threading.Semaphore(0), threading.Event()
        search = live.engine.store.search_lexical

        def held(*arguments: Any) -> Any:
            entered.release()
            assert blocked.wait(30)
            return search(*arguments)

        monkeypatch.setattr(live.engine.store, "search_lexical", held)
        with ThreadPoolExecutor(2) as pool:
            running_ = [pool.submit(live.ask, QUESTION) for _ in range(2)]
            assert entered.acquire(timeout=10)
            try:
                gauge = 'glede_qa_in_flight{gate="questions"} 2.0'
                while gauge not in live.http.get("/metrics").text:
                    pass
                for path, body in (
                    ("/v1/ask", {"question": QUESTION}),
                    ("/v1/ask", {"question": QUESTION, "stream": True}),
                    ("/v1/search", {"query": "kite"}),
                    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
                ):
                    response = live.http.post(path, json=body, timeout=5.0)
                    expected = (
                        "2 questions are being answered, the most that limits.inFlight allows; try again soon"
                    )
                    assert problem(response) == (429, expected)
                    assert response.headers["retry-after"] == "1"
                assert live.http.get("/v1/documents").status_code == 200
            finally:
                blocked.set()
            assert all(future.result()["found"] for future in running_)
        assert live.search("kite")
        assert 'glede_qa_rejected{gate="questions"} 4.0' in live.http.get("/metrics").text


def test_a_search_that_hangs_ends_in_504(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, limits={"answerSeconds": 0.3}) as live:
        live.add("kites.md", KITES)
        blocked = threading.Event()
        monkeypatch.setattr(live.engine.store, "search_lexical", lambda *_: blocked.wait(20) and [[]])
        try:
            for path, body in (("/v1/ask", {"question": "kite"}), ("/v1/search", {"query": "kite"})):
                response = live.http.post(path, json=body, timeout=5.0)
                assert problem(response) == (504, "no answer within limits.answerSeconds; try again")
            told = events(live.http.post("/v1/ask", json={"question": "kite", "stream": True}).text)
            assert [(name, data["status"]) for name, data in told] == [("error", 504)]
        finally:
            blocked.set()


def test_an_unexpected_error_tells_nothing_of_the_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as live:

        def broken(*_: object) -> None:
            raise ValueError("/secret/path")

        monkeypatch.setattr(live.engine.store, "search_lexical", broken)
        response = live.http.post("/v1/search", json={"query": "kite"})
        assert problem(response) == (500, "unexpected error; the service's log has the cause")


def test_a_full_queue_is_429(tmp_path: Path) -> None:
    with running(tmp_path, ingest=False, limits={"queuedDocuments": 2}) as live:
        assert [live.upload(f"{n}.txt", f"text {n}").status_code for n in range(2)] == [202, 202]

        response = live.upload("2.txt", "text 2")

        assert problem(response) == (429, "2 documents are waiting and the limit is 2; upload again later")
        assert response.headers["retry-after"] == "10"
        assert len(live.listed()) == 2
