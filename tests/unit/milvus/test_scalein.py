"""Fewer query nodes and streaming nodes: one by one, and never fewer than the loaded data need."""

from typing import Any

import pytest
from tests.unit.milvus.fewer import CRASHING, NOTHING, QUERY, asking, counts, decided, pods, running
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.milvus.desired import Ref, ref_of
from glede.milvus.intent import Intent
from glede.milvus.observed import Loads, Observed
from glede.milvus.plan import Plan, plan
from glede.milvus.podviews import PodView
from glede.milvus.scalein import UNSAFE, ScaleIn, asks_for_loads
from glede.milvus.views import Held

STREAMING = Ref("Deployment", ref_key("kite-milvus-streamingnode"))
NEWEST = {"image": "milvusdb/milvus:v2.6.18"}


def planned(wanted: Intent, observed: Observed) -> Plan:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    return plan(wanted.resolved, wanted.desired, observed, *judged(wanted, observed))


def applied(found: Plan, ref: Ref) -> int:
    (one,) = [obj for obj in found.apply if ref_of(obj) == ref]
    return int(one["spec"]["replicas"])


def test_one_goes_from_a_whole_deployment() -> None:
    wanted = asking(1)
    assert decided(wanted, running(wanted, 3), pods(3)).replicas == {QUERY: 2}
    assert decided(wanted, running(wanted, 2), pods(2)).replicas == {QUERY: 1}
    assert decided(wanted, running(wanted, 1), pods(1)) == ScaleIn()


def test_the_plan_applies_the_step_and_all_at_once_on_the_way_out() -> None:
    wanted = asking(1)
    found = planned(wanted, Observed(running(wanted, 3), pods(3), loads=NOTHING))
    assert applied(found, QUERY) == 2
    assert QUERY not in found.digests
    more = asking(9)
    found = planned(more, Observed(running(more, 3), pods(3)))
    assert applied(found, QUERY) == 9
    assert QUERY in found.digests


@pytest.mark.parametrize(
    ("values", "found", "words"),
    [
        ({}, pods(3, deleting=True), "until pod kite-milvus-querynode-2 has ended"),
        ({"available": 2}, pods(3), "until all 3 are available"),
        ({"total": 4}, pods(4), "until all 3 are available"),
        ({"current": False}, pods(3), "until its Deployment is looked at"),
        # The Deployment tells of the last step, and the pods are as they were before it.
        ({}, pods(4), "until all 3 are available"),
        ({"template": "old"}, pods(3), "its pods are replaced first"),
    ],
)
def test_the_next_waits_until_the_last_step_is_done(
    values: dict[str, Any], found: tuple[PodView, ...], words: str
) -> None:
    wanted = asking(1)
    told = decided(wanted, running(wanted, 3, **values), found)
    assert told.replicas == {QUERY: 3}
    assert told.going == f"queryNode goes from 3 pods to 1, one at a time: {_waits(words)}"


def _waits(words: str) -> str:
    return words if words.startswith("its") else f"waits {words}"


@pytest.mark.parametrize("component", ["mixcoord", "proxy"])
def test_none_goes_while_nobody_can_take_over(component: str) -> None:
    wanted = asking(1)
    held = changed(running(wanted, 3), f"kite-milvus-{component}", available=0)
    told = decided(wanted, held, pods(3))
    assert told.replicas == {QUERY: 3}
    assert component in told.going.lower()
    # One of two suffices, and one that is not asked for is not waited for.
    held = changed(running(wanted, 3), f"kite-milvus-{component}", available=1)
    assert decided(wanted, held, pods(3)).replicas == {QUERY: 2}
    without = asking(1, proxy={"replicas": 0})
    held = changed(running(without, 3), "kite-milvus-proxy", available=0)
    assert decided(without, held, pods(3)).replicas == {QUERY: 2}


