"""Whether what is whole may be replaced now: windows, and what is remembered of a rollout that began."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.unit.milvus.snapshots import changed, intent, whole
from tests.unit.milvus.windowed import (
    NEW,
    OLD,
    OPEN,
    ORDER,
    SERVED,
    SHUT,
    SHUT_AGAIN,
    applied,
    condition,
    held,
    manifest,
    member,
    noted,
    of,
    planned,
    seen,
    told,
)

from glede.milvus.gate import BEGUN, NOW
from glede.milvus.hours import Hours
from glede.milvus.observed import Observed
from glede.milvus.plan import Resized
from glede.milvus.views import WorkloadView


def test_outside_the_windows_no_deployment_that_is_whole_begins() -> None:
    wanted = manifest()
    observed = seen(wanted, held(wanted), SHUT)
    assert applied(wanted, observed) == []
    assert observed.hours.seconds == 3600  # and not 13 hours: clocks are set now and then
    found = told(wanted, observed)
    progressing = condition(found, "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "WaitsForWindow")
    assert progressing["message"] == (
        "waits for a maintenance window; the next one opens 2026-11-28T01:00:00Z. The annotation "
        'glede.io/rollout-now: "7" lets it begin at once; '
        "then indexnode, mixcoord, querynode, datanode, proxy"
    )
    assert condition(found, "MilvusUpdated")["status"] == "False"
    assert condition(found, "Ready")["status"] == "True"
    assert BEGUN not in found
    assert found["currentImage"] == OLD


def test_a_change_that_leaves_images_alone_is_not_told_as_done_while_it_waits() -> None:
    wanted = manifest({"currentImage": NEW, "currentVersion": "2.3.5"})
    there = changed(whole(wanted), "kite-milvus-proxy", template="old")
    found = told(wanted, seen(wanted, there, SHUT))
    assert condition(found, "MilvusUpdated")["status"] == "False"
    assert condition(found, "MilvusUpdated")["message"] == "not up to date: proxy"
    assert condition(found, "Progressing")["reason"] == "WaitsForWindow"


def test_it_wakes_when_the_window_opens() -> None:
    wanted = manifest()
    soon = datetime(2026, 11, 28, 0, 59, 30, tzinfo=UTC)
    assert seen(wanted, held(wanted), soon).hours.seconds == 30
    assert seen(wanted, whole(wanted), soon) == Observed(whole(wanted))


def test_in_a_window_a_rollout_is_noted_first_and_then_begins() -> None:
    wanted = manifest()
    observed = seen(wanted, held(wanted), OPEN)
    assert applied(wanted, observed) == []
    note = told(wanted, observed)[BEGUN]
    assert note["generation"] == 7
    assert note["before"] == {f"kite-milvus-{component}": "old" for component in ORDER}
    assert condition(told(wanted, observed), "Progressing")["reason"] == "Rolling"
    wanted = noted(wanted, note)
    observed = seen(wanted, held(wanted), OPEN)
    assert applied(wanted, observed) == ["indexnode"]
    assert told(wanted, observed)[BEGUN] == note


@pytest.mark.parametrize("done", range(1, len(ORDER)))
def test_what_began_is_finished_though_the_window_closes(done: int) -> None:
    """Whoever looks, an operator that has just started too: all that it needs is in the cluster."""
    wanted = manifest()
    wanted = noted(wanted, seen(wanted, held(wanted), OPEN).hours.begun)
    observed = seen(wanted, held(wanted, *ORDER[:done]), SHUT_AGAIN)
    assert not observed.gate
    assert ORDER[done] in applied(wanted, observed)
    assert told(wanted, observed)[BEGUN] == wanted.milvus.status[BEGUN]


def test_what_was_only_noted_when_the_window_closed_has_not_begun() -> None:
    wanted = manifest()
    wanted = noted(wanted, seen(wanted, held(wanted), OPEN).hours.begun)
    observed = seen(wanted, held(wanted), SHUT_AGAIN)
    assert applied(wanted, observed) == []
    assert BEGUN not in told(wanted, observed)


def test_the_note_goes_when_all_is_done_so_that_the_next_change_waits() -> None:
    wanted = manifest()
    wanted = noted(wanted, seen(wanted, held(wanted), OPEN).hours.begun)
    observed = seen(wanted, whole(wanted), SHUT_AGAIN)
    assert BEGUN not in told(wanted, observed)
    later = of(manifest(image="milvusdb/milvus:v2.3.6"), generation=8)
    assert applied(later, seen(later, whole(wanted), SHUT_AGAIN)) == []


def test_an_edit_in_the_middle_joins_what_began() -> None:
    wanted = manifest()
    note = seen(wanted, held(wanted), OPEN).hours.begun
    half = held(wanted, "indexnode", "mixcoord")
    edited = noted(of(manifest(image="milvusdb/milvus:v2.3.6"), generation=8), note)
    assert not seen(edited, half, SHUT_AGAIN).gate
    assert applied(edited, seen(edited, half, SHUT_AGAIN)) == ["indexnode"]


def test_an_edit_before_it_begins_is_noted_anew() -> None:
    wanted = manifest()
    note = {"generation": 6, "before": {"kite-milvus-proxy": "old"}}
    observed = seen(noted(wanted, note), held(wanted), OPEN)
    assert observed.hours.begun["generation"] == 7
    assert len(observed.hours.begun["before"]) == len(ORDER)
    assert applied(wanted, observed) == []


def test_what_is_not_whole_is_mended_at_any_time_and_alone() -> None:
    wanted = manifest()
    for values in ({"rolled": False, "settled": False, "available": 2}, {"available": 0}):
        broken = changed(held(wanted), "kite-milvus-querynode", **values)
        assert applied(wanted, seen(wanted, broken, SHUT)) == ["querynode"]
    # One that only gets more pods, by an autoscaler perhaps, is whole.
    growing = changed(held(wanted), "kite-milvus-querynode", rolled=False, updated=2, current=False)
    assert applied(wanted, seen(wanted, growing, SHUT)) == []
    # The others of a component that lacks a pod are whole.
    lost = changed(held(wanted), "kite-milvus-querynode", available=2)
    assert applied(wanted, seen(wanted, lost, SHUT)) == []


def test_between_release_lines_what_is_broken_does_not_run_ahead() -> None:
    wanted = manifest({"currentImage": "milvusdb/milvus:v2.2.9", "currentVersion": "2.2.9"})
    broken = changed(held(wanted), "kite-milvus-querynode", available=0)
    assert applied(wanted, seen(wanted, broken, SHUT)) == []
    first = changed(held(wanted), "kite-milvus-indexnode", available=0)
    assert applied(wanted, seen(wanted, first, SHUT)) == ["indexnode"]


def test_what_has_no_pods_begins_at_any_time() -> None:
    wanted = manifest()
    empty = changed(held(wanted), "kite-milvus-proxy", replicas=0, total=0, updated=0, available=0)
    assert applied(wanted, seen(wanted, empty, SHUT)) == ["proxy"]


def test_a_deployment_that_was_deleted_is_made_again() -> None:
    wanted = manifest()
    there = {ref: one for ref, one in held(wanted).items() if ref.key.name != "kite-milvus-datanode"}
    assert applied(wanted, seen(wanted, there, SHUT)) == ["datanode"]


def test_going_back_waits_for_no_window() -> None:
    wanted = of(manifest({"rolledBack": {"generation": 8, "reason": "late"}}), generation=7)
    observed = seen(wanted, held(wanted), SHUT)
    assert observed.hours == Hours()
    assert applied(wanted, observed) == ["proxy"]


def test_all_at_once_waits_and_is_noted_too() -> None:
    wanted = manifest(imageUpdateMode="all")
    assert applied(wanted, seen(wanted, held(wanted), SHUT)) == []
    assert (
        condition(told(wanted, seen(wanted, held(wanted), SHUT)), "Progressing")["reason"] == "WaitsForWindow"
    )
    wanted = noted(wanted, seen(wanted, held(wanted), OPEN).hours.begun)
    assert applied(wanted, seen(wanted, held(wanted), OPEN)) == sorted(ORDER)


@pytest.mark.parametrize("value", ["true", "7"])
def test_an_annotation_lets_one_begin_at_once(value: str) -> None:
    wanted = manifest(annotations={NOW: value})
    observed = seen(wanted, held(wanted), SHUT)
    wanted = noted(wanted, observed.hours.begun)
    assert applied(wanted, seen(wanted, held(wanted), SHUT)) == ["indexnode"]
    # It is finished though the annotation goes.
    without = of(wanted, annotations={})
    assert "mixcoord" in applied(without, seen(without, held(without, "indexnode"), SHUT))


@pytest.mark.parametrize("value", ["6", "8", "yes", "", "True"])
def test_an_annotation_for_another_generation_lets_none_begin(value: str) -> None:
    wanted = manifest(annotations={NOW: value})
    observed = seen(wanted, held(wanted), SHUT)
    assert applied(wanted, observed) == []
    assert f"({value!r} is not this generation)" in observed.gate


def test_without_windows_and_before_it_has_served_nothing_waits() -> None:
    plain = intent(status=SERVED, components={"image": NEW})
    assert seen(plain, held(plain), SHUT).hours == Hours()
    new = manifest({"currentImage": ""})
    assert seen(new, held(new), SHUT).hours == Hours()


def test_another_gate_is_told_beside() -> None:
    wanted = manifest()
    assert seen(wanted, held(wanted), SHUT, gate="searches fail").gate.startswith("searches fail; waits for")


def test_numbers_of_pods_change_at_any_time() -> None:
    wanted = manifest(dataNode={"replicas": 5}, queryNode={"replicas": 2})
    there = changed(held(wanted), "kite-milvus-datanode", replicas=3)
    there = changed(there, "kite-milvus-querynode", replicas=4, total=4, updated=4, available=4, ready=4)
    observed = seen(wanted, there, SHUT)
    numbers = {one.view.key.name: one.replicas for one in planned(wanted, observed).resize}
    # Query nodes go one at a time; what is loaded is not known here, so none goes yet.
    assert numbers == {"kite-milvus-datanode": 5}
    assert not planned(wanted, replace(observed, gate="")).resize
    stopped = manifest(
        **{f: {"replicas": 0} for f in ("proxy", "mixCoord", "dataNode", "queryNode", "indexNode")}
    )
    first = planned(stopped, seen(stopped, held(stopped), SHUT)).resize
    assert [(one.view.key.name, one.replicas) for one in first] == []


def test_a_number_that_an_autoscaler_sets_is_left_alone() -> None:
    wanted = manifest(proxy={"hpa": {"maxReplicas": 9}})
    observed = seen(wanted, changed(held(wanted), "kite-milvus-proxy", replicas=7), SHUT)
    assert planned(wanted, observed).resize == ()


def test_members_wait_too_but_for_one_that_is_broken() -> None:
    wanted = manifest({"currentImage": NEW, "currentVersion": "2.3.5"})
    there = changed(whole(wanted), "kite-etcd", revision="new")
    pods = [member(f"kite-etcd-{n}", "old") for n in range(3)]
    observed = seen(wanted, there, SHUT, *pods)
    assert planned(wanted, observed).replace is None
    found = condition(told(wanted, observed), "Progressing")
    assert found["reason"] == "WaitsForWindow"
    assert "then one by one etcd: kite-etcd-2, kite-etcd-1, kite-etcd-0" in found["message"]
    broken = [replace(pods[0], ready=False), *pods[1:]]
    chosen = planned(wanted, seen(wanted, there, SHUT, *broken)).replace
    assert chosen
    assert chosen.pod.key.name == "kite-etcd-0"


def test_members_that_have_begun_are_finished() -> None:
    wanted = manifest({"currentImage": NEW, "currentVersion": "2.3.5"})
    there = changed(whole(wanted), "kite-etcd", revision="new")
    pods = [member(f"kite-etcd-{n}", "old") for n in range(3)]
    wanted = noted(wanted, seen(wanted, there, OPEN, *pods).hours.begun)
    assert planned(wanted, seen(wanted, there, OPEN, *pods)).replace
    # One that is away tells nothing; one that has come back does.
    assert planned(wanted, seen(wanted, there, SHUT_AGAIN, *pods[:2])).replace is None
    chosen = planned(wanted, seen(wanted, there, SHUT_AGAIN, *pods[:2], member("kite-etcd-2", "new"))).replace
    assert chosen
    assert chosen.pod.key.name == "kite-etcd-1"


def test_a_resize_names_the_deployment_that_was_seen() -> None:
    wanted = manifest(dataNode={"replicas": 5})
    there = held(wanted)
    (found,) = planned(wanted, seen(wanted, changed(there, "kite-milvus-datanode", replicas=3), SHUT)).resize
    assert isinstance(found, Resized)
    assert isinstance(found.view, WorkloadView)
    assert found.view.owned.uid == "uid-kite-milvus-datanode"
