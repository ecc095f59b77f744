"""The status tells the truth, in upstream's words and in its own."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.snapshots import WELL, changed, intent, judged, pod, ref_key, whole, without

from glede.milvus.deadline import Overdue
from glede.milvus.desired import Ref
from glede.milvus.health import examine
from glede.milvus.intent import Intent
from glede.milvus.observed import Answer, Observed
from glede.milvus.podviews import PodView
from glede.milvus.resolved import Problem
from glede.milvus.rollout import Rollout
from glede.milvus.situation import Situation
from glede.milvus.status import status
from glede.milvus.views import Held

NOW = "2026-11-24T12:00:00Z"
EARLIER = "2026-11-24T11:00:00Z"
EXTERNAL = {
    "etcd": {"external": True, "endpoints": ["etcd:2379"]},
    "storage": {"external": True, "endpoint": "s3:9000"},
    "msgStreamType": "kafka",
    "kafka": {"external": True, "brokerList": ["kafka:9092"]},
}
SERVED = {"status": "Healthy", "currentImage": "milvusdb/milvus:v2.3.5", "currentVersion": "2.3.5"}


def _status(
    wanted: Intent,
    held: dict[Ref, Held],
    pods: tuple[PodView, ...] = (),
    answers: dict[Any, Answer] | None = None,
    **values: Any,
) -> dict[str, Any]:
    observed = Observed(held, pods, answers or {})
    _, health = judged(wanted, observed)
    situation = Situation(
        wanted.milvus, wanted.resolved, wanted.problems, health, observed, NOW, "glede:1.0", **values
    )
    return status(situation)


def _conditions(found: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in found["conditions"]}


def _reason(found: dict[str, Any], type_: str) -> str:
    return str(next(c["reason"] for c in found["conditions"] if c["type"] == type_))


def _message(found: dict[str, Any], type_: str) -> str:
    return str(next(c["message"] for c in found["conditions"] if c["type"] == type_))


def test_a_new_milvus_is_pending_and_says_what_it_waits_for() -> None:
    found = _status(intent(), {})
    assert found["status"] == "Pending"
    assert found["ready"] == "0/12"
    assert "etcd: 0 of 3 pods of StatefulSet kite-etcd are ready" in _message(found, "Ready")
    assert _conditions(found)["EtcdReady"] == "False"
    assert _conditions(found)["Degraded"] == "False"


def test_a_whole_milvus_is_healthy() -> None:
    wanted = intent()
    found = _status(wanted, whole(wanted))
    assert (found["status"], found["ready"]) == ("Healthy", "12/12")
    assert (found["currentImage"], found["currentVersion"]) == ("milvusdb/milvus:v2.3.5", "2.3.5")
    assert _conditions(found) == {
        "EtcdReady": "True",
        "StorageReady": "True",
        "MsgStreamReady": "True",
        "MilvusReady": "True",
        "MilvusUpdated": "True",
        "Ready": "True",
        "Progressing": "False",
        "Degraded": "False",
        "SpecAccepted": "True",
    }
    assert found["endpoint"] == "kite-milvus.birds:19530"


def test_a_served_milvus_that_loses_pods_is_unhealthy_and_degraded_with_the_reason() -> None:
    wanted = intent(status=SERVED)
    held = changed(whole(wanted), "kite-milvus-querynode", available=2)
    trouble = "cannot be placed: 0/3 nodes are available"
    found = _status(wanted, held, (pod("querynode", ready=False, trouble=trouble),))
    assert found["status"] == "Unhealthy"
    assert _conditions(found)["Degraded"] == "True"
    assert f"querynode: 2 of 3 pods are available: pod kite-milvus-querynode-abc {trouble}" in _message(
        found, "Degraded"
    )


def test_a_lost_member_of_a_quorum_degrades_and_does_not_make_unhealthy() -> None:
    wanted = intent(status=SERVED)
    found = _status(wanted, changed(whole(wanted), "kite-etcd", ready=2))
    assert found["status"] == "Healthy"
    assert _conditions(found)["EtcdReady"] == "True"
    assert _conditions(found)["Degraded"] == "True"
    lost = _status(wanted, changed(whole(wanted), "kite-etcd", ready=1))
    assert lost["status"] == "Unhealthy"
    assert _reason(lost, "Degraded") == "DependencyNotReady"


def test_an_external_dependency_is_unknown_until_it_has_answered() -> None:
    wanted = intent(dependencies=EXTERNAL)
    assert _conditions(_status(wanted, whole(wanted)))["EtcdReady"] == "Unknown"
    assert _status(wanted, whole(wanted), answers=WELL)["status"] == "Healthy"
    down = WELL | {"etcd": Answer(False, "ConnectionFailed", "etcd:2379: refused")}
    found = _status(wanted, whole(wanted), answers=down)
    assert found["status"] == "Pending"
    assert _reason(found, "EtcdReady") == "ConnectionFailed"


def test_an_old_pod_on_its_way_out_keeps_it_from_being_updated() -> None:
    wanted = intent()
    found = _status(wanted, whole(wanted), (pod("proxy", deleting=True),))
    assert _conditions(found)["MilvusUpdated"] == "False"
    assert "terminating" in _message(found, "MilvusUpdated")
    assert "currentImage" not in found


def test_a_change_of_the_image_is_told_by_its_direction() -> None:
    up = intent(status={**SERVED, "currentImage": "milvusdb/milvus:v2.2.9"})
    held = changed(whole(up), "kite-milvus-proxy", image="milvusdb/milvus:v2.2.9")
    found = _status(up, held)
    assert _reason(found, "MilvusUpdated") == "MilvusUpgradingImage"
    assert found["currentImage"] == "milvusdb/milvus:v2.2.9"


def test_a_refused_manifest_leaves_the_truth_about_what_runs() -> None:
    wanted = intent(status=SERVED)
    refused = Intent(wanted.milvus, (Problem("invalid", "spec.mode", "found x, expected y; do z"),))
    observed = Observed(whole(wanted))
    health = examine(None, (), observed)
    situation = Situation(refused.milvus, None, refused.problems, health, observed, NOW, "glede:1.0")
    found = status(situation)
    assert found["status"] == "Healthy"
    assert _conditions(found)["SpecAccepted"] == "False"
    assert _message(found, "SpecAccepted") == "spec.mode: found x, expected y; do z"
    assert _reason(found, "Progressing") == "SpecRefused"
    assert found["currentImage"] == SERVED["currentImage"]


def test_a_stopped_milvus_says_so_when_its_pods_are_gone() -> None:
    stopped = {name: {"replicas": 0} for name in ("proxy", "mixCoord", "dataNode", "queryNode", "indexNode")}
    wanted = intent(status=SERVED, components={"image": "milvusdb/milvus:v2.3.5", **stopped})
    going = _status(wanted, whole(wanted), (pod("proxy", deleting=True),))
    assert going["status"] == "Healthy"
    assert _reason(going, "MilvusReady") == "MilvusStopping"
    found = _status(wanted, whole(wanted))
    assert found["status"] == "Stopped"
    assert _reason(found, "MilvusReady") == "MilvusStopped"
    assert "EtcdReady" not in _conditions(found)


def test_a_moment_moves_only_when_the_status_flips() -> None:
    wanted = intent()
    first = _status(wanted, whole(wanted))
    old = [{**c, "lastTransitionTime": EARLIER} for c in first["conditions"]]
    again = _status(intent(status={**first, "conditions": old}), whole(wanted))
    assert {c["lastTransitionTime"] for c in again["conditions"]} == {EARLIER}
    held = changed(whole(wanted), "kite-milvus-proxy", available=0)
    flipped = _status(intent(status={**first, "conditions": old}), held)
    moments = {c["type"]: c["lastTransitionTime"] for c in flipped["conditions"]}
    assert (moments["Ready"], moments["EtcdReady"]) == (NOW, EARLIER)


def test_what_is_refused_by_the_api_server_and_a_pause_are_told() -> None:
    wanted = intent()
    failed = _status(wanted, {}, failed="Deployment kite-milvus-proxy: spec.x: unknown field")
    assert _reason(failed, "Progressing") == "ApplyFailed"
    assert _reason(_status(wanted, {}, paused=True), "Progressing") == "Paused"


@given(st.dictionaries(st.sampled_from(["proxy", "querynode", "mixcoord"]), st.integers(0, 3)), st.booleans())
def test_it_is_never_called_healthy_while_a_pod_is_missing(available: dict[str, int], etcd: bool) -> None:
    wanted = intent()
    held = whole(wanted)
    for component, count in available.items():
        held = changed(held, f"kite-milvus-{component}", available=count)
    if not etcd:
        held = changed(held, "kite-etcd", ready=0)
    full = {"proxy": 3, "querynode": 3, "mixcoord": 2}
    missing = any(count < full[component] for component, count in available.items())
    found = _status(wanted, held)
    assert (found["status"] == "Healthy") == (etcd and not missing)


def test_nothing_made_yet_is_not_ready() -> None:
    wanted = intent()
    found = _status(wanted, without(whole(wanted), "Deployment"))
    assert "proxy: not made yet" in _message(found, "MilvusReady")


def _late(reason: str = "indexnode: ErrImagePull", since: str = "") -> Rollout:
    return Rollout(at="indexnode", overdue=Overdue(reason, since))


def _after(generation: int, **status_: Any) -> Intent:
    """Give the intent of an edit of a Milvus that ran well by generation 1."""
    good = {"generation": 1, "spec": '{"mode":"cluster"}', "credentials": []}
    found = intent(status={**SERVED, "lastHealthy": good, **status_})
    metadata = found.milvus.metadata.model_copy(update={"generation": generation})
    return replace(found, milvus=found.milvus.model_copy(update={"metadata": metadata}))


def test_what_serves_as_its_manifest_wants_is_kept_to_go_back_to() -> None:
    found = _status(_after(2), whole(intent()), answers=WELL)
    assert found["lastHealthy"]["generation"] == 2
    assert found["lastHealthy"]["spec"].startswith('{"components":{"image":')
    rolling = changed(whole(intent()), "kite-milvus-proxy", updated=0)
    assert _status(_after(2), rolling)["lastHealthy"]["generation"] == 1


def test_a_change_that_misses_its_deadline_is_taken_back_and_told() -> None:
    wanted = _after(2)
    rolling = changed(whole(wanted), "kite-milvus-indexnode", updated=0)
    found = _status(wanted, rolling, rollout=_late())
    assert found["rolledBack"] == {"generation": 2, "reason": "indexnode: ErrImagePull"}
    assert _reason(found, "Progressing") == "RollingBack"
    assert "generation 2 of the manifest was not well in time: indexnode: Err" in _message(
        found, "Progressing"
    )
    back = _status(_after(2, rolledBack=found["rolledBack"]), whole(wanted), answers=WELL)
    assert back["rolledBack"] == found["rolledBack"]
    assert (_reason(back, "Progressing"), back["lastHealthy"]["generation"]) == ("RolledBack", 1)
    assert (_conditions(back)["MilvusUpdated"], _conditions(back)["Ready"]) == ("False", "True")
    assert "is not followed" in _message(back, "MilvusUpdated")
    corrected = _status(_after(3, rolledBack=found["rolledBack"]), rolling)
    assert "rolledBack" not in corrected


def test_what_is_late_counts_from_its_moment_on() -> None:
    wanted = _after(2)
    rolling = changed(whole(wanted), "kite-milvus-indexnode", updated=0)
    past, to_come = "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
    assert "rolledBack" in _status(wanted, rolling, rollout=_late(since=past))
    found = _status(wanted, rolling, rollout=_late(since=to_come))
    assert ("rolledBack" in found, _reason(found, "Progressing")) == (False, "Rolling")


def test_a_change_that_cannot_be_taken_back_is_told_to_stand_still() -> None:
    first = intent(status={**SERVED})
    found = _status(first, changed(whole(first), "kite-milvus-indexnode", updated=0), rollout=_late())
    assert "rolledBack" not in found
    assert _reason(found, "Progressing") == "DeadlineExceeded"
    assert "Correct the manifest" in _message(found, "Progressing")


def test_who_waits_for_whom_is_told() -> None:
    waiting = tuple(Ref("Deployment", ref_key(f"kite-milvus-{name}")) for name in ("querynode", "proxy"))
    wanted = intent(status=SERVED)
    rolling = changed(whole(wanted), "kite-milvus-mixcoord", updated=0)
    found = _status(wanted, rolling, rollout=Rollout("mixcoord", waiting))
    assert _message(found, "Progressing") == "mixcoord is being replaced; then querynode, proxy"


def test_what_is_wrong_with_a_new_pod_is_told_before_its_deadline() -> None:
    """The old ones serve, so that no other condition tells of it."""
    wanted = intent(status=SERVED)
    rolling = changed(whole(wanted), "kite-milvus-mixcoord", updated=0)
    ill = pod("mixcoord", ready=False, trouble="ImagePullBackOff: not found")
    words = "mixcoord is being replaced: pod kite-milvus-mixcoord-abc ImagePullBackOff: not found"
    last = _status(wanted, rolling, (ill,), rollout=Rollout("mixcoord"), answers=WELL)
    assert _message(last, "Progressing") == words
    waiting = (Ref("Deployment", ref_key("kite-milvus-proxy")),)
    found = _status(wanted, rolling, (ill,), rollout=Rollout("mixcoord", waiting), answers=WELL)
    assert _message(found, "Progressing") == f"{words}; then proxy"


def test_what_a_new_line_brings_is_not_missed_before_it_was_there_once() -> None:
    """What serves does without streaming nodes until then."""
    before = {"currentImage": "milvusdb/milvus:v2.5.16", "currentVersion": "2.5.16"}
    image = "milvusdb/milvus:v2.6.18"
    wanted = intent(status=before, components={"image": image, "streamingNode": {"replicas": 1}})
    name = "kite-milvus-streamingnode"
    missing = {ref: item for ref, item in whole(wanted).items() if ref.key.name != name}
    coming = changed(whole(wanted), name, available=0, ready=0, rolled=False)
    lost = changed(whole(wanted), name, available=0, ready=0, rolled=True)
    for held, ready in ((missing, "True"), (coming, "True"), (lost, "False")):
        found = _conditions(_status(wanted, held, answers=WELL))
        assert (found["Ready"], found["MilvusUpdated"]) == (ready, "False")
