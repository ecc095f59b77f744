from typing import Any

import pytest
from tests.unit.milvus.rendered import milvus, resolved

from glede.milvus.facts import Facts
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Resolved
from glede.milvus.versions import DEFAULT_IMAGE


def counts(found: Resolved) -> dict[str, int | None]:
    return {workload.component: workload.replicas for workload in found.workloads}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (1, {"mixcoord": 1, "streamingnode": 1, "datanode": 1, "querynode": 1, "proxy": 1}),
        (2, {"mixcoord": 2, "streamingnode": 2, "datanode": 2, "querynode": 2, "proxy": 2}),
        (3, {"mixcoord": 2, "streamingnode": 3, "datanode": 2, "querynode": 3, "proxy": 3}),
        (12, {"mixcoord": 2, "streamingnode": 3, "datanode": 2, "querynode": 3, "proxy": 3}),
        (None, {"mixcoord": 2, "streamingnode": 3, "datanode": 2, "querynode": 3, "proxy": 3}),
        (0, {"mixcoord": 1, "streamingnode": 1, "datanode": 1, "querynode": 1, "proxy": 1}),
    ],
)
def test_replicas_follow_the_number_of_nodes(nodes: int | None, expected: dict[str, int]) -> None:
    assert counts(resolved(Facts(nodes=nodes))) == expected


def test_the_manifest_sets_how_many_are_derived_at_most() -> None:
    found = counts(resolved(Facts(nodes=12), availability={"maxReplicas": 5}))

    assert (found["querynode"], found["mixcoord"]) == (5, 2)


def test_each_derived_number_has_its_reason() -> None:
    derived = {d.field: d for d in resolved(Facts(nodes=2)).derived}

    assert (
        derived["spec.components.queryNode.replicas"].reason == "2 nodes may take pods; one on each, up to 3"
    )
    assert "stands by" in derived["spec.components.mixCoord.replicas"].reason
    unknown = {d.field: d for d in resolved(Facts()).derived}
    assert unknown["spec.components.queryNode.replicas"].reason == "the number of nodes is not known"


def test_derived_numbers_are_never_lowered() -> None:
    first = resolved(Facts(nodes=3))
    earlier = {d.field: d.value for d in first.derived if isinstance(d.value, int)}

    second = resolved(Facts(nodes=1, earlier=earlier))

    assert counts(second) == counts(first)
    assert [workload.apart for workload in second.workloads] == [True] * 5
    only = {"spec.components.queryNode.replicas": 3}
    found = {d.field: d for d in resolved(Facts(nodes=1, earlier=only)).derived}
    assert found["spec.components.queryNode.replicas"].value == 3
    assert "never lowered" in found["spec.components.queryNode.replicas"].reason


def test_a_coordinator_that_may_no_longer_stand_by_runs_once() -> None:
    """Whatever was derived before: all but one would restart for ever."""
    earlier = {"spec.components.mixCoord.replicas": 2}
    alone = {"mixCoord": {"enableActiveStandby": False}}
    found = resolved(Facts(nodes=3, earlier=earlier), config=alone)
    assert counts(found)["mixcoord"] == 1
    assert counts(resolved(Facts(nodes=3, earlier=earlier)))["mixcoord"] == 2


def test_what_is_written_wins() -> None:
    found = resolved(components={"queryNode": {"replicas": 7}, "proxy": {"replicas": -1}})

    assert counts(found)["querynode"] == 7
    assert counts(found)["proxy"] is None
    fields = {d.field for d in found.derived}
    assert "spec.components.queryNode.replicas" not in fields


def test_an_autoscaler_leaves_the_number_open_and_derives_the_least() -> None:
    found = resolved(
        components={"queryNode": {"hpa": {"maxReplicas": 8}}, "proxy": {"hpa": {"maxReplicas": 2}}}
    )
    by_name = {workload.component: workload for workload in found.workloads}

    assert (by_name["querynode"].replicas, by_name["querynode"].least) == (None, 3)
    assert (by_name["proxy"].replicas, by_name["proxy"].least) == (None, 2)


