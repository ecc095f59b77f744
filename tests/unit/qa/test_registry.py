import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from glede.qa.parse import Block, BlockKind, DocumentInfo, Page, PageKind
from glede.qa.registry import jobs as jobs_module
from glede.qa.registry import schema
from glede.qa.registry.cleanup import remove_version, retired_versions
from glede.qa.registry.database import Database, open_sqlite
from glede.qa.registry.documents import Documents, QueueFullError, Upload
from glede.qa.registry.jobs import ChunkRow, Job, Jobs, LeaseLostError
from glede.qa.registry.keys import Keys
from glede.qa.registry.names import MAX_NAME_CHARS, clean_name
from glede.qa.registry.schema import State, first_key


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_sqlite(tmp_path / "registry.db")
    yield opened
    opened.close()


@pytest.fixture
def documents(database: Database) -> Documents:
    return Documents(database, 100)


def upload(name: str, content: str = "", tags: list[str] | None = None) -> Upload:
    data = (content or name).encode()
    return Upload(name, f"{hash(data):064x}"[-64:], len(data), [data], tags)


def claimed(jobs: Jobs) -> Job:
    job = jobs.claim(State.QUEUED)
    assert job is not None
    return job


def finished(jobs: Jobs, job: Job) -> None:
    text = "The kite flies."
    jobs.begin_parse(job.version)
    jobs.describe(job.version, DocumentInfo("", PageKind.PAGE, 1))
    row = ChunkRow(first_key(job.version), 1, 0, len(text), (), "", "latin", listing=False)
    jobs.add_pages(job.version, [Page(1, text, (Block(BlockKind.TEXT, 0, len(text)),))], [row])
    jobs.finish_parse(job, {"the": 1, "kite": 1, "fli": 1}, 0)
    again = jobs.claim(State.EMBEDDING)
    assert again is not None
    jobs.finish(again)


