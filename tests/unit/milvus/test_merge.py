import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from glede.milvus.layers import laid_over, with_one_queue
from glede.milvus.merge import MAX_SETTINGS_BYTES, MergeError, main, merge

IMAGE = """
etcd: {endpoints: localhost:2379, rootPath: by-dev}
kafka: {brokerList: localhost}
pulsar: {address: localhost}
rocksmq: {path: /var/lib/milvus/rdb_data}
natsmq: {server: {port: 4222}}
log: {level: info, file: {rootPath: ""}}
"""
USER = "messageQueue: kafka\nmq: {type: kafka}\nlog: {level: debug}\nkafka: {brokerList: [a, b]}\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    base, settings, out = (tmp_path / name for name in ("base", "settings", "out"))
    for folder in (base / "cert", settings, out):
        folder.mkdir(parents=True)
    (base / "milvus.yaml").write_text(IMAGE)
    (base / "glog.conf").write_text("--logtostderr=true\n")
    (base / "cert" / "ca.pem").write_text("pem")
    (settings / "user.yaml").write_text(USER)
    return base, settings / "user.yaml", out


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_settings_are_laid_over_the_images_and_other_queues_go(folders: tuple[Path, Path, Path]) -> None:
    base, user, out = folders
    merge(base, user, out)

    assert read(out / "milvus.yaml") == {
        "etcd": {"endpoints": "localhost:2379", "rootPath": "by-dev"},
        "kafka": {"brokerList": ["a", "b"]},
        "log": {"level": "debug", "file": {"rootPath": ""}},
        "messageQueue": "kafka",
        "mq": {"type": "kafka"},
    }


def test_all_other_files_of_the_image_are_there_and_user_yaml_is_followed(
    folders: tuple[Path, Path, Path],
) -> None:
    base, user, out = folders
    (base / "user.yaml").write_text("log: {level: warn}")
    merge(base, user, out)

    assert (out / "glog.conf").read_text() == "--logtostderr=true\n"
    assert (out / "cert" / "ca.pem").is_file()
    assert (out / "user.yaml").readlink() == Path("operator/user.yaml")
    assert {path.name for path in out.iterdir()} == {"milvus.yaml", "glog.conf", "cert", "user.yaml"}


def test_it_can_be_done_again(folders: tuple[Path, Path, Path]) -> None:
    base, user, out = folders
    merge(base, user, out)
    first = (out / "milvus.yaml").read_text()
    merge(base, user, out)

    assert (out / "milvus.yaml").read_text() == first


def test_what_milvus_refreshes_is_left_to_user_yaml(folders: tuple[Path, Path, Path]) -> None:
    base, user, out = folders
    merge(base, user, out, refreshed=True)

    assert read(out / "milvus.yaml")["log"]["level"] == "info"


def test_a_hook_is_merged_and_followed(folders: tuple[Path, Path, Path]) -> None:
    base, user, out = folders
    (base / "hook.yaml").write_text("soPath: none\nmode: a")
    user.with_name("hook.yaml").write_text("soPath: /x.so")
    merge(base, user, out)

    assert read(out / "hook.yaml") == {"soPath": "/x.so", "mode": "a"}
    assert (out / "hook_updates.yaml").readlink() == Path("operator/hook.yaml")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("user.yaml", "- a", "found list, expected a mapping"),
        ("user.yaml", "password: [hidden", "not YAML (line 1)"),
        ("milvus.yaml", None, "no such file; is the image one of Milvus?"),
        ("user.yaml", "a" * (MAX_SETTINGS_BYTES + 1), "larger than"),
        ("user.yaml", b"\xff\xfe\xfd", "UTF-8"),
    ],
)
def test_an_error_names_the_file(
    folders: tuple[Path, Path, Path], file: str, text: str | bytes | None, words: str
) -> None:
    base, user, out = folders
    path = base / file if file == "milvus.yaml" else user
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    with pytest.raises(MergeError) as caught:
        merge(base, user, out)

    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert not (out / "milvus.yaml").exists()


def test_a_write_that_fails_leaves_nothing_behind(
    folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, user, out = folders

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        merge(base, user, out)

    assert [path.name for path in out.iterdir() if path.is_file() and path.name != "glog.conf"] == []


def test_the_command_says_what_is_wrong(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    base, user, out = folders
    arguments = ["--base", str(base), "--user", str(user), "--out", str(out)]
    assert main(arguments) == 0
    user.write_text("[")
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(f"error: {user}: not YAML")


def test_the_command_imports_little() -> None:
    code = "import sys, glede.milvus.merge; print('pydantic' in sys.modules, 'httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


def test_without_a_queue_all_sections_stay() -> None:
    assert with_one_queue({"kafka": 1, "pulsar": 2}) == {"kafka": 1, "pulsar": 2}
    assert with_one_queue({"kafka": 1, "pulsar": 2, "messageQueue": "woodpecker"}) == {
        "messageQueue": "woodpecker"
    }


SETTINGS = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), SETTINGS, max_size=3)


@given(MAPPINGS, MAPPINGS)
def test_the_upper_layer_wins_at_every_depth(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = laid_over(base, over)

    assert set(merged) == set(base) | set(over)
    assert laid_over(merged, over) == merged
    for name, value in over.items():
        if not isinstance(value, dict) or not isinstance(base.get(name), dict):
            assert merged[name] == value


@given(MAPPINGS)
def test_an_empty_layer_changes_nothing(base: dict[str, Any]) -> None:
    assert laid_over(base, {}) == base
    assert laid_over({}, base) == base
