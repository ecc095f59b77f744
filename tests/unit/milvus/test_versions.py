import pytest

from glede.milvus.versions import (
    DEFAULT_IMAGE,
    Version,
    arguments_of,
    components_of,
    doubtful,
    parse_version,
    refused,
    upgrade_order,
)


@pytest.mark.parametrize(
    ("text", "image", "expected"),
    [
        (None, "milvusdb/milvus:v2.6.11", Version(2, 6, 11)),
        (None, "registry.example.com:5000/milvus:v2.3.5", Version(2, 3, 5)),
        (None, "milvusdb/milvus:v2.5.16-gpu", Version(2, 5, 16, suffix="gpu")),
        (None, "milvusdb/milvus:v2.6.0-rc1@sha256:00", Version(2, 6, 0, released=False, suffix="rc1")),
        (None, "milvusdb/milvus-dev:2.5-20260101-abc", Version(2, 5, suffix="20260101-abc")),
        ("v2.4", "milvus:mine", Version(2, 4)),
        ("2.6.3", "milvus:v2.3.5", Version(2, 6, 3)),
        (None, None, parse_version(None, DEFAULT_IMAGE)),
    ],
)
def test_the_version_is_written_or_the_tag(text: str | None, image: str | None, expected: Version) -> None:
    assert parse_version(text, image) == expected


@pytest.mark.parametrize("tag", ["master-20260101", "master-latest", "master"])
def test_master_is_of_the_streaming_generation(tag: str) -> None:
    assert parse_version(None, f"milvusdb/milvus-dev:{tag}").streaming


@pytest.mark.parametrize("image", ["milvus", "milvus:latest", "milvus:mine", "localhost:5000/milvus"])
def test_a_tag_that_tells_nothing_is_older_than_2_6_and_told(image: str) -> None:
    version = parse_version(None, image)

    assert not version.streaming
    assert refused(version) is None
    assert "spec.components.version" in (doubtful(version) or "")


def test_versions_are_ordered_with_a_pre_release_before_its_release() -> None:
    texts = ["2.3.5", "2.5.16", "2.6.0-rc1", "2.6.0", "2.6.11", "3.0.0"]
    versions = [parse_version(text, None) for text in texts]

    assert sorted(versions) == versions
    assert [str(version) for version in versions] == texts
    assert versions[3].line == "2.6"


@pytest.mark.parametrize(
    ("text", "ok"), [("1.1.1", False), ("2.1.4", False), ("9.0.0", False), ("3.0.1", True)]
)
def test_versions_without_a_known_line_are_refused(text: str, ok: bool) -> None:
    assert (refused(parse_version(text, None)) is None) == ok


def test_a_newer_line_is_run_with_a_warning() -> None:
    version = parse_version("3.1.0", None)

    assert refused(version) is None
    assert "not known" in (doubtful(version) or "")


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("2.6.18", [], ["mixcoord", "streamingnode", "datanode", "querynode", "proxy"]),
        ("2.6.18", ["rootcoord"], ["mixcoord", "streamingnode", "datanode", "querynode", "proxy"]),
        ("3.0.0", ["cdc"], ["mixcoord", "streamingnode", "datanode", "querynode", "proxy", "cdc"]),
        ("2.6.5", ["cdc"], ["mixcoord", "streamingnode", "datanode", "querynode", "proxy"]),
        ("2.5.16", [], ["mixcoord", "indexnode", "datanode", "querynode", "proxy"]),
        (
            "2.5.16",
            ["streamingnode"],
            ["mixcoord", "streamingnode", "indexnode", "datanode", "querynode", "proxy"],
        ),
        ("2.3.5", ["mixcoord", "rootcoord"], ["mixcoord", "indexnode", "datanode", "querynode", "proxy"]),
        (
            "2.4.1",
            ["querycoord"],
            [
                "rootcoord",
                "datacoord",
                "indexcoord",
                "querycoord",
                "indexnode",
                "datanode",
                "querynode",
                "proxy",
            ],
        ),
    ],
)
def test_a_cluster_has_the_components_of_its_version(
    text: str, written: list[str], expected: list[str]
) -> None:
    found = components_of(parse_version(text, None), cluster=True, written=written)

    assert list(found) == expected


def test_a_standalone_is_one_component_and_change_data_capture() -> None:
    version = parse_version("2.6.18", None)

    assert components_of(version, cluster=False) == ("standalone",)
    assert components_of(version, cluster=False, written=["cdc"]) == ("standalone", "cdc")


def test_an_upgrade_reaches_proxies_last_and_streaming_nodes_first_where_they_are_new() -> None:
    older, newer = parse_version("2.5.16", None), parse_version("2.6.18", None)
    names = components_of(newer, cluster=True)

    assert upgrade_order(older, newer, names) == (
        "streamingnode",
        "mixcoord",
        "querynode",
        "datanode",
        "proxy",
    )
    assert upgrade_order(newer, newer, names)[0] == "mixcoord"
    split = components_of(older, cluster=True, written=["rootcoord"])
    assert upgrade_order(older, older, split) == (
        "indexnode",
        "rootcoord",
        "datacoord",
        "indexcoord",
        "querycoord",
        "querynode",
        "datanode",
        "proxy",
    )


def test_one_coordinator_runs_its_parts_in_one_process() -> None:
    assert arguments_of("mixcoord") == (
        "milvus",
        "run",
        "mixture",
        "-rootcoord",
        "-querycoord",
        "-datacoord",
        "-indexcoord",
    )
    assert arguments_of("querynode") == ("milvus", "run", "querynode")
