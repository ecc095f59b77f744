import time
from pathlib import Path
from typing import Any

import pytest
from tests.qa.live import Live, problem, running

KITES = (
    "# Kites\n\nThe red kite drains a query node for thirty minutes before it stops. "
    "Its nest is built of sticks and lined with wool.\n\n"
    "## Feathers\n\nA moulting kite loses its outer feathers first; the tail follows in autumn.\n"
)
CHINESE = (
    "# 备份\n\n备份保存在对象存储中，可以恢复到另一个集群。恢复之前必须先停止写入。\n\n"
    "## 保留\n\n过期的备份会在每天凌晨三点自动删除，最近七份始终保留。\n"
)


@pytest.fixture(scope="module", autouse=True)
def _handbook(service: Live) -> None:
    service.add("kites.md", KITES)
    service.add("备份.md", CHINESE)


def test_upload_then_the_same_bytes_again(service: Live) -> None:
    first = service.upload("falcon.txt", "The falcon stoops at three hundred kilometres an hour.")
    again = service.upload("other-name.txt", "The falcon stoops at three hundred kilometres an hour.")

    assert first.status_code == 202
    assert first.json() == {"id": first.json()["id"], "name": "falcon.txt", "status": "queued"}
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    body = service.settled(first.json()["id"])
    assert (body["status"], body["pages"], body["chunks"], body["progress"]) == ("ready", 1, 1, 1.0)
    assert [d["name"] for d in service.listed()].count("falcon.txt") == 1
    assert "other-name.txt" not in [d["name"] for d in service.listed()]


def test_same_name_in_two_folders_is_two_documents(service: Live) -> None:
    one = service.add("guides/readme.md", "The osprey dives for fish in the northern lake.")
    two = service.add("notes/readme.md", "The goshawk hunts between trees in the wood.")

    assert one != two
    assert {hit["document"] for hit in service.search("osprey")} == {"guides/readme.md"}


def test_listing_pages_by_cursor_newest_first(tmp_path: Path) -> None:
    with running(tmp_path, ingest=False) as live:
        names = [f"{number}.txt" for number in range(7)]
        for name in names:
            live.upload(name, f"text of {name}")

        seen: list[str] = []
        cursor: str | None = None
        sizes = []
        while True:
            query: dict[str, Any] = {"limit": 3, **({"cursor": cursor} if cursor else {})}
            body = live.http.get("/v1/documents", params=query).json()
            seen += [document["name"] for document in body["documents"]]
            sizes.append(len(body["documents"]))
            cursor = body["next"]
            if cursor is None:
                break

        assert seen == names[::-1]
        assert sizes == [3, 3, 1]
        assert live.http.get("/v1/documents", params={"limit": 7}).json()["next"] is None


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "limit: found 0, expected 1 to 500"),
        ("limit=501", "limit: found 501, expected 1 to 500"),
        ("cursor=x", "cursor 'x' is not one of this service's; begin without a cursor"),
        ("limit=many", "limit: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_listing_refuses(service: Live, query: str, detail: str) -> None:
    assert problem(service.http.get(f"/v1/documents?{query}")) == (422, detail)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How long does the red kite drain a query node?", "thirty"),
        ("Which feathers does a moulting kite lose first?", "outer"),
        ("备份可以恢复到另一个集群吗？", "另一个集群"),
        ("过期的备份什么时候自动删除？", "凌晨三点"),
    ],
)
def test_each_citation_is_a_span_of_its_page(service: Live, question: str, word: str) -> None:
    answer = service.ask(question)

    assert answer["found"] is True
    assert word in answer["answer"]
    assert answer["citations"]
    for citation in answer["citations"]:
        text = service.page(citation["document_id"], citation["page"])
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert f"[{citation['n']}]" in answer["answer"]
    assert {"lexical_ms", "fuse_ms", "rerank_ms", "answer_ms", "total_ms"} <= answer["timings"].keys()


@pytest.mark.parametrize("query", ["kite feathers", "备份 保留"])
def test_each_hit_is_a_span_of_its_page(service: Live, query: str) -> None:
    hits = service.search(query, limit=5)

    assert hits
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    for hit in hits:
        text = service.page(hit["document_id"], hit["page"])
        assert text[hit["start"] : hit["end"]] == hit["text"]


def test_what_no_document_tells_is_not_found(service: Live) -> None:
    answer = service.ask("Who won the chess olympiad in Yerevan?")

    assert (answer["found"], answer["answer"], answer["citations"]) == (False, "", [])


def test_limit_bounds_hits(service: Live) -> None:
    for number in range(4):
        service.add(f"limit{number}.txt", f"The merlin number {number} sits on a post near the moor.")

    assert len(service.search("merlin post moor", limit=2)) == 2
    assert len(service.search("merlin post moor", limit=10)) == 4


def test_no_hit_after_delete(service: Live) -> None:
    document = service.add("gone.txt", "The quetzal is a green bird of the cloud forest.")
    assert [hit["document_id"] for hit in service.search("quetzal")] == [document]

    assert service.http.delete(f"/v1/documents/{document}").status_code == 204

    assert service.search("quetzal") == []
    assert service.ask("Which bird is a quetzal?")["found"] is False
    missing = f"document {document}: there is none of this id, or it is not yours"
    assert problem(service.http.get(f"/v1/documents/{document}")) == (404, missing)
    assert problem(service.http.delete(f"/v1/documents/{document}")) == (404, missing)
    assert service.http.get(f"/v1/documents/{document}/pages/1").status_code == 404


def test_a_deleted_document_leaves_no_rows(service: Live) -> None:
    document = service.add("trace.txt", "The hoatzin climbs with claws on its wings.")
    keys = {key for batch in service.engine.store.keys("lexical") for key in batch}
    service.http.delete(f"/v1/documents/{document}")

    end = time.monotonic() + 10
    while len({key for batch in service.engine.store.keys("lexical") for key in batch}) >= len(keys):
        assert time.monotonic() < end, "the index keeps the rows of a deleted document"
        time.sleep(0.05)


def test_tags_filter(service: Live) -> None:
    service.add("t1.txt", "The bustard stands in tall grass of the steppe.", "steppe,large")
    service.add("t2.txt", "The bustard is rare on farmland of the plain.", "plain")

    def found(*tags: str) -> set[str]:
        return {hit["document"] for hit in service.search("bustard", tags=list(tags))}

    assert found() == {"t1.txt", "t2.txt"}
    assert found("steppe") == {"t1.txt"}
    assert found("plain", "steppe") == {"t1.txt", "t2.txt"}
    assert found("forest") == set()
    cited = service.ask("Where is the bustard rare?", tags=["plain"])["citations"]
    assert {citation["document"] for citation in cited} == {"t2.txt"}


def test_pages(service: Live) -> None:
    document = service.add("paged.html", "<h1>Rollers</h1><p>The roller tumbles in spring.</p>")

    body = service.http.get(f"/v1/documents/{document}/pages/1").json()

    assert (body["document_id"], body["document"], body["page"]) == (document, "paged.html", 1)
    assert "The roller tumbles in spring." in body["text"]
    expected = f"document {document} has no page {{}}, or is not yours"
    for number in ("0", "2", "-1"):
        assert problem(service.http.get(f"/v1/documents/{document}/pages/{number}")) == (
            404,
            expected.format(number),
        )
    assert service.http.get(f"/v1/documents/{document}/pages/{10**30}").status_code == 404
    assert service.http.get(f"/v1/documents/{document}/pages/one").status_code == 422