def test_none_goes_while_a_dependency_is_down() -> None:
    wanted = asking(1)
    told = decided(wanted, changed(running(wanted, 3), "kite-kafka", ready=0), pods(3))
    assert told.replicas == {QUERY: 3}
    assert "waits for kafka: 0 of 3 pods" in told.going


def test_a_pod_that_cannot_run_waits_for_nothing() -> None:
    """It may be what leaves no room for others, and Deployments end such a pod first."""
    wanted = asking(1)
    held = changed(running(wanted, 3, ready=2, available=2), "kite-milvus-proxy", available=0)
    assert decided(wanted, held, pods(3, ready=False, trouble=CRASHING)).replicas == {QUERY: 2}
    # What is known of the pod is of before its end: the rest is whole, and goes by the rule for that.
    told = decided(wanted, changed(running(wanted, 2), "kite-milvus-proxy", available=0), pods(2))
    assert told.replicas == {QUERY: 2}


@pytest.mark.parametrize(("asked", "loads", "expected"), [(1, 2, 2), (1, 1, 1), (0, 1, 1), (0, 0, 0)])
def test_as_many_stay_as_the_loaded_data_need(asked: int, loads: int, expected: int) -> None:
    wanted = asking(asked)
    number = 3
    while number > expected:
        found = decided(wanted, running(wanted, number), pods(number), Loads(loads, "books (7)"))
        assert found.replicas == {QUERY: number - 1}
        assert not found.held
        number -= 1
    found = decided(wanted, running(wanted, number), pods(number), Loads(loads, "books (7)"))
    if asked == expected:
        assert found == ScaleIn()
        return
    assert found.kept == found.replicas == {QUERY: expected}
    assert not found.going
    assert f"kept at {expected} pods, not {asked}: collection books (7) is loaded" in found.held
    assert (f"with {loads} in-memory replicas" in found.held) == (loads > 1)
    assert "Release it" in found.held
    assert decided(wanted, running(wanted, number), pods(number)).replicas == {QUERY: number - 1}


def test_without_an_answer_of_etcd_none_goes() -> None:
    wanted = asking(1)
    told = decided(wanted, running(wanted, 3), pods(3), None)
    assert told.replicas == {QUERY: 3}
    assert told.going.endswith("asks etcd how many the loaded data need")
    told = decided(wanted, running(wanted, 3), pods(3), Loads(None, why="etcd: connection refused"))
    assert told.kept == told.replicas == {QUERY: 3}
    assert "connection refused" in told.held
    assert f'{UNSAFE}: "true"' in told.held


@pytest.mark.parametrize(("value", "asks"), [("true", False), ("True", True), ("", True), ("false", True)])
def test_who_takes_it_upon_himself_needs_no_answer(value: str, asks: bool) -> None:
    wanted = asking(1, {UNSAFE: value})
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed(running(wanted, 3), pods(3))
    assert asks_for_loads(wanted.resolved, wanted.desired, observed) == asks
    # One at a time all the same.
    found = decided(wanted, running(wanted, 3), pods(3), None if not asks else Loads(None, why="silent"))
    assert found.replicas == {QUERY: 3 if asks else 2}
    leaving = decided(wanted, running(wanted, 2), pods(3, deleting=True), None)
    assert leaving.replicas == {QUERY: 2}


def test_etcd_is_asked_only_when_query_nodes_are_to_go() -> None:
    for wanted, number in ((asking(3), 3), (asking(5), 3), (asking(-1), 3)):
        assert wanted.resolved is not None
        assert wanted.desired is not None
        assert not asks_for_loads(wanted.resolved, wanted.desired, Observed(running(wanted, number)))


@pytest.mark.parametrize("settings", [{"replicas": -1}, {"hpa": {"maxReplicas": 9}}])
def test_the_number_of_an_autoscaler_is_left_alone(settings: dict[str, Any]) -> None:
    wanted = asking(0, queryNode=settings)
    found = planned(wanted, Observed(running(wanted, 7), pods(7)))
    one = next(obj for obj in found.apply if ref_of(obj) == QUERY)
    assert "replicas" not in one["spec"]


