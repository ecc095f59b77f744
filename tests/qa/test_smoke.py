"""The search that `helm test` tries, on a Milvus Lite."""

import subprocess
import sys
from pathlib import Path

import pytest
from pymilvus import MilvusClient

from glede.milvus.smoke import Deadline, SmokeError, main, smoke


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glede.milvus.smoke", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_search_that_finds_its_row_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    uri = str(tmp_path / "milvus.db")
    done = run("--uri", uri)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"ok: {uri}: inserted 200 rows, found the one searched for, ")
    client = MilvusClient(uri=uri)
    try:
        assert client.list_collections() == []
    finally:
        client.close()


def test_no_milvus_is_one_line_and_exit_code_1() -> None:
    done = run("--uri", "http://127.0.0.1:9", "--timeout", "1")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("failed: http://127.0.0.1:9: ")


@pytest.mark.parametrize("found", [[], [{"id": 7}]], ids=["nothing", "another"])
def test_an_answer_without_the_row_fails_and_the_collection_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[dict[str, int]]
) -> None:
    """Milvus counts an empty answer as a success; a client that gives one plays that here."""
    dropped: list[str] = []
    drop = MilvusClient.drop_collection
    monkeypatch.setattr(MilvusClient, "search", lambda *_given, **_named: [found])

    def dropping(client: MilvusClient, name: str, **named: float) -> None:
        dropped.append(name)
        drop(client, name, **named)

    monkeypatch.setattr(MilvusClient, "drop_collection", dropping)
    with pytest.raises(SmokeError, match=r"^a search for row \d+ of 200 found (nothing|\[7\]); see "):
        smoke(str(tmp_path / "milvus.db"), "", 30)
    assert len(dropped) == 1


def test_no_time_left(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SmokeError, match="no time left"):
        Deadline(0.0).left()
    assert main(["--uri", str(tmp_path / "milvus.db"), "--timeout", "0.000001"]) == 1
    assert capsys.readouterr().err.startswith("failed: ")
