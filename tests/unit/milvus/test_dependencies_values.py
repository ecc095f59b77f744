"""Values are read in the words of the charts; what is wrong or strange in them is told, never dropped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.dependency import in_cluster, milvus, rendered, resolve

from glede.milvus.dependencies.values import Values
from glede.milvus.resolved import Problem

PATH = "spec.dependencies.etcd.inCluster.values"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    [
        "replicaCount",
        "replicas",
        "mode",
        "persistence",
        "resources",
        "image",
        "nodeSelector",
        "tolerations",
        "affinity",
        "extraEnvVars",
        "environment",
        "podLabels",
        "pdb",
        "accessKey",
        "secretKey",
        "existingSecret",
        "heapOpts",
        "controller",
        "autoCompactionMode",
        "topologySpreadConstraints",
        "podSecurityContext",
        "maxMessageBytes",
        "defaultReplicationFactor",
    ]
)


@pytest.mark.parametrize("name", ["etcd", "storage", "kafka"])
@given(values=st.dictionaries(KNOWN | st.text(min_size=1, max_size=8), JSON, max_size=4))
def test_whatever_is_written_something_is_rendered_or_a_field_is_named(
    name: str, values: dict[str, Any]
) -> None:
    found = milvus(in_cluster(name, values))
    problems = resolve(found).problems
    place = f"spec.dependencies.{name}.inCluster"
    assert all(problem.field.startswith((place, "spec.dependencies.msgStreamType")) for problem in problems)
    assert all(problem.message and "\n" not in problem.message for problem in problems)
    if not any(problem.kind == "invalid" for problem in problems):
        assert rendered(found) == rendered(found)


@pytest.mark.parametrize("name", ["etcd", "storage", "kafka"])
@given(
    strange=st.text("abcdefgh", min_size=9, max_size=12),
    value=st.integers() | st.text(min_size=1) | st.booleans(),
)
def test_a_value_that_is_not_understood_is_named(name: str, strange: str, value: object) -> None:
    problems = resolve(milvus(in_cluster(name, {strange: value}))).problems
    assert [(p.kind, p.field) for p in problems] == [
        ("unsupported", f"spec.dependencies.{name}.inCluster.values.{strange}")
    ]


@pytest.mark.parametrize("nothing", [None, "", {}, []])
def test_an_empty_value_asks_for_nothing(nothing: object) -> None:
    assert not resolve(milvus(in_cluster("etcd", {"commonLabels": nothing}))).problems


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"replicaCount": "three"}, "replicaCount", "found 'three', expected a whole number from 1 to 9"),
        ({"replicaCount": 0}, "replicaCount", "found 0, expected a whole number from 1 to 9"),
        ({"replicaCount": True}, "replicaCount", "found True, expected a whole number"),
        ({"persistence": {"size": "ten"}}, "persistence.size", "found 'ten', expected an amount of storage"),
        ({"persistence": {"size": "0Gi"}}, "persistence.size", "found '0Gi', expected an amount"),
        ({"persistence": {"enabled": "yes"}}, "persistence.enabled", "found 'yes', expected true or false"),
        ({"persistence": "10Gi"}, "persistence", "found '10Gi', expected a mapping"),
        ({"persistence": {"accessMode": "RW"}}, "persistence.accessMode", "found 'RW', expected one of"),
        ({"nodeSelector": {"a": 1}}, "nodeSelector", "found 1, expected a text for each name"),
        ({"tolerations": {"key": "a"}}, "tolerations", "found {'key': 'a'}, expected a list of mappings"),
        ({"image": {"pullSecrets": [1]}}, "image.pullSecrets", "found [1], expected a list of names"),
        ({"image": {"tag": ["a"]}}, "image.tag", "found ['a'], expected a text"),
        ({"autoCompactionMode": "never"}, "autoCompactionMode", "expected one of periodic, revision"),
    ],
)
def test_a_malformed_value_is_refused_with_its_remedy(
    values: dict[str, Any], field: str, message: str
) -> None:
    problems = resolve(milvus(in_cluster("etcd", values))).problems
    assert [(p.kind, p.field) for p in problems] == [("invalid", f"{PATH}.{field}")]
    assert message in problems[0].message
    assert "; " in problems[0].message


def test_features_that_are_not_offered_may_be_written_as_off_only() -> None:
    off = {
        "auth": {"rbac": {"create": False}},
        "metrics": {"enabled": False, "podMonitor": {"enabled": True}},
    }
    assert not resolve(milvus(in_cluster("etcd", off))).problems
    on = resolve(milvus(in_cluster("etcd", {"auth": {"rbac": {"create": True}}}))).problems
    assert [(p.kind, p.field) for p in on] == [("unsupported", f"{PATH}.auth")]


@given(st.text(max_size=400))
def test_what_was_found_is_shown_short_and_on_one_line(text: str) -> None:
    values = Values({"size": text}, "v")
    if values.quantity("size") is None and text:
        (problem,) = values.problems()
        assert len(problem.message) < 180
        assert "\n" not in problem.message


def test_a_section_that_is_read_twice_is_told_once() -> None:
    values = Values({"a": {"strange": 1}}, "v")
    values.section("a")
    values.section("a")
    told = "is not understood; it has no effect, remove it"
    assert values.problems() == (Problem("unsupported", "v.a.strange", told),)
