"""Bad manifests are told: the field, what was found, what is expected, and a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.manifests import milvus, told

from glede.api.milvus.convert import ManifestProblem
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.references import secrets_named
from glede.milvus.resolved import Problem
from glede.milvus.validate import Before, changes, clash, problems

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples" / "milvus"
CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "bad_manifests.yaml").read_text())
KEYS = SecretFacts(frozenset({"accesskey", "secretkey", "username", "password"}), "")


def lines(found: list[Problem]) -> str:
    return "\n".join(f"{problem.kind} {problem.field}: {problem.message}" for problem in found)


def test_the_table_is_long_and_names_each_case_once() -> None:
    names = [case["case"] for case in CASES]
    assert len(names) == len(set(names)) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_bad_manifest_is_told(case: dict[str, Any]) -> None:
    wanted = case["told"]
    found = told(case)
    matching = [p for p in found if (p.kind, p.field) == (wanted["kind"], wanted["field"])]

    assert matching, lines(found)
    for word in wanted["words"]:
        assert str(word) in matching[0].message, matching[0].message


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_nothing_is_told_twice(case: dict[str, Any]) -> None:
    found = [(problem.field, problem.message) for problem in told(case)]

    assert len(found) == len(set(found))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_examples_have_no_problem(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] == "Milvus":
            read = milvus(document["spec"], document["metadata"]["name"])
            assert problems(read, Facts(secrets=dict.fromkeys(secrets_named(read), KEYS))) == []


@pytest.mark.parametrize("name", ["ab", "a", "k" * 46])
def test_a_short_name_is_a_name(name: str) -> None:
    assert problems(milvus({"mode": "cluster"}, name), Facts()) == []


def test_a_longer_name_is_one_where_nothing_is_run_beside_milvus() -> None:
    external = {
        "etcd": {"external": True, "endpoints": ["etcd:2379"]},
        "storage": {"external": True, "endpoint": "s3:443"},
    }
    assert problems(milvus({"dependencies": external}, "k" * 56), Facts()) == []
    assert "at most 56" in lines(problems(milvus({"dependencies": external}, "k" * 57), Facts()))


def test_no_value_of_a_variable_is_told() -> None:
    found = problems(milvus({"components": {"env": [{"name": "PASSWORD", "value": 12345678}]}}), Facts())

    assert found
    assert "12345678" not in lines(found)


def test_the_secret_that_the_operator_makes_need_not_be_there() -> None:
    spec = {"dependencies": {"storage": {"secretRef": "kite-minio"}}}

    assert problems(milvus(spec), Facts()) == []


def test_an_optional_secret_need_not_be_there() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a", "optional": True}}}]
    volumes = [{"name": "v", "secret": {"secretName": "gone", "optional": True}}]

    assert problems(milvus({"components": {"env": env, "volumes": volumes}}), Facts()) == []


def test_what_milvus_operator_writes_back_into_manifests_is_not_told() -> None:
    """It fills in defaults, which are then in every manifest that it has seen."""
    spec = {
        "mode": "standalone",
        "components": {
            "rollingMode": 2,
            "imageUpdateMode": "rollingUpgrade",
            "updateConfigMapOnly": True,
            "activeConfigMap": "kite",
            "dummyImage": "dummy",
            "standalone": {"replicas": 1, "serviceType": "ClusterIP"},
        },
        "dependencies": {
            "storage": {"type": "MinIO", "secretRef": "kite-minio"},
            "msgStreamType": "woodpecker",
        },
    }
    assert problems(milvus(spec), Facts()) == []


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        (None, "v2.6.18"),
        ("2.5.16", "v2.6.18"),
        ("2.6.18", "v2.6.11"),
        ("2.6.18", "v3.0.1"),
        ("2.4.1", "v2.5.16"),
    ],
)
def test_a_step_that_may_be_taken(earlier: str | None, now: str) -> None:
    spec = {"components": {"image": f"milvusdb/milvus:{now}"}}

    assert changes(Before(version=earlier), milvus(spec)) == []


@pytest.mark.parametrize("size", ["10Gi", "10240Mi", None])
def test_a_volume_may_stay_as_it_is(size: str | None) -> None:
    values = {} if size is None else {"persistence": {"size": size}}
    spec = {"dependencies": {"etcd": {"inCluster": {"values": values}}}}

    assert changes(Before(volumes={"etcd": "10Gi", "storage": "100Gi"}), milvus(spec)) == []


SHARED = {
    "dependencies": {"etcd": {"external": True, "endpoints": ["etcd:2379"]}},
    "config": {"etcd": {"rootPath": "x"}},
}


def kinds(found: list[Problem]) -> list[str]:
    return [problem.kind for problem in found]


def test_a_newcomer_is_refused_and_does_not_stop_the_one_that_runs() -> None:
    runs = milvus(SHARED, "late", creationTimestamp="2026-02-01T00:00:00Z").changed(
        status={"currentImage": "milvus"}
    )
    newcomer = milvus(SHARED, "early", creationTimestamp="2026-01-01T00:00:00Z")

    assert kinds(clash(newcomer, [runs])) == ["invalid"]
    assert kinds(clash(runs, [newcomer])) == ["warning"]


def test_of_two_newcomers_the_first_one_has_the_place() -> None:
    first = milvus(SHARED, "b", creationTimestamp="2026-01-01T00:00:00Z")
    second = milvus(SHARED, "a", creationTimestamp="2026-02-01T00:00:00Z")

    assert kinds(clash(first, [second])) == ["warning"]
    assert kinds(clash(second, [first])) == ["invalid"]


def test_two_that_run_and_meet_are_both_refused() -> None:
    one, other = (milvus(SHARED, name).changed(status={"currentImage": "milvus"}) for name in ("a", "b"))

    assert kinds(clash(one, [other])) == kinds(clash(other, [one])) == ["invalid"]


@pytest.mark.parametrize(
    "config", [{}, {"etcd": {"rootPath": "y"}}, {"etcd": "text"}, {"etcd": {"rootPath": ["x"]}}]
)
def test_their_own_places_do_not_clash(config: dict[str, Any]) -> None:
    other = milvus(SHARED | {"config": config}, "other")

    assert clash(milvus(SHARED), [other]) == []
    assert clash(milvus({}), [milvus({}, "other")]) == []


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("resources", "env", "volumes", "volumeMounts", "probes", "sidecars", "hpa", "groups", "ingress")
PARTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, PLAIN))


@given(parts=PARTS, config=st.dictionaries(st.sampled_from(["etcd", "minio", "mq"]), PLAIN, max_size=3))
def test_no_part_of_a_pod_and_no_setting_makes_it_crash(
    parts: dict[str, Any], config: dict[str, Any]
) -> None:
    spec = {"mode": "cluster", "components": {"proxy": parts, **parts}, "config": config}
    try:
        read = milvus(spec)
    except ManifestProblem:
        return
    found = [
        *problems(read, Facts()),
        *clash(read, [read]),
        *changes(Before("2.5.1", "cluster", {"log": "1Gi"}), read),
    ]
    assert all(problem.field and problem.message for problem in found)