def test_streaming_nodes_go_one_by_one_and_need_no_answer() -> None:
    wanted = intent(components={**NEWEST, "streamingNode": {"replicas": 1}})
    held = running(wanted, 3, "streamingnode")
    assert decided(wanted, held, pods(3, "streamingnode"), None).replicas == {STREAMING: 2}
    waits = decided(wanted, held, pods(3, "streamingnode", deleting=True), None)
    assert waits.replicas == {STREAMING: 3}


def test_others_go_at_once() -> None:
    wanted = asking(3, proxy={"replicas": 1}, dataNode={"replicas": 1})
    held = changed(running(wanted, 3), "kite-milvus-proxy", **counts(3))
    found = planned(wanted, Observed(held, pods(3)))
    assert applied(found, Ref("Deployment", ref_key("kite-milvus-proxy"))) == 1


def test_nodes_of_a_milvus_that_is_stopped_go_all_at_once() -> None:
    names = ("proxy", "mixCoord", "dataNode", "queryNode", "indexNode")
    wanted = asking(0, None, **{name: {"replicas": 0} for name in names})
    found = planned(wanted, Observed(running(wanted, 3), pods(3), loads=Loads(2, "books")))
    assert applied(found, QUERY) == 0


def test_groups_go_one_pod_after_another_among_them_all() -> None:
    groups = [{"name": name, "replicas": 1} for name in ("east", "west")]
    wanted = asking(0, queryNode={"groups": groups})
    held = whole(wanted)
    east, west = (Ref("Deployment", ref_key(f"kite-milvus-querynode-{name}")) for name in ("east", "west"))
    for ref in (east, west):
        held = changed(held, ref.key.name, **counts(2))
    assert decided(wanted, held, pods(4)).replicas == {east: 1, west: 2}
    one = changed(held, east.key.name, **counts(1))
    assert decided(wanted, one, pods(3)).replicas == {west: 1}
    kept = decided(wanted, one, pods(3), Loads(3, "books"))
    assert kept.kept == {west: 2}
    rolling = changed(one, east.key.name, **counts(1, available=0))
    assert decided(wanted, rolling, pods(3, ready=False)).replicas == {west: 2}


def test_a_group_that_is_wanted_no_more_stays_while_those_left_are_too_few() -> None:
    wanted = asking(0, queryNode={"groups": [{"name": "east", "replicas": 2}]})
    both = asking(0, queryNode={"groups": [{"name": name, "replicas": 2} for name in ("east", "west")]})
    west = Ref("Deployment", ref_key("kite-milvus-querynode-west"))

    def deleted(loads: Loads | None, held: dict[Ref, Held]) -> bool:
        observed = Observed(held, pods(4), loads=loads)
        return west in {one.ref for one in planned(wanted, observed).delete}

    held = whole(both)
    assert wanted.resolved is not None
    assert wanted.desired is not None
    assert asks_for_loads(wanted.resolved, wanted.desired, Observed(held, pods(4)))
    for loads, goes in (
        (Loads(2, "books"), True),
        (NOTHING, True),
        (Loads(3, "books"), False),
        (None, False),
    ):
        assert deleted(loads, held) == goes
    told = decided(wanted, held, pods(4), Loads(3, "books"))
    assert told.stays == {west}
    assert told.held.startswith("kite-milvus-querynode-west: wanted no more, and kept: collection books")
    assert decided(wanted, held, pods(4), None).going.startswith(
        "kite-milvus-querynode-west: wanted no more; asks"
    )
    assert not deleted(Loads(None, why="silent"), held)
    # Without pods it is nothing that anybody needs.
    empty = changed(held, west.key.name, **counts(0))
    assert deleted(Loads(3, "books"), empty)
    assert not asks_for_loads(wanted.resolved, wanted.desired, Observed(empty, pods(2)))
