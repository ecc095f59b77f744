import os
import stat
from pathlib import Path

import pytest
from bench.qa.datasets.packages import PackageError, Packages, cache_folder


def put_tool(folder: Path, name: str, script: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_without_apt_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(PackageError, match=r"apt-get was not found.*GLEDE_BENCH_CACHE"):
        Packages(tmp_path).path("git-doc")


def test_a_failed_download_is_reported_and_tried_again(tmp_path: Path, tools: Path) -> None:
    put_tool(tools, "apt-get", "echo 'E: Unable to locate package nix-doc' >&2; exit 100")
    put_tool(tools, "dpkg-deb", "exit 0")
    packages = Packages(tmp_path)
    for _ in range(2):
        with pytest.raises(PackageError, match=r"Unable to locate package nix-doc.*apt-get update"):
            packages.path("nix-doc")
    assert packages.versions == {}


def test_a_package_is_fetched_once_and_its_version_kept(tmp_path: Path, tools: Path) -> None:
    put_tool(tools, "apt-get", f"echo fetched >> {tmp_path}/log; touch a_1.2_all.deb")
    put_tool(
        tools, "dpkg-deb", 'if [ "$1" = -f ]; then echo 1.2; else mkdir -p "$3"; echo hi > "$3/file"; fi'
    )
    root = Packages(tmp_path / "cache").path("a")
    again = Packages(tmp_path / "cache")
    assert (again.path("a") / "file").read_text(encoding="utf-8") == "hi\n"
    assert again.path("a") == root
    assert again.versions == {"a": "1.2"}
    assert (tmp_path / "log").read_text(encoding="utf-8") == "fetched\n"


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLEDE_BENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