def terms(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {row.term: row.chunks for row in connection.execute(sa.select(schema.terms))}


@given(st.text(min_size=1, max_size=400) | st.text("./\\ a\u200b", min_size=1, max_size=600))
def test_a_clean_name_is_safe_and_stays_as_it_is(name: str) -> None:
    try:
        cleaned = clean_name(name)
    except ValueError:
        return
    assert 0 < len(cleaned) <= MAX_NAME_CHARS
    assert not {"", ".", ".."} & set(cleaned.split("/"))
    assert cleaned.isprintable() or all(
        ord(character) > 0x9F for character in cleaned if not character.isprintable()
    )
    cleaned.encode()


def test_a_cut_never_makes_a_parent_folder() -> None:
    assert clean_name("x" * 50 + "../" + "b" * (MAX_NAME_CHARS - 3)) == "b" * (MAX_NAME_CHARS - 3)


def test_the_life_of_a_document(database: Database, documents: Documents) -> None:
    view, is_new = documents.add("t", upload("a.md", tags=["x"]))
    jobs = Jobs(database, "w")
    assert (view.status, is_new, view.searchable) == ("queued", True, False)

    job = claimed(jobs)
    assert (job.name, job.tenant, job.tags, job.attempts) == ("a.md", "t", ("x",), 0)
    assert b"".join(jobs.content(job.version)) == b"a.md"
    assert jobs.claim(State.QUEUED) is None
    finished(jobs, job)

    done = documents.get("t", view.id)
    assert done is not None
    assert (done.status, done.pages, done.chunks, done.progress, done.searchable) == (
        "ready",
        1,
        1,
        1.0,
        True,
    )
    page = documents.page("t", view.id, 1)
    assert page is not None
    assert page.text == "The kite flies."
    assert documents.page("other", view.id, 1) is None
    assert terms(database) == {"the": 1, "kite": 1, "fli": 1}
    assert documents.add("t", upload("b.md", "a.md"))[0].id == view.id

    assert documents.delete("t", view.id)
    assert documents.get("t", view.id) is None
    for version in retired_versions(database):
        remove_version(database, version)
    assert terms(database) == {}
    with database.read() as connection:
        for table in (schema.versions, schema.pages, schema.chunks, schema.parts):
            assert connection.execute(sa.select(table)).all() == []


@pytest.mark.parametrize("event", ["delete", "replace", "takeover"])
def test_a_worker_that_lost_its_version_is_told(
    database: Database, documents: Documents, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, _ = documents.add("t", upload("a.md", "one"))
    monkeypatch.setattr(jobs_module, "LEASE_SECONDS", 0.01)
    jobs = Jobs(database, "w")
    job = claimed(jobs)
    jobs.begin_parse(job.version)
    if event == "delete":
        documents.delete("t", view.id)
    elif event == "replace":
        documents.add("t", upload("a.md", "two"))
    else:
        time.sleep(0.02)
        assert claimed(Jobs(database, "other")).version == job.version

    steps: list[Callable[[], None]] = [
        lambda: jobs.begin_parse(job.version),
        lambda: jobs.describe(job.version, DocumentInfo("", PageKind.PAGE, 1)),
        lambda: jobs.add_pages(job.version, [], []),
        lambda: jobs.finish_parse(job, {"kite": 1}, 0),
        lambda: jobs.embedded(job.version, 1),
        lambda: jobs.finish(job),
        lambda: jobs.retry_later(job.version, State.QUEUED, 0, ""),
        lambda: jobs.fail(job, "x", "x"),
    ]
    for step in steps:
        with pytest.raises(LeaseLostError):
            step()
    assert terms(database) == {}


def test_a_version_whose_parser_died_is_taken_over_when_its_lease_ends(
    database: Database, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.add("t", upload("a.md"))
    dead, alive = Jobs(database, "dead"), Jobs(database, "alive")
    monkeypatch.setattr(jobs_module, "LEASE_SECONDS", 0.2)
    dead.begin_parse(claimed(dead).version)

    assert alive.claim(State.QUEUED) is None
    time.sleep(0.25)

    finished(alive, claimed(alive))
    assert documents.listed("t", None, 10)[0][0].status == "ready"


def test_a_replaced_version_stays_until_the_new_one_is_ready(
    database: Database, documents: Documents
) -> None:
    jobs = Jobs(database, "w")
    view, _ = documents.add("t", upload("a.md", "one"))
    finished(jobs, claimed(jobs))
    again, is_new = documents.add("t", upload("a.md", "two"))

    assert (again.id, is_new, again.status, again.searchable) == (view.id, True, "queued", True)
    assert retired_versions(database) == []
    assert documents.page("t", view.id, 1) is not None
    finished(jobs, claimed(jobs))
    assert len(retired_versions(database)) == 1


def test_a_failed_upload_is_queued_again_by_the_same_bytes(database: Database, documents: Documents) -> None:
    jobs = Jobs(database, "w")
    view, _ = documents.add("t", upload("a.md"))
    job = claimed(jobs)
    jobs.begin_parse(job.version)
    jobs.fail(job, "damaged", "a.md: it is damaged")
    failed = documents.get("t", view.id)
    assert failed is not None
    assert (failed.status, failed.error_code, failed.error) == ("failed", "damaged", "a.md: it is damaged")

    again, is_new = documents.add("t", upload("a.md"))

    assert (again.id, is_new, again.status, again.error) == (view.id, True, "queued", None)


def test_tenants_take_turns(database: Database, documents: Documents) -> None:
    for number in range(3):
        documents.add("big", upload(f"{number}.md"))
    documents.add("small", upload("s.md"))
    jobs = Jobs(database, "w")

    assert [claimed(jobs).tenant for _ in range(4)] == ["big", "small", "big", "big"]


def test_a_retry_waits_and_counts(database: Database, documents: Documents) -> None:
    documents.add("t", upload("a.md"))
    jobs = Jobs(database, "w")
    jobs.retry_later(claimed(jobs).version, State.QUEUED, 0.2, "the index is away")

    assert jobs.claim(State.QUEUED) is None
    assert documents.listed("t", None, 1)[0][0].error == "the index is away"
    time.sleep(0.25)
    assert claimed(jobs).attempts == 1


def test_the_queue_is_bounded_by_tenant(database: Database) -> None:
    documents = Documents(database, 1)
    documents.add("t", upload("a.md"))
    with pytest.raises(QueueFullError):
        documents.add("t", upload("b.md"))
    assert documents.add("t", upload("a.md"))[1] is False
    assert documents.add("other", upload("b.md"))[1] is True


def test_keys(database: Database, tmp_path: Path) -> None:
    keys = Keys(database)
    assert keys.any() is False
    one, two = keys.add("one", "laptop"), keys.add("two", "")

    assert (keys.tenant_of(one), keys.tenant_of(two), keys.any()) == ("one", "two", True)
    for wrong in ("", one[:-1], one + "x", one[:18] + two[18:], one.upper(), "glede__"):
        assert keys.tenant_of(wrong) is None
    assert one.encode() not in (tmp_path / "registry.db").read_bytes()
    with pytest.raises(ValueError, match="tenant 'Bad Name': expected up to 63 of a-z"):
        keys.add("Bad Name", "")
    view = keys.listed()[0]
    assert keys.remove(view.id)
    assert not keys.remove(view.id)
    assert keys.tenant_of(one) is None
