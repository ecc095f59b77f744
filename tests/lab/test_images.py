"""The images' catalogue, and when an image is another one. Nothing is built here."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from lab.binaries.catalogue import BINARIES
from lab.errors import LabError
from lab.images.__main__ import main
from lab.images.build import archive_of
from lab.images.catalogue import IMAGES, IMAGES_OF_A_CLUSTER, Image, named
from lab.images.debian import source_lines
from lab.images.digest import LENGTH, digest
from lab.images.inputs import Binaries, Project, Wheels, digest_of
from lab.images.load import load
from lab.images.logged import logged

# registry/path:tag, each part optional but the name and the tag
REFERENCE = re.compile(r"(?:[a-z0-9.-]+(?::\d+)?/)?[a-z0-9._/-]+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    """The catalogue, with recipes that a test may change."""
    for image in IMAGES.values():
        shutil.copytree(image.recipe, tmp_path / image.name)
    return {image.name: replace(image, recipe=tmp_path / image.name) for image in IMAGES.values()}


def digests(images: Mapping[str, Image]) -> dict[str, str]:
    return {name: digest(name, images) for name in images}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name, value in after.items() if before[name] != value}


def standing_on(name: str) -> set[str]:
    found = {name}
    for image in IMAGES.values():  # in the catalogue's order, each comes after its base
        if found & set(image.depends_on):
            found.add(image.name)
    return found


def test_a_digest_is_the_same_twice_and_wherever_the_recipes_are(images: dict[str, Image]) -> None:
    assert digests(images) == digests(IMAGES)
    assert all(re.fullmatch(rf"[0-9a-f]{{{LENGTH}}}", value) for value in digests(images).values())
    assert len(set(digests(images).values())) == len(images)


@pytest.mark.parametrize("name", IMAGES)
def test_a_changed_recipe_is_another_image_and_so_are_those_on_it(
    images: dict[str, Image], name: str
) -> None:
    before = digests(images)
    with (images[name].recipe / "Containerfile").open("a") as recipe:
        recipe.write("# changed\n")
    assert changed(before, digests(images)) == standing_on(name)


def test_all_stand_on_base_and_only_glede_on_its_python() -> None:
    assert standing_on("base") == set(IMAGES)
    assert standing_on("glede-python") == {"glede-python", "glede"}
    assert standing_on("glede-operator-python") == {"glede-operator-python", "glede-operator"}
    assert standing_on("kafka") == {"kafka"}


def test_a_new_file_a_name_and_a_permission_count(images: dict[str, Image]) -> None:
    script = images["kafka"].recipe / "run"
    seen = [digest("kafka", images)]
    script.chmod(0o644)
    seen.append(digest("kafka", images))
    script.rename(script.with_name("start"))
    seen.append(digest("kafka", images))
    script.touch()
    seen.append(digest("kafka", images))
    assert len(set(seen)) == len(seen)


def test_another_reference_base_or_input_is_another_image(images: dict[str, Image], tmp_path: Path) -> None:
    lock = tmp_path / "other.lock"
    lock.write_text("milvus==2.3.6")
    milvus = images["milvus"]
    others = [
        milvus,
        replace(milvus, reference="milvusdb/milvus:v2.3.6"),
        replace(milvus, base="kafka"),
        replace(milvus, inputs=(Wheels(lock),)),
        replace(milvus, inputs=()),
    ]
    found = {digest("milvus", {**images, "milvus": other}) for other in others}
    assert len(found) == len(others)


def test_a_version_of_a_program_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(IMAGES)
    monkeypatch.setitem(BINARIES, "etcd", replace(BINARIES["etcd"], version="v3.6.17"))
    assert changed(before, digests(IMAGES)) == {"etcd"}


def test_a_source_file_counts_but_not_what_python_compiled_of_it(tmp_path: Path) -> None:
    package = tmp_path / "src" / "thing"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[project]")
    (package / "a.py").write_text("A = 1")
    before = Project(tmp_path).identity()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    assert Project(tmp_path).identity() == before
    (package / "a.py").write_text("A = 2")
    assert Project(tmp_path).identity() != before


def test_files_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").touch()
    assert digest_of([tmp_path / "a/file"], tmp_path) != digest_of([tmp_path / "b/file"], tmp_path)
    assert digest_of([tmp_path / "a/file"]) == digest_of([tmp_path / "b/file"])


@pytest.mark.parametrize("image", IMAGES.values(), ids=list(IMAGES))
def test_an_image_has_a_recipe_a_tag_and_bases_that_exist(image: Image) -> None:
    text = (image.recipe / "Containerfile").read_text()
    assert REFERENCE.fullmatch(image.reference)
    assert REFERENCE.fullmatch(image.full_reference)
    assert set(image.depends_on) <= set(IMAGES)
    assert ("FROM ${BASE}" in text) == bool(image.base)
    # Without the argument apt would ask no mirror, or another one than this machine's.
    assert text.count("apt-get update") == text.count("ARG APT_CONFIG")


@pytest.mark.parametrize("image", IMAGES.values(), ids=list(IMAGES))
def test_what_a_recipe_copies_is_beside_it_or_an_input(image: Image) -> None:
    fetched = {"rootfs.tar", "bin", "jars", "wheels", "wheel", "requirements.lock"}
    text = (image.recipe / "Containerfile").read_text()
    for words in re.findall(r"^(?:COPY|ADD) (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in words.split():
            first = source.split("/")[0]
            assert first in fetched or (image.recipe / first).exists(), source


def test_no_address_of_a_registry_is_in_a_recipe() -> None:
    for image in IMAGES.values():
        for path in image.recipe.iterdir():
            text = path.read_text()
            found = re.findall(r"https?://[^\s\"<]+", text)
            assert all("maven.apache.org/POM" in address for address in found), path


def test_every_program_is_at_the_version_that_the_tag_tells() -> None:
    assert IMAGES["etcd"].reference.endswith(f":{BINARIES['etcd'].version}")
    assert BINARIES["etcdctl"].version == BINARIES["etcd"].version
    assert IMAGES["minio"].reference.split(":")[1] in BINARIES["minio"].ldflags


def test_jars_are_those_of_the_tag_and_each_has_its_digest() -> None:
    lines = (IMAGES["kafka"].recipe / "jars.sha256").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+\.jar", line) for line in lines)
    version = IMAGES["kafka"].reference.split(":")[1]
    assert sum(line.endswith(f"kafka_2.13-{version}.jar") for line in lines) == 1


def test_references_are_written_out_as_containerd_does() -> None:
    given = {
        "postgres:15": "docker.io/library/postgres:15",
        "apache/kafka:3.9.1": "docker.io/apache/kafka:3.9.1",
        "quay.io/coreos/etcd:v3": "quay.io/coreos/etcd:v3",
        "host:5000/a:b": "host:5000/a:b",
    }
    made = {text: replace(IMAGES["base"], reference=text).full_reference for text in given}
    assert made == given


def test_the_images_of_a_cluster_exist() -> None:
    assert set(IMAGES_OF_A_CLUSTER) <= set(IMAGES)


def test_archives_are_in_the_cache_under_their_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLEDE_LAB_CACHE", str(tmp_path))
    assert archive_of("pause") == tmp_path / "images" / f"pause-{digest('pause')}.tar"


def test_unknown_names_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lab.images.load.prepare", lambda *_given: None)
    with pytest.raises(LabError, match=r"^kafak: is no image of the lab; take one of base, pause,[^\n]*$"):
        named("kafak")
    with pytest.raises(LabError, match=r"^kafak: no such file, and no image of the lab[^\n]*$"):
        load("kafak", tmp_path / "socket", print)
    with pytest.raises(LabError, match=r"^etcdd: not a program of the lab"):
        Binaries(("etcdd",)).identity()
    assert main(["kafak"]) == 1
    assert capsys.readouterr().err.startswith("error: kafak: is no image")


def test_the_list_tells_what_is_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLEDE_LAB_CACHE", str(tmp_path))
    (tmp_path / "images").mkdir()
    archive_of("etcd").touch()
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(IMAGES)
    assert [line.split()[0] for line in lines if not line.endswith("not built")] == ["etcd"]


def test_sources_of_another_release_are_translated_and_others_left_out() -> None:
    targets = """\
Debian|trixie|http://mirror/debian/|main
Debian|trixie|http://mirror/debian/|contrib
Debian|trixie-updates|http://mirror/debian/|main
Debian|trixie-backports|http://mirror/debian/|main
Debian|trixie-security|http://mirror/security/|main
Node Source|nodistro|http://node/|main
|||main"""
    assert source_lines("bookworm", targets) == [
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/debian/ bookworm-updates main",
        "deb http://mirror/security/ bookworm-security main",
    ]


def test_a_failed_program_is_told_by_its_last_line_and_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    logged(["sh", "-c", "echo first"], log, seconds=5)
    with pytest.raises(LabError) as caught:
        logged(["sh", "-c", "echo second; echo third >&2; exit 7"], log, seconds=5)
    assert str(caught.value) == f"sh: exit code 7: third; the whole log is {log}"
    assert "first" in log.read_text()
    assert "second" in log.read_text()


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(LabError, match=r"^sh: no end after 0\.1 s; its log is "):
        logged(["sh", "-c", "(sleep 0.6; echo survived) & wait"], log, seconds=0.1)
    logged(["sleep", "0.7"], log, seconds=5)
    assert "survived" not in log.read_text().replace("echo survived", "")
