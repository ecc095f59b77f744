"""What is acknowledged survives: kills, a second process, damaged and lost files, a full disk."""

import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.qa.live import Api, Process, glede, manifest_of, problem, process, running

from glede.api.manifest import load_documentqa
from glede.qa.engine import Engine
from glede.qa.registry import schema

KILLS = 10
BIRDS = ("kite", "falcon", "osprey", "merlin", "hobby", "buzzard", "harrier", "shrike")


def text_of(number: int) -> str:
    bird = BIRDS[number % len(BIRDS)]
    body = "\n\n".join(
        f"## Part {part}\n\nThe {bird} of ring{number} was seen {part} times over the moor by the mill. "
        + f"Observer{part} wrote it down. " * 25
        for part in range(4)
    )
    return f"# Ring {number}\n\n{body}\n"


class Uploader(threading.Thread):
    """Uploads one document after another until told to end; keeps what was acknowledged."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.acknowledged: dict[str, str] = {}
        self.ended = threading.Event()
        self._api = Api(url)

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            name = f"ring-{number}.md"
            try:
                response = self._api.upload(name, text_of(number))
            except httpx.HTTPError:
                time.sleep(0.05)  # the service is down; the same document again
                continue
            assert response.status_code in {200, 202}, response.text
            self.acknowledged[name] = response.json()["id"]
            number += 1
            time.sleep(0.1)
        self._api.http.close()


def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    with process(tmp_path) as service:
        service.start()
        uploader = Uploader(service.url)
        uploader.start()
        try:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.05, 1.2))
                service.kill()
                service.start()
        finally:
            uploader.ended.set()
            uploader.join()
        assert len(uploader.acknowledged) >= KILLS
        settled = {name: service.api.settled(mark) for name, mark in uploader.acknowledged.items()}
        assert {body["status"] for body in settled.values()} == {"ready"}, settled
        names = [document["name"] for document in service.api.listed()]
        assert len(names) == len(set(names))
        assert set(uploader.acknowledged) <= set(names)
        assert service.stop() == 0, service.tail()
    _index_is_exact(tmp_path)


def _index_is_exact(folder: Path, least: int = KILLS) -> None:
    """The rows in Milvus are the registry's chunks, and each document's text is found."""
    engine = Engine.open(load_documentqa(folder / "manifest.yaml"))
    try:
        with engine.database.read() as connection:
            wanted = sorted(connection.execute(sa.select(schema.chunks.c.key)).scalars())
            states = set(connection.execute(sa.select(schema.versions.c.state)).scalars())
        found = sorted(key for batch in engine.store.keys("lexical") for key in batch)
    finally:
        engine.close()
    assert states <= {"ready"}
    assert len(wanted) >= least
    assert found == wanted


def test_term_counts_after_kills_are_those_of_the_chunks(tmp_path: Path) -> None:
    with process(tmp_path) as service:
        service.start()
        ids = [service.api.upload(f"{n}.md", text_of(n)).json()["id"] for n in range(3)]
        time.sleep(0.3)
        service.kill()
        service.start()
        for document in ids:
            assert service.api.settled(document)["status"] == "ready"
        service.api.http.delete(f"/v1/documents/{ids[0]}")
        service.stop()
    with running(tmp_path) as live:
        end = time.monotonic() + 20
        while _states(tmp_path) != {"ready"} and time.monotonic() < end:
            time.sleep(0.05)
        with live.engine.database.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(schema.chunks)).scalar_one()
            count = connection.execute(
                sa.select(schema.terms.c.chunks).where(schema.terms.c.term == "moor")
            ).scalar_one()
    assert 0 < count <= total
    assert count == 8  # two documents of four parts each


def _states(folder: Path) -> set[str]:
    with sqlite3.connect(folder / "data" / "registry.db") as connection:
        found = {row[0] for row in connection.execute("select state from versions")}
    connection.close()
    return found


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        ended = glede("serve", str(tmp_path / "manifest.yaml"))
        assert live.http.get("/readyz").status_code == 200
    holder = (tmp_path / "data" / "lock").read_text()
    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"error: dataDir {tmp_path / 'data'}: another Glede service uses it (process {holder}); "
        "stop that one, or give this one another spec.dataDir"
    )


def test_a_registry_of_garbage_is_named_and_left_alone(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path)
    garbage = b"this is not a database, but somebody's notes. " * 200
    path = tmp_path / "data" / "registry.db"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(garbage)

    ended = glede("serve", str(tmp_path / "manifest.yaml"))

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"error: sqlite:///{path}: file is not a database; "
        "another file stands in its place; move it away or give another dataDir"
    )
    assert path.read_bytes() == garbage
    assert manifest.spec.data_dir == path.parent


def test_a_damaged_registry_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        live.add("a.md", text_of(1))
    path = tmp_path / "data" / "registry.db"
    data = bytearray(path.read_bytes())
    data[100:8192] = b"\xa5" * 8092
    path.write_bytes(bytes(data))

    ended = glede("serve", str(tmp_path / "manifest.yaml"))

    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert "restore the file from a backup" in ended.stderr
    assert path.read_bytes() == bytes(data)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    path = tmp_path / "data" / "registry.db"
    with sqlite3.connect(path) as connection:
        connection.execute("update facts set value = '99' where name = 'schema'")
    connection.close()

    ended = glede("serve", str(tmp_path / "manifest.yaml"))

    assert ended.returncode == 1
    assert "schema version 99, expected 1" in ended.stderr


def _remove(path: Path) -> None:
    shutil.rmtree(path)


def _empty(path: Path) -> None:
    """Lose the collections' data and keep the database itself."""
    shutil.rmtree(path / "collections")
    (path / "collections").mkdir()


