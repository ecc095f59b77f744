"""Daemons read the kubeconfig that they share while it is written again for the next one."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.certificates import Pair
from lab.kubeconfig import write_kubeconfig


def test_one_that_is_written_again_is_never_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = tmp_path / "some.pem"
    pem.write_text("a certificate")
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, "https://127.0.0.1:1", pem, Pair(pem, pem))
    before = path.read_text()
    seen: list[str] = []

    def dumped(body: Any) -> str:
        seen.append(path.read_text())
        return yaml.dump(body)

    monkeypatch.setattr(yaml, "safe_dump", dumped)
    write_kubeconfig(path, "https://127.0.0.1:2", pem, Pair(pem, pem))

    assert seen == [before]
    assert "https://127.0.0.1:2" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {item.name for item in tmp_path.iterdir()} == {"some.pem", "kubeconfig"}
