"""The command line against a running service: what it prints and how it ends."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.qa.live import Live, free_port, glede, running

KITES = "# Kites\n\nThe red kite drains a query node for thirty minutes before it stops.\n"


def told(ended: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def test_add_ask_search_and_remove(service: Live, tmp_path: Path) -> None:
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "kites.md").write_text(KITES)
    [added] = json.loads(
        told(glede("documents", "add", str(tmp_path / "birds"), "--url", service.url, "--json"))
    )
    assert added["name"] == "birds/kites.md"
    service.settled(added["id"])

    question = "How long does the red kite drain a query node?"
    answer = json.loads(told(glede("ask", question, "--url", service.url, "--json")))
    assert answer["citations"][0]["document_id"] == added["id"]
    assert "thirty minutes" in told(glede("ask", question, "--url", service.url))
    told(glede("search", "zzyzzyva", "--url", service.url), 3)
    assert "birds/kites.md" in told(glede("documents", "ls", "--url", service.url))
    told(glede("documents", "rm", added["id"], "--url", service.url))
    missing = glede("documents", "show", added["id"], "--url", service.url)
    assert (missing.returncode, missing.stderr.strip()) == (
        1,
        f"error: 404: document {added['id']}: there is none of this id, or it is not yours",
    )


def test_no_service(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = glede("ask", "x", "--url", url)

    assert ended.returncode == 4
    assert ended.stderr.startswith(f"error: no service answers at {url} (")
    missing = glede("serve", str(tmp_path / "no.yaml"))
    assert (missing.returncode, missing.stderr.strip()) == (
        2,
        f"error: {tmp_path / 'no.yaml'}: no such file; give the path of a DocumentQA manifest",
    )


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as live:
        manifest = str(tmp_path / "manifest.yaml")
        key = told(glede("keys", "add", manifest, "--tenant", "team")).strip()

        assert key.startswith("glede_")
        assert glede("documents", "ls", "--url", live.url).returncode == 1
        monkeypatch.setenv("GLEDE_API_KEY", key)
        assert json.loads(told(glede("documents", "ls", "--url", live.url, "--json"))) == []
        [row] = json.loads(told(glede("keys", "ls", manifest, "--json")))
        assert row["tenant"] == "team"
        assert key.rpartition("_")[2] not in json.dumps(row)
        told(glede("keys", "rm", manifest, row["id"]))
        assert glede("keys", "rm", manifest, row["id"]).returncode == 1
