"""Whose turn it is, given what is wanted and what there is."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.milvus.snapshots import changed, intent, pod, ref_key, whole

from glede.milvus.deadline import Overdue
from glede.milvus.desired import Ref
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.podviews import PodView
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.versions import COORDINATORS
from glede.milvus.views import Held, WorkloadView

OLD, NEW = "milvusdb/milvus:v2.3.4", "milvusdb/milvus:v2.3.5"
SERVED = {"currentImage": OLD, "currentVersion": "2.3.4"}
ORDER = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"]


def _wanted(status: dict[str, Any] | None = None, **components: Any) -> Intent:
    return intent(status=SERVED if status is None else status, components={"image": NEW, **components})


def _held(wanted: Intent, *new: str) -> dict[Ref, Held]:
    """Give what there is: only these components have their new pods."""
    found = whole(wanted)
    for component in ORDER:
        if component not in new:
            found = changed(found, f"kite-milvus-{component}", template="old")
    return found


def _of_generation(wanted: Intent, generation: int) -> Intent:
    assert wanted.resolved is not None
    milvus = wanted.resolved.milvus
    metadata = milvus.metadata.model_copy(update={"generation": generation})
    resolved = replace(wanted.resolved, milvus=milvus.model_copy(update={"metadata": metadata}))
    return replace(wanted, resolved=resolved)


def _rollout(
    wanted: Intent, held: dict[Ref, Held], pods: tuple[PodView, ...] = (), gate: str = ""
) -> Rollout:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    return rollout(wanted.resolved, wanted.desired, Observed(held, pods, gate=gate))


def _names(refs: Iterable[Ref]) -> list[str]:
    return [ref.key.name.removeprefix("kite-milvus-") for ref in refs]


@pytest.mark.parametrize("done", range(len(ORDER)))
def test_one_component_after_the_other(done: int) -> None:
    wanted = _wanted()
    found = _rollout(wanted, _held(wanted, *ORDER[:done]))
    assert found.at == ORDER[done]
    assert _names(found.waiting) == ORDER[done + 1 :]


def test_the_next_waits_until_the_last_is_rolled() -> None:
    wanted = _wanted()
    rolling = changed(_held(wanted, "indexnode"), "kite-milvus-indexnode", rolled=False)
    found = _rollout(wanted, rolling)
    assert (found.at, _names(found.waiting)) == ("indexnode", ORDER[1:])


def test_nothing_waits_once_all_have_their_new_pods() -> None:
    wanted = _wanted()
    assert _rollout(wanted, whole(wanted)) == Rollout()
    # A pod that is lost meanwhile, or one that does not come up, keeps nobody waiting.
    lost = changed(whole(wanted), "kite-milvus-indexnode", available=0, ready=0, rolled=False)
    assert _rollout(wanted, lost) == Rollout(at="indexnode")


def test_what_keeps_its_pods_does_not_wait() -> None:
    """A change of the number of pods, for example."""
    wanted = _wanted()
    found = _rollout(wanted, _held(wanted, *(name for name in ORDER if name != "datanode")))
    assert (found.at, found.waiting) == ("datanode", ())
    found = _rollout(wanted, _held(wanted, "proxy"))
    assert "proxy" not in _names(found.waiting)


@pytest.mark.parametrize(("before", "waits"), [("2.3.4", False), ("2.2.9", True)])
def test_a_missing_component_comes_at_once_but_in_its_turn_where_it_may_be_new(
    before: str, waits: bool
) -> None:
    wanted = _wanted({"currentImage": OLD, "currentVersion": before})
    held = {ref: item for ref, item in _held(wanted).items() if ref.key.name != "kite-milvus-indexnode"}
    assert _rollout(wanted, held).at == "indexnode"
    without_proxy = {ref: item for ref, item in _held(wanted).items() if ref.key.name != "kite-milvus-proxy"}
    assert ("proxy" in _names(_rollout(wanted, without_proxy).waiting)) == waits


def test_back_to_an_older_version_the_order_is_reversed() -> None:
    wanted = _wanted({"currentImage": "milvusdb/milvus:v2.3.9", "currentVersion": "2.3.9"})
    assert _rollout(wanted, _held(wanted)).at == "proxy"
    asked = _wanted(imageUpdateMode="rollingDowngrade")
    assert _rollout(asked, _held(asked)).at == "proxy"
    taken_back = _of_generation(_wanted({**SERVED, "rolledBack": {"generation": 8, "reason": "late"}}), 7)
    assert _rollout(taken_back, _held(taken_back)).at == "proxy"
    corrected = _of_generation(taken_back, 9)
    assert _rollout(corrected, _held(corrected)).at == "indexnode"


@pytest.mark.parametrize(
    ("status", "components"),
    [
        ({}, {}),
        (SERVED, {"imageUpdateMode": "all"}),
        (SERVED, {"imageUpdateMode": "force"}),
        (SERVED, {"enableRollingUpdate": False}),
    ],
    ids=["before it served", "all", "force", "not rolling"],
)
def test_all_at_once(status: dict[str, Any], components: dict[str, Any]) -> None:
    wanted = _wanted(status, **components)
    assert _rollout(wanted, _held(wanted)).waiting == ()


def test_a_component_that_is_paused_keeps_nobody_waiting() -> None:
    wanted = _wanted(indexNode={"paused": True})
    held = changed(_held(wanted, "indexnode"), "kite-milvus-indexnode", rolled=False, paused=True)
    assert _rollout(wanted, held).at == "mixcoord"


def test_a_missed_deadline_is_told_with_its_cause() -> None:
    wanted = _wanted()
    missed = Overdue("too late", "2026-01-01T00:00:00Z")
    late = changed(_held(wanted, "indexnode"), "kite-milvus-indexnode", rolled=False, overdue=missed)
    assert _rollout(wanted, late).overdue == Overdue("indexnode: too late", missed.since)
    crashing = pod("indexnode", ready=False, trouble="container indexnode: ErrImagePull")
    told = _rollout(wanted, late, (crashing,)).overdue.words
    assert (
        told
        == f"indexnode: pod {ref_key('kite-milvus-indexnode-abc').name} container indexnode: ErrImagePull"
    )
    # That of the earlier manifest says nothing about this one.
    earlier = changed(_held(wanted), "kite-milvus-indexnode", rolled=False, overdue=missed)
    assert _rollout(wanted, earlier).overdue == Overdue()


BEFORE_STREAMING = {"currentImage": "milvusdb/milvus:v2.5.16", "currentVersion": "2.5.16"}
TO_STREAMING = ["streamingnode", "mixcoord", "querynode", "datanode", "proxy"]


def _one_more(held: dict[Ref, Held], component: str) -> dict[Ref, Held]:
    """Give a Deployment that is wanted no longer."""
    proxy = held[Ref("Deployment", ref_key("kite-milvus-proxy"))]
    assert isinstance(proxy, WorkloadView)
    key = ref_key(f"kite-milvus-{component}")
    old = replace(proxy, owned=replace(proxy.owned, key=key), component=component, template="old")
    return {Ref("Deployment", key): old}


def _crossing(*new: str, gone: Iterable[str] = ()) -> tuple[Intent, dict[Ref, Held]]:
    """Give an upgrade from 2.5 to 2.6 with index nodes and four coordinators, which 2.6 has no more."""
    wanted = intent(status=BEFORE_STREAMING, components={"image": "milvusdb/milvus:v2.6.18", "rootCoord": {}})
    held = whole(wanted)
    for name in ("indexnode", *COORDINATORS):
        held |= _one_more(held, name)
    for name in TO_STREAMING:
        if name not in new:
            held = changed(held, f"kite-milvus-{name}", template="old")
    missing = {"streamingnode", "mixcoord"}.difference(new) | set(gone)
    return wanted, {ref: item for ref, item in held.items() if ref.key.name[12:] not in missing}


@pytest.mark.parametrize(
    ("done", "at", "leaving"),
    [
        (0, "streamingnode", []),
        (1, "mixcoord", []),
        (2, "datacoord", ["datacoord", "indexcoord", "querycoord", "rootcoord"]),
    ],
)
def test_what_a_line_has_no_more_goes_after_those_that_take_over_and_before_the_next(
    done: int, at: str, leaving: list[str]
) -> None:
    found = _rollout(*_crossing(*TO_STREAMING[:done]))
    assert found.at == at
    assert _names(found.leaving or ()) == leaving
    assert _names(found.waiting) == TO_STREAMING[done + (not leaving) :]


def test_index_nodes_go_when_data_nodes_build_indexes() -> None:
    found = _rollout(*_crossing(*TO_STREAMING[:3], gone=COORDINATORS))
    assert (found.at, found.leaving, _names(found.waiting)) == ("datanode", (), ["proxy"])
    found = _rollout(*_crossing(*TO_STREAMING[:4], gone=COORDINATORS))
    assert (found.at, _names(found.leaving or ())) == ("indexnode", ["indexnode"])


def test_without_turns_nobody_s_turn_to_go_comes() -> None:
    wanted = _wanted()
    assert _rollout(wanted, whole(wanted)).leaving is None


def test_on_the_way_down_what_was_new_goes_last_and_what_comes_again_waits() -> None:
    status = {"currentImage": "milvusdb/milvus:v2.6.18", "currentVersion": "2.6.18"}
    wanted = intent(
        status=status,
        components={"image": "milvusdb/milvus:v2.5.16", "imageUpdateMode": "rollingDowngrade"},
    )
    held = whole(wanted)
    held |= _one_more(held, "streamingnode")
    held.pop(Ref("Deployment", ref_key("kite-milvus-indexnode")))
    rolling = changed(held, "kite-milvus-mixcoord", rolled=False)
    found = _rollout(wanted, rolling)
    assert (found.at, _names(found.waiting), found.leaving) == ("mixcoord", ["indexnode"], ())
    found = _rollout(wanted, held)
    assert (found.at, found.waiting, found.leaving) == ("indexnode", (), ())
    there = whole(wanted) | held
    coming = changed(there, "kite-milvus-indexnode", rolled=False)
    assert _rollout(wanted, coming).leaving == ()
    assert _names(_rollout(wanted, there).leaving or ()) == ["streamingnode"]


SHUT = "searches come back empty"


def test_a_gate_keeps_what_has_not_begun_and_nothing_else() -> None:
    wanted = _wanted()
    found = _rollout(wanted, _held(wanted), gate=SHUT)
    assert (found.at, _names(found.waiting), found.held) == ("", ORDER, SHUT)
    # What has begun goes on, and tells that it does.
    rolling = changed(_held(wanted, "indexnode"), "kite-milvus-indexnode", rolled=False)
    found = _rollout(wanted, rolling, gate=SHUT)
    assert (found.at, _names(found.waiting), found.held) == ("indexnode", ORDER[1:], "")
    assert _rollout(wanted, whole(wanted), gate=SHUT) == Rollout()


def test_a_gate_keeps_no_correction_of_what_is_not_whole() -> None:
    wanted = _wanted()
    broken = changed(_held(wanted), "kite-milvus-indexnode", rolled=False, settled=False)
    found = _rollout(wanted, broken, gate=SHUT)
    assert (found.at, found.held) == ("indexnode", "")


@pytest.mark.parametrize("components", [{"imageUpdateMode": "all"}, {"enableRollingUpdate": False}])
def test_a_gate_is_also_for_a_change_of_all_at_once(components: dict[str, Any]) -> None:
    wanted = _wanted(**components)
    found = _rollout(wanted, _held(wanted, "proxy"), gate=SHUT)
    assert (found.at, set(_names(found.waiting)), found.held) == ("", set(ORDER) - {"proxy"}, SHUT)
    broken = changed(_held(wanted, "proxy"), "kite-milvus-datanode", rolled=False, settled=False)
    found = _rollout(wanted, broken, gate=SHUT)
    assert (found.at, set(_names(found.waiting))) == ("datanode", set(ORDER) - {"proxy", "datanode"})


def test_no_gate_before_the_first_search_nor_on_the_way_back() -> None:
    first = _wanted({})
    assert _rollout(first, _held(first), gate=SHUT).waiting == ()
    taken_back = _of_generation(_wanted({**SERVED, "rolledBack": {"generation": 8, "reason": "late"}}), 7)
    assert _rollout(taken_back, _held(taken_back), gate=SHUT).at == "proxy"


@pytest.mark.parametrize("done", range(len(ORDER)))
def test_a_gate_that_opens_again_lets_the_rollout_go_on_where_it_was(done: int) -> None:
    wanted = _wanted()
    held = _held(wanted, *ORDER[:done])
    assert _names(_rollout(wanted, held, gate=SHUT).waiting) == ORDER[done:]
    assert _rollout(wanted, held).at == ORDER[done]


def test_a_gate_holds_up_no_start() -> None:
    wanted = _wanted()
    stopped = _held(wanted)
    for component in ORDER:
        stopped = changed(stopped, f"kite-milvus-{component}", replicas=0, total=0, available=0)
    assert _rollout(wanted, stopped, gate=SHUT) == _rollout(wanted, stopped)
