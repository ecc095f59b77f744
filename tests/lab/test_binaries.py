import hashlib
import http.server
import os
import re
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from lab.binaries import build, ensure, find_binary, obtain, search
from lab.binaries.__main__ import main
from lab.binaries.catalogue import BINARIES, TOOLS, Release
from lab.errors import LabError

# It stands for go: it notes its arguments, takes its time, and links what the real one would.
FAKE_GO = """\
#!/bin/sh
if [ "$1" = version ]; then echo "go version ${FAKE_VERSION:-go1.99.0} linux/amd64"; exit; fi
echo "$GOTOOLCHAIN $@" >> "$FAKE/calls"
while [ "$1" != -o ]; do shift; done
out=$2; shift 2
if [ -s "$FAKE/hold" ]; then sleep 77 & echo $! > "$FAKE/compiler"; fi
if [ -e "$FAKE/fail" ]; then printf 'go: downloading m\\n# m\\nx.go:1: bad\\nmore\\n' >&2; exit 1; fi
while [ -e "$FAKE/hold" ]; do sleep 0.02; done
for package in "$@"; do
  name=${package##*/}
  case $name in v[0-9]*) package=${package%/*}; name=${package##*/};; esac
  printf '#!/bin/sh\\necho "%s"\\n' "$(cat "$FAKE/says")" > "$out.part"
  chmod +x "$out.part"; mv "$out.part" "$out$name"
done
"""
Served = tuple[Path, str]
BadDownload = tuple[dict[str, str], str, bool, str]


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, no assets folder, and a path with nothing but a few of the shell's programs."""
    monkeypatch.setenv("GLEDE_LAB_CACHE", str(tmp_path / "cache"))
    for variable in search.ASSETS:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "path").mkdir()
    for name in ("sh", "sleep", "cat", "chmod", "mv"):
        (tmp_path / "path" / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(build, "POLL_SECONDS", 0.02)
    return tmp_path


@pytest.fixture
def go(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder from which the stand-in for go takes its orders."""
    fake = home / "fake"
    fake.mkdir()
    (fake / "says").write_text("kwok version v0.7.0 CoreDNS-1.14.7")
    monkeypatch.setenv("FAKE", str(fake))
    program(home / "path" / "go", "").write_text(FAKE_GO)
    return fake


def calls(fake: Path) -> list[str]:
    return (fake / "calls").read_text().splitlines()


def cached(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "cache" / "bin").iterdir() if path.name != ".lock")


def test_assets_come_first_then_path_then_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_cache = program(home / "cache" / "bin" / "kwok-v0.7.0", "kwok version v0.7.0")
    assert find_binary("kwok") == in_cache
    on_path = program(home / "path" / "kwok", "kwok version v0.7.3")
    assert find_binary("kwok") == on_path
    envtest = program(home / "envtest" / "kwok", "any version")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(home / "envtest"))
    assert find_binary("kwok") == envtest
    own = program(home / "own" / "kwok", "any version")
    (home / "kwok").write_text("no program")
    monkeypatch.setenv("GLEDE_LAB_ASSETS", os.pathsep.join([str(home), str(home / "own")]))
    assert find_binary("kwok") == own


@pytest.mark.parametrize("wrong", ["echo Kubernetes v1.3.4", "echo Kubernetes v1.33.9", "exec sleep 30"])
def test_on_the_path_the_minor_version_must_be_right(
    home: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(search, "VERSION_SECONDS", 1.0)
    in_cache = program(home / "cache" / "bin" / "kube-apiserver-v1.34.4", "Kubernetes v1.34.4")
    on_path = program(home / "path" / "kube-apiserver", "")
    on_path.write_text(f"#!/bin/sh\n{wrong}\n")
    said: list[str] = []
    assert find_binary("kube-apiserver", said.append) == in_cache
    assert said[0].endswith("not 'Kubernetes v1.34.': looking further")
    program(on_path, "Kubernetes v1.34.1")
    assert find_binary("kube-apiserver") == on_path


def test_without_go_one_line_tells_the_ways_out(home: Path) -> None:
    ways = (
        r"GLEDE_LAB_ASSETS or KUBEBUILDER_ASSETS, .*; install Go 1\.24\.0, or put kwok \(v0\.7\.0\) into .*"
    )
    with pytest.raises(LabError, match=rf"^kwok: .*{ways}\Z"):
        find_binary("kwok")


def test_neighbours_are_built_together(home: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obtain, "download", lambda _release, _say: False)
    monkeypatch.setattr(build, "SAY_SECONDS", 0)
    (go / "says").write_text("Kubernetes v1.34.4 etcd Version: 3.6.16")
    (go / "hold").touch()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.endswith("so far"):
            (go / "hold").unlink(missing_ok=True)

    paths = ensure(["kube-apiserver", "kubelet", "etcd"], say)
    assert {path.name for path in paths.values()} == set(cached(home))
    assert cached(home) == ["etcd-v3.6.16", "kube-apiserver-v1.34.4", "kubelet-v1.34.4"]
    flags = "-ldflags -s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 "
    assert calls(go)[0].startswith(f"local build -trimpath {flags}")
    assert calls(go)[0].endswith("k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubelet")
    assert len(calls(go)) == 2
    for line in (r"kubelet: built in \d+ s: /.*", r"kube-apiserver kubelet: building, \d+ s so far"):
        assert any(re.fullmatch(line, told) for told in said)


def test_a_bad_build_leaves_nothing_and_gives_the_first_complaint(home: Path, go: Path) -> None:
    (go / "says").write_text("kwok version v0.6.1")
    with pytest.raises(LabError, match=r"^kwok: built, but not usable: .*'kwok version v0\.6\.1'"):
        find_binary("kwok")
    (go / "fail").touch()
    with pytest.raises(LabError, match=r"^kwok: go build failed: x\.go:1: bad$"):
        find_binary("kwok")
    assert cached(home) == []


def test_a_small_disk_is_told_before_the_build(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BINARIES, "kwok", replace(BINARIES["kwok"], disk_gb=1e6))
    with pytest.raises(
        LabError, match=r"^kwok: .* 1000000 GB .* are free; free \d+\.\d GB, or name a folder"
    ):
        find_binary("kwok")
    assert not (go / "calls").exists()


def command(*names: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "lab.binaries", *names]
    return subprocess.Popen(
        arguments, cwd=TOOLS.parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_build_once(home: Path, go: Path) -> None:
    (go / "hold").touch()
    first = command("kwok")
    wait_for((go / "calls").exists)
    second = command("kwok")
    assert second.stderr
    assert "waiting for another process" in second.stderr.readline()
    (go / "hold").unlink()
    line = f"kwok {home / 'cache' / 'bin' / 'kwok-v0.7.0'}\n"
    assert [process.communicate(timeout=30)[0] for process in (first, second)] == [line, line]
    assert len(calls(go)) == 1


def test_an_interrupted_build_ends_its_compilers_and_the_next_one_clears_up(home: Path, go: Path) -> None:
    (go / "hold").write_text("with a compiler")
    process = command("kwok")
    wait_for(lambda: (go / "compiler").exists() and (go / "compiler").read_text().endswith("\n"))
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10)[1].endswith("the next run goes on from here\n")
    assert process.returncode == 130
    wait_for(lambda: not Path("/proc", (go / "compiler").read_text().strip(), "exe").exists())
    (go / "hold").unlink()
    (home / "cache" / "bin" / ".new-of-a-killed-one").mkdir()
    find_binary("kwok")
    assert cached(home) == ["kwok-v0.7.0"]


def wait_for(come: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not come():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_command_builds_and_cleans(home: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "go1.23.4")
    closed = home / "cache" / "go" / "mod" / "m@v1.0.0"
    closed.mkdir(parents=True)
    (closed / "m.go").write_text("package m")
    closed.chmod(0o500)
    assert main(["kwok", "--clean"]) == 0
    # This go is too old for the module, so it may fetch a newer one.
    assert calls(go)[0].startswith("auto build")
    assert not (home / "cache" / "go").exists()


def test_an_unknown_name_is_told_in_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubeclt"]) == 1
    line = r"error: kubeclt: not a program of the lab; take one of etcd, .*kubectl.*\n"
    assert re.fullmatch(line, capsys.readouterr().err)


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A folder that is served on loopback, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.HTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{served.server_port}/a.tar.gz"
        served.shutdown()
        thread.join()


def archive(folder: Path, **programs: str) -> str:
    """Write an archive of scripts that say something; give its digest."""
    path = folder / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, says in programs.items():
            tar.add(program(folder / name, says), f"release/{name}")
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def offer(monkeypatch: pytest.MonkeyPatch, url: str, digest: str, *names: str) -> None:
    """Put a download into the catalogue, for every kind of machine that the tests run on."""
    for name in names:
        member = f"release/{name}"
        both = tuple(Release(kind, url, digest, member, "official") for kind in ("amd64", "arm64"))
        monkeypatch.setitem(BINARIES, name, replace(BINARIES[name], releases=both))


def test_a_download_serves_all_in_it(home: Path, server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = archive(server[0], kwok="kwok version v0.7.2", coredns="CoreDNS-1.14.9")
    offer(monkeypatch, server[1], digest, "kwok", "coredns")
    assert find_binary("kwok") == home / "cache" / "bin" / "kwok-official"
    (server[0] / "a.tar.gz").unlink()
    assert find_binary("coredns") == home / "cache" / "bin" / "coredns-official"


@pytest.mark.parametrize(
    "bad",
    [
        ({"kwok": "kwok version v0.7.2"}, "{}", True, "not the pinned 000"),
        ({"other": ""}, "{}", False, "it holds no release/kwok"),
        ({"kwok": "kwok version v0.5.0"}, "{}", False, "kwok version v0.5.0"),
        ({}, "{}.moved", False, "404"),
        ({}, "http://127.0.0.1:1/a.tar.gz", False, "refused"),
    ],
)
def test_a_bad_download_is_tried_once_and_leaves_nothing(
    home: Path, go: Path, server: Served, monkeypatch: pytest.MonkeyPatch, bad: BadDownload
) -> None:
    programs, url, forged, complaint = bad
    digest = archive(server[0], **programs)
    offer(monkeypatch, url.format(server[1]), f"sha256:{'0' * 64}" if forged else digest, "kwok", "coredns")
    said: list[str] = []
    ensure(["kwok", "coredns"], said.append)
    (line,) = [line for line in said if "no download from" in line]
    assert complaint in line
    assert cached(home) == ["coredns-v1.14.7", "kwok-v0.7.0"]


@pytest.mark.parametrize("name", BINARIES)
def test_the_catalogue_agrees_with_the_modules(name: str) -> None:
    binary = BINARIES[name]
    module = (TOOLS / binary.tool / "go.mod").read_text()
    pinned = re.findall(r"^(?:require |\t)(\S+) (\S+)$", module, re.MULTILINE)
    assert [version for path, version in pinned if binary.package.startswith(path)] == [binary.version]
    assert f'_ "{binary.package}"' in (TOOLS / binary.tool / "tools.go").read_text()
    sums = (TOOLS / binary.tool / "go.sum").read_text()
    assert not re.search(r"https?://|goproxy|proxy\.golang\.org", module + sums)
    for release in binary.releases:
        algorithm, digest = release.digest.split(":")
        assert len(digest) == hashlib.new(algorithm).digest_size * 2
        assert release.url.startswith("https://")