@pytest.mark.parametrize("damage", [_remove, _empty])
def test_a_lost_index_is_built_again(tmp_path: Path, damage: Any) -> None:
    with running(tmp_path) as live:
        for number in range(3):
            live.add(f"{number}.md", text_of(number))
        before = [hit["text"] for hit in live.search("osprey moor")]
    damage(tmp_path / "data" / "index.db")

    with running(tmp_path) as live:
        assert [hit["text"] for hit in live.search("osprey moor")] == before
    _index_is_exact(tmp_path, least=3)


def test_an_index_of_garbage_is_named_with_the_remedy(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        live.add("a.md", text_of(1))
    index = tmp_path / "data" / "index.db"
    shutil.rmtree(index)
    index.write_bytes(b"garbage" * 1000)

    ended = glede("serve", str(tmp_path / "manifest.yaml"))

    assert ended.returncode == 1
    assert (
        ended.stderr.strip()
        .splitlines()[-1]
        .startswith(f"error: {index}: the embedded index cannot be opened")
    )
    assert "it is built again from the registry" in ended.stderr
    index.unlink()
    with running(tmp_path) as live:
        assert live.search("falcon moor")


def test_a_full_disk_refuses_uploads_and_keeps_the_rest(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        live.add("before.md", text_of(1))
        bound = _bound_pages(live.engine, slack=8)
        response = live.upload("big.txt", "the great bustard " * 100_000)

        status, detail = problem(response)
        assert status == 503
        assert detail.endswith(
            "database or disk is full; free some space; nothing that was acknowledged is lost, "
            "and work goes on by itself"
        )
        assert [document["name"] for document in live.listed()] == ["before.md"]
        assert live.search("falcon moor")
        bound.clear()
        live.add("after.txt", "the great bustard again " * 10)
        assert live.search("bustard")[0]["document"] == "after.txt"


def _bound_pages(engine: Engine, slack: int) -> list[int]:
    """Let the database grow by some pages only, until the given list is cleared."""
    limited = [slack]

    @sa.event.listens_for(engine.database.engine, "begin")
    def bound(connection: sa.Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        used = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={used + limited[0] if limited else 1 << 30}")

    return limited


def test_a_disk_that_fills_during_ingest_delays_it(tmp_path: Path) -> None:
    with running(tmp_path, ingest=False) as live:
        document = live.upload("late.md", text_of(3) * 20).json()["id"]
        bound = _bound_pages(live.engine, slack=0)
        live.engine.start()
        end = time.monotonic() + 20
        while not (body := live.http.get(f"/v1/documents/{document}").json())["waiting_for"]:
            assert body["status"] != "failed", body
            assert time.monotonic() < end, body
            time.sleep(0.05)
        assert "disk is full" in body["waiting_for"]
        bound.clear()
        assert live.settled(document)["status"] == "ready"
        assert live.search("merlin moor")


def test_stop_in_the_middle_of_ingest_goes_on_afterwards(tmp_path: Path) -> None:
    with process(tmp_path) as service:
        service.start()
        ids = [service.api.upload(f"{n}.md", text_of(n)).json()["id"] for n in range(6)]
        assert service.stop() == 0, service.tail()
        service.start()
        assert {service.api.settled(mark)["status"] for mark in ids} == {"ready"}
        _no_tracebacks(service)


def _no_tracebacks(service: Process) -> None:
    assert "Traceback" not in service.log.read_text()
