"""A new version takes the old one's place while questions are on their way."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from tests.qa.live import Api, Live

from glede.qa.registry.cleanup import retired_versions
from glede.qa.registry.schema import version_of
from glede.qa.store.base import Hit, Scope


def test_a_new_version_replaces_without_a_gap(service: Live) -> None:
    def version(number: int) -> str:
        return f"# Rule\n\nThe shrike rule has edition{number} of the larder list.\n" + "thorn " * 3000

    service.add("rule.md", version(0))
    seen: list[tuple[str, ...]] = []
    ended = threading.Event()

    def poll() -> None:
        with_client = Api(service.url)
        while not ended.is_set():
            hits = with_client.search("shrike rule larder list", limit=5)
            words = [w for h in hits if h["document"] == "rule.md" for w in h["text"].split()]
            seen.append(tuple(sorted({word for word in words if word.startswith("edition")})))
        with_client.http.close()

    thread = threading.Thread(target=poll)
    thread.start()
    ids = set()
    for number in range(1, 4):
        ids.add(service.add("rule.md", version(number)))
    ended.set()
    thread.join()

    assert len(ids) == 1
    wrong = [words for words in seen if len(words) != 1]
    assert wrong == [], f"{len(wrong)} of {len(seen)} searches saw no version or two"
    assert {words[0] for words in seen} >= {"edition0", "edition3"} or len(seen) < 20
    assert service.search("shrike rule larder list")[0]["text"].count("edition3") == 1


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "the replaced version was not removed"
        time.sleep(0.01)


@pytest.mark.parametrize("removed", [False, True], ids=["replaced", "removed"])
def test_a_search_that_a_replacement_overtook_is_made_again(
    service: Live, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """The index answers with the old version alone; before its text is read the new one is live."""
    name, old, new = (
        f"{removed}.md",
        f"The wryneck is in orchard1 {removed}.",
        f"The wryneck is in orchard2 {removed}.",
    )
    document = service.add(name, old)
    search = service.engine.store.search_lexical
    answers: list[set[int]] = []

    def overtaken(queries: Sequence[str], scope: Scope, limit: int) -> list[list[Hit]]:
        found = search(queries, scope, limit)
        if not answers:
            assert service.add(name, new) == document
            if removed:
                _until(lambda: not retired_versions(service.engine.database))
        answers.append({version_of(hit.key) for hit in found[0]})
        return found

    monkeypatch.setattr(service.engine.store, "search_lexical", overtaken)

    texts = [hit["text"] for hit in service.search("wryneck") if hit["document"] == name]

    assert texts == [new]
    assert len(answers) == 2
    assert answers[1] - answers[0]


def test_a_search_of_documents_at_rest_is_made_once(service: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    service.add("rest.md", "The dunnock lives in the hedge.")
    service.http.delete(f"/v1/documents/{service.add('gone.md', 'The dunnock left the hedge.')}")
    search = service.engine.store.search_lexical
    calls = 0

    def counted(queries: Sequence[str], scope: Scope, limit: int) -> list[list[Hit]]:
        nonlocal calls
        calls += 1
        return search(queries, scope, limit)

    _until(lambda: not retired_versions(service.engine.database))
    monkeypatch.setattr(service.engine.store, "search_lexical", counted)

    assert len(service.search("dunnock hedge")) == 1
    assert calls == 1
