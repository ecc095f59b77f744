"""Every shape of the group becomes one Milvus; what cannot be read is told and never crashes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.manifests import manifest, milvus

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.faults import Fault, shown
from glede.api.milvus.spec import Milvus


def flat(**spec: Any) -> Milvus:
    return read_milvus(manifest(spec) | {"apiVersion": "milvus.io/v1alpha1"})


def test_the_flat_shape_is_unfolded() -> None:
    spec = flat(
        image="milvusdb/milvus:v2.2.0",
        replicas=2,
        serviceType="NodePort",
        serviceLabels={"a": "b"},
        serviceAnnotations={"c": "d"},
        ingress={"hosts": ["a.example.com"]},
        disableMetric=True,
        resources={"limits": {"memory": "8Gi"}},
        env=[{"name": "A", "value": "b"}],
        persistence={"enabled": True},
        config={"log": {"level": "debug"}},
        dependencies={"etcd": {"external": True, "endpoints": ["etcd:2379"]}},
    ).spec

    assert spec.mode == "standalone"
    assert (spec.components.image, spec.components.disable_metric) == ("milvusdb/milvus:v2.2.0", True)
    assert spec.components.resources == {"limits": {"memory": "8Gi"}}
    assert spec.components.env == [{"name": "A", "value": "b"}]
    alone = spec.components.standalone
    assert alone is not None
    assert (alone.replicas, alone.service_type, alone.service_labels) == (2, "NodePort", {"a": "b"})
    assert alone.service_annotations == {"c": "d"}
    assert alone.ingress is not None
    assert alone.ingress.hosts == ["a.example.com"]
    assert spec.dependencies.rocksmq.persistence is not None
    assert spec.dependencies.rocksmq.persistence.enabled
    assert spec.dependencies.etcd.endpoints == ["etcd:2379"]
    assert spec.config == {"log": {"level": "debug"}}
    assert list(spec.unknown("spec")) == []


def test_the_flat_shape_is_known_under_the_newer_version_too() -> None:
    assert milvus({"replicas": 3, "mode": "standalone"}) == milvus(
        {"mode": "standalone", "components": {"standalone": {"replicas": 3}}, "dependencies": None}
    )


def test_a_field_that_no_shape_has_stays_where_it_is() -> None:
    assert list(flat(image="a", strange=1).spec.unknown("spec")) == ["spec.strange"]


@pytest.mark.parametrize("spec", [{"components": {}, "replicas": 3}, {"mode": "cluster", "replicas": 3}])
def test_a_flat_field_in_the_newer_shape_is_unknown(spec: dict[str, Any]) -> None:
    assert list(milvus(spec).spec.unknown("spec")) == ["spec.replicas"]


def test_the_newer_place_wins_over_the_flat_one() -> None:
    written = {"rocksmq": {"persistence": {"enabled": False}}}
    spec = flat(persistence={"enabled": True}, dependencies=written).spec

    assert spec.dependencies.rocksmq.persistence is not None
    assert not spec.dependencies.rocksmq.persistence.enabled


def test_the_older_kind_is_a_cluster() -> None:
    older = {"apiVersion": "milvus.io/v1alpha1", "kind": "MilvusCluster"}
    read = read_milvus(manifest({"components": {"proxy": {"replicas": 2}}}) | older)

    assert (read.api_version, read.kind, read.spec.mode) == ("milvus.io/v1beta1", "Milvus", "cluster")
    assert read.spec.components.proxy is not None
    assert read.spec.components.proxy.replicas == 2


def test_metadata_and_status_are_read_as_they_are() -> None:
    read = read_milvus(
        manifest({}, uid="u-1", generation=4, managedFields=[{}]) | {"status": {"status": "Healthy"}}
    )

    assert (read.metadata.uid, read.metadata.generation) == ("u-1", 4)
    assert read.status == {"status": "Healthy"}


def test_an_empty_type_of_store_is_the_default() -> None:
    assert milvus({"dependencies": {"storage": {"type": ""}}}).spec.dependencies.storage.type == "MinIO"


@pytest.mark.parametrize(
    ("obj", "field", "words"),
    [
        (None, "manifest", "found nothing, expected a mapping"),
        ([], "manifest", "found a list"),
        (manifest({}) | {"kind": "Pod"}, "kind", "found 'Pod', expected Milvus or MilvusCluster"),
        (manifest({}) | {"kind": []}, "kind", "found a list"),
        (
            manifest({}) | {"apiVersion": "milvus.io/v2"},
            "apiVersion",
            "milvus.io/v1beta1 or milvus.io/v1alpha1",
        ),
        ({"spec": {}}, "metadata", "found nothing, expected a value; write metadata"),
        ({"metadata": {}, "spec": {}}, "metadata.name", "write name"),
        (manifest("text"), "spec", "found 'text', expected a mapping; write the settings of spec below it"),
        (
            manifest({"components": {"proxy": {"hpa": {"maxReplicas": 0}}}}),
            "spec.components.proxy.hpa.maxReplicas",
            "at least 1",
        ),
        (manifest({"components": {"commands": [["a"]]}}), "spec.components.commands[0]", "expected a text"),
        (manifest({"components": {"paused": "soon"}}), "spec.components.paused", "expected true or false"),
        (
            manifest({"components": {"proxy": {"podDisruptionBudget": {"maxUnavailable": []}}}}),
            "spec.components.proxy.podDisruptionBudget.maxUnavailable",
            "found a list",
        ),
    ],
)
def test_what_cannot_be_read_is_told(obj: object, field: str, words: str) -> None:
    with pytest.raises(ManifestProblem) as caught:
        read_milvus(obj)

    assert caught.value.field == field
    assert words in caught.value.message


def test_several_faults_are_told_together_up_to_a_number() -> None:
    names = ("paused", "replicas", "hostNetwork", "runWithSubProcess", "port", "ingress", "hpa")
    proxy: dict[str, Any] = {name: [] for name in names}
    with pytest.raises(ManifestProblem) as caught:
        milvus({"components": {"proxy": proxy}})

    assert len(caught.value.faults) == len(proxy)
    assert caught.value.message.count("\n") == 5
    assert caught.value.message.endswith("and 2 more")


def test_a_value_is_shown_in_one_short_line() -> None:
    assert shown("a" * 500) == "'" + "a" * 56 + "..."
    assert shown("a\nb") == r"'a\nb'"
    assert shown("\ud800").encode()
    assert len(shown(10**5000)) <= 60


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
SECTIONS = (
    "mode",
    "components",
    "dependencies",
    "config",
    "replicas",
    "persistence",
    "image",
    "availability",
)
SPECS = st.dictionaries(st.sampled_from(SECTIONS) | st.text(max_size=5), JSON, max_size=5)
KINDS = st.sampled_from([("v1beta1", "Milvus"), ("v1alpha1", "Milvus"), ("v1alpha1", "MilvusCluster")])


def read_or_faults(obj: object) -> tuple[Milvus | None, tuple[Fault, ...]]:
    try:
        return read_milvus(obj), ()
    except ManifestProblem as problem:
        return None, problem.faults


@given(obj=JSON)
def test_no_object_makes_it_crash(obj: object) -> None:
    with pytest.raises(ManifestProblem) as caught:
        read_milvus(obj)

    assert caught.value.message.encode()


@given(kind=KINDS, spec=SPECS | JSON)
def test_no_spec_makes_it_crash(kind: tuple[str, str], spec: object) -> None:
    obj = manifest(spec) | {"apiVersion": f"milvus.io/{kind[0]}", "kind": kind[1]}
    read, faults = read_or_faults(obj)
    assert all(fault.field and fault.message.encode() for fault in faults)
    if read is None:
        return
    assert all(path.startswith("spec.") for path in read.spec.unknown("spec"))
    assert read_milvus(read.model_dump(by_alias=True, exclude_unset=True)) == read


def test_settings_nested_without_end_are_no_crash() -> None:
    deep: dict[str, Any] = {}
    for _ in range(20_000):
        deep = {"a": deep}
    obj = manifest({"config": deep, "components": {"proxy": {"ingress": deep}}})
    read, faults = read_or_faults(obj)
    assert read or faults