def test_groups_are_workloads_of_their_own() -> None:
    groups = [{"name": "b", "replicas": 2}, {"name": "a", "replicas": 1, "nodeSelector": {"zone": "a"}}]
    found = resolved(components={"queryNode": {"groups": groups, "tolerations": [{"key": "x"}]}})
    parts = [w for w in found.workloads if w.component == "querynode"]

    assert [(w.name, w.group, w.replicas) for w in parts] == [
        ("kite-milvus-querynode-a", "a", 1),
        ("kite-milvus-querynode-b", "b", 2),
    ]
    assert parts[0].settings.node_selector == {"zone": "a"}
    assert parts[0].settings.tolerations == [{"key": "x"}]


def test_a_stopped_milvus_has_no_pods() -> None:
    names = ("proxy", "mixCoord", "queryNode", "streamingNode", "dataNode")

    assert resolved(components={name: {"replicas": 0} for name in names}).stopped
    assert not resolved(components={"proxy": {"replicas": 0}}).stopped


def test_without_an_image_the_default_is_taken_and_told() -> None:
    found = resolved()

    assert found.image == DEFAULT_IMAGE
    assert {d.value for d in found.derived if d.field == "spec.components.image"} == {DEFAULT_IMAGE}
    assert resolved(components={"image": "milvus:v2.3.5"}).version.line == "2.3"


def test_a_standalone_has_one_process() -> None:
    found = resolve(milvus(mode="standalone"), Facts(nodes=3))

    assert counts(found) == {"standalone": 1}


def test_a_whole_cluster_fits_three_small_nodes() -> None:
    for image in ("milvus:v2.6.18", "milvus:v2.5.16", "milvus:v2.3.5"):
        found = resolved(components={"image": image, **({} if "2.6" in image else {"rootCoord": {}})})
        cpu = sum(
            (workload.replicas or 0)
            * int((workload.settings.resources or {})["requests"]["cpu"].removesuffix("m"))
            for workload in found.workloads
        )
        assert cpu <= 2200


def test_resources_that_are_written_are_taken_as_they_are() -> None:
    found = resolved(components={"resources": {"requests": {"cpu": "1"}}, "proxy": {"resources": {}}})
    by_name = {workload.component: workload.settings.resources for workload in found.workloads}

    assert by_name["querynode"] == {"requests": {"cpu": "1"}}
    assert by_name["proxy"] == {}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"mixcoord": 2}),
        ({"config": {"mixCoord": {"enableActiveStandby": False}}}, {"mixcoord": 1}),
        ({"config": {"rootCoord": {"enableActiveStandby": "false"}}}, {"mixcoord": 1}),
        ({"components": {"enableRollingUpdate": False}}, {"mixcoord": 1}),
        ({"components": {"enableRollingUpdate": False, "mixCoord": {"replicas": 2}}}, {"mixcoord": 2}),
    ],
)
def test_coordinators_run_twice_where_one_may_stand_by(
    spec: dict[str, Any], expected: dict[str, int]
) -> None:
    found = resolved(**spec)

    assert counts(found).items() >= expected.items()
    standby = found.settings.get("mixCoord", {}).get("enableActiveStandby")
    assert bool(standby) == (expected["mixcoord"] == 2)


def test_several_coordinators_without_standby_are_refused() -> None:
    found = resolved(
        components={"mixCoord": {"replicas": 2}}, config={"rootCoord": {"enableActiveStandby": False}}
    )

    assert [(p.kind, p.field) for p in found.problems] == [("invalid", "spec.components.mixCoord.replicas")]


def test_another_operators_tool_image_is_not_used() -> None:
    facts = Facts(nodes=3, tool_image="glede:1.0")
    found = resolved(facts, components={"toolImage": "milvusdb/milvus-operator:v1.3.8"})

    assert found.tool_image == "glede:1.0"
    assert [(p.kind, p.field) for p in found.problems] == [("unsupported", "spec.components.toolImage")]
    assert resolved(facts, components={"toolImage": "mirror.example.com/glede:1.0"}).tool_image.startswith(
        "mirror"
    )
