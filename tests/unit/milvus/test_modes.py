"""From a standalone to a cluster: never a pod of both, and no row lost."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.rendered import milvus
from tests.unit.milvus.snapshots import KNOWN, changed, intent, judged, pod, whole

from glede.api.milvus.spec import Milvus
from glede.milvus.desired import Ref
from glede.milvus.facts import Facts
from glede.milvus.intent import Intent, intent_of
from glede.milvus.observed import Observed
from glede.milvus.plan import Plan, plan
from glede.milvus.situation import Situation
from glede.milvus.status import status
from glede.milvus.views import Held

IMAGE = "milvusdb/milvus:v2.3.5"
KAFKA = {"msgStreamType": "kafka"}
RAN: dict[str, Any] = {
    "currentImage": IMAGE,
    "currentVersion": "2.3.5",
    "mode": "standalone",
    "status": "Healthy",
}


def spec(mode: str, **dependencies: Any) -> dict[str, Any]:
    return {"mode": mode, "components": {"image": IMAGE}, "dependencies": {**KAFKA, **dependencies}}


def ran(**of: Any) -> dict[str, Any]:
    """Give the status of a standalone that ran well by a manifest."""
    wanted = spec("standalone", **of)
    return {**RAN, "lastHealthy": {"generation": 1, "spec": json.dumps(wanted)}}


# Members that run stay as many as they are.
RUNNING = replace(
    KNOWN, earlier={f"dependencies.{name}.replicas": 1 for name in ("etcd", "storage", "kafka")}
)
ALONE = intent(RUNNING, status=ran(), **spec("standalone"))
CLUSTER = intent(RUNNING, status=ran(), **spec("cluster"))


def planned(wanted: Intent, observed: Observed) -> Plan:
    assert wanted.resolved
    assert wanted.desired
    return plan(wanted.resolved, wanted.desired, observed, *judged(wanted, observed))


def told(wanted: Intent, observed: Observed) -> dict[str, Any]:
    _, health = judged(wanted, observed)
    found = status(
        Situation(wanted.milvus, wanted.resolved, (), health, observed, "2026-11-27T12:00:00Z", "glede:1.0")
    )
    conditions = {c["type"]: f"{c['status']} {c['reason']} {c['message']}" for c in found["conditions"]}
    return {**found, **conditions}


def deployments(found: Plan) -> list[str]:
    return [obj["metadata"]["name"] for obj in found.apply if obj["kind"] == "Deployment"]


def with_alone(**values: Any) -> dict[Ref, Held]:
    return changed(whole(ALONE), "kite-milvus-standalone", **values)


def deleting(held: dict[Ref, Held], name: str) -> dict[Ref, Held]:
    return {
        ref: replace(one, owned=replace(one.owned, deleting=True)) if ref.key.name == name else one
        for ref, one in held.items()
    }


def test_the_standalone_goes_first_with_all_that_it_made() -> None:
    observed = Observed(with_alone(), (pod("standalone"),))
    found = planned(CLUSTER, observed)
    assert [end.ref.key.name for end in found.end] == ["kite-milvus-standalone"]
    assert deployments(found) == []
    assert all(one.ref.kind != "Deployment" for one in found.delete)
    assert not found.more
    words = "goes to mode cluster, without a pod of both at one time: waits until pod "
    assert told(CLUSTER, observed)["Progressing"].startswith(
        f"True Rolling {words}kite-milvus-standalone-abc has"
    )


def test_while_it_goes_nothing_is_made_and_it_is_not_deleted_twice() -> None:
    held = deleting(with_alone(), "kite-milvus-standalone")
    for pods in ((pod("standalone", deleting=True),), ()):
        found = planned(CLUSTER, Observed(held, pods))
        assert (found.end, deployments(found)) == ((), [])


def test_a_pod_alone_is_waited_for_too() -> None:
    """As that of a Deployment that was deleted without it, or on a node that is lost."""
    held = {ref: one for ref, one in whole(ALONE).items() if ref.kind != "Deployment"}
    observed = Observed(held, (pod("standalone", deleting=True),))
    assert deployments(planned(CLUSTER, observed)) == []
    assert "waits until pod kite-milvus-standalone-abc has ended" in told(CLUSTER, observed)["Progressing"]


def test_when_it_has_gone_the_cluster_is_made() -> None:
    held = {ref: one for ref, one in whole(CLUSTER).items() if ref.kind != "Deployment"}
    assert len(deployments(planned(CLUSTER, Observed(held)))) == 5
    found = told(CLUSTER, Observed(whole(CLUSTER)))
    assert found["mode"] == "cluster"


def test_it_does_not_begin_while_something_is_missing_that_the_cluster_stands_on() -> None:
    held = changed(with_alone(), "kite-etcd", ready=0, available=0)
    found = planned(CLUSTER, Observed(held, (pod("standalone"),)))
    assert (found.end, found.delete, deployments(found)) == ((), (), [])
    assert {obj["kind"] for obj in found.apply if obj["metadata"]["name"] == "kite-milvus"} == set()
    assert "waits for etcd: 0 of" in told(CLUSTER, Observed(held))["Progressing"]


def test_it_waits_for_what_a_gate_waits_for_and_serves_meanwhile() -> None:
    observed = Observed(with_alone(), (pod("standalone"),), gate="waits for better times")
    found = planned(CLUSTER, observed)
    assert (found.end, found.delete, deployments(found)) == ((), (), [])
    said = told(CLUSTER, observed)
    assert said["Progressing"].endswith("at one time: waits for better times")
    assert said["Ready"].startswith("True")
    assert said["MilvusUpdated"].startswith("False")
    assert (said["mode"], said["status"]) == ("standalone", "Healthy")
    # Once it has begun, a gate does not stop it half way.
    begun = Observed(deleting(with_alone(), "kite-milvus-standalone"), gate="waits for better times")
    assert not planned(CLUSTER, begun).end
    gone = {ref: one for ref, one in whole(CLUSTER).items() if ref.kind != "Deployment"}
    assert len(deployments(planned(CLUSTER, Observed(gone, gate="waits for better times")))) == 5


def test_back_before_it_served_goes_the_same_way_round() -> None:
    observed = Observed(whole(CLUSTER), tuple(pod(name) for name in ("proxy", "querynode", "mixcoord")))
    found = planned(ALONE, observed)
    assert len(found.end) == 5
    assert deployments(found) == []
    assert "goes to mode standalone" in told(ALONE, observed)["Progressing"]


def test_an_empty_deployment_of_the_other_mode_is_no_change_of_the_mode() -> None:
    """milvus-operator leaves one in each cluster."""
    held = whole(CLUSTER) | {
        ref: one
        for ref, one in with_alone(replicas=0, total=0, available=0, ready=0, updated=0).items()
        if ref.kind == "Deployment"
    }
    found = planned(CLUSTER, Observed(held))
    assert found.end == ()
    assert len(deployments(found)) == 5


STATES = st.fixed_dictionaries(
    {
        "deployment": st.sampled_from(["whole", "deleting", "gone"]),
        "pods": st.integers(0, 2),
        "others": st.booleans(),
        "gate": st.sampled_from(["", "shut"]),
        "etcd": st.sampled_from([0, 1]),
    }
)


@given(STATES, st.booleans())
def test_no_state_makes_pods_of_one_mode_beside_pods_of_the_other(state: dict[str, Any], back: bool) -> None:
    wanted, other = (ALONE, CLUSTER) if back else (CLUSTER, ALONE)
    held = whole(other)
    gone = [ref for ref in held if ref.kind == "Deployment"]
    if state["deployment"] == "gone":
        held = {ref: one for ref, one in held.items() if ref not in gone}
    if state["deployment"] == "deleting":
        for ref in gone:
            held = deleting(held, ref.key.name)
    held = changed(held, "kite-etcd", ready=state["etcd"], available=state["etcd"])
    if state["others"]:
        held |= {ref: one for ref, one in whole(wanted).items() if ref.kind == "Deployment"}
    names = ["proxy", "querynode"] if back else ["standalone", "standalone"]
    pods = tuple(pod(name) for name in names[: state["pods"]])
    found = planned(wanted, Observed(held, pods, gate=state["gate"]))
    if pods or state["deployment"] != "gone":
        assert deployments(found) == []
        assert found.resize == ()
        assert not found.more


def refusals(before: dict[str, Any], wanted: dict[str, Any], facts: Facts = KNOWN) -> dict[str, str]:
    read: Milvus = milvus(**wanted)
    read = read.changed(status=before, metadata=read.metadata.changed(generation=2))
    return {p.field: p.message for p in intent_of(read, facts, ()).problems if p.kind == "invalid"}


def test_with_a_log_outside_its_pod_it_is_accepted() -> None:
    assert refusals(ran(), spec("cluster")) == {}
    pulsar = {"msgStreamType": "pulsar", "pulsar": {"external": True, "endpoint": "pulsar:6650"}}
    assert refusals(ran(**pulsar), spec("cluster", **pulsar)) == {}
    newer = {"components": {"image": "milvusdb/milvus:v2.6.18"}}
    derived = {"resolved": [{"field": "dependencies.msgStreamType", "value": "woodpecker"}]}
    before = {**RAN, **derived, "lastHealthy": {"generation": 1, "spec": json.dumps(newer)}}
    before["currentVersion"] = "2.6.18"
    assert refusals(before, {"mode": "cluster", **newer}) == {}


@pytest.mark.parametrize(
    ("before", "wanted", "field", "words"),
    [
        (
            ran(msgStreamType="rocksmq"),
            spec("cluster"),
            "spec.mode",
            "its log, rocksmq, is in the standalone's own pod",
        ),
        (
            ran(msgStreamType="natsmq"),
            spec("cluster"),
            "spec.mode",
            "its log, natsmq, is in the standalone's",
        ),
        (
            {
                **RAN,
                "lastHealthy": {"generation": 1, "spec": "{}"},
                "resolved": [{"field": "dependencies.msgStreamType", "value": "rocksmq"}],
            },
            spec("cluster"),
            "spec.mode",
            "rows that are not flushed would stay there; make a new Milvus with mode: cluster",
        ),
        (
            ran(msgStreamType="pulsar", pulsar={"external": True, "endpoint": "pulsar:6650"}),
            spec("cluster"),
            "spec.dependencies.msgStreamType",
            "found 'kafka', expected pulsar, the standalone's log",
        ),
        (RAN, spec("cluster"), "spec.mode", "wait until MilvusUpdated is True, then change the mode alone"),
        (
            {**RAN, "lastHealthy": {"generation": 1, "spec": "broken"}},
            spec("cluster"),
            "spec.mode",
            "where its log is cannot be told",
        ),
        (
            ran(),
            {**spec("cluster"), "config": {"etcd": {"rootPath": "other"}}},
            "spec.config.etcd.rootPath",
            "found other, expected the default, as the standalone has it",
        ),
        (
            ran(),
            spec("cluster", etcd={"external": True, "endpoints": ["etcd:2379"]}),
            "spec.dependencies.etcd",
            "found etcd:2379, expected one in the cluster",
        ),
        (
            ran(),
            {**spec("cluster"), "components": {"image": "milvusdb/milvus:v2.4.15"}},
            "spec.mode",
            "upgrade the standalone first, then change the mode",
        ),
        ({**ran(), "mode": "cluster"}, spec("standalone"), "spec.mode", "expected cluster, which it runs as"),
    ],
)
def test_what_would_lose_rows_or_not_find_them_is_refused(
    before: dict[str, Any], wanted: dict[str, Any], field: str, words: str
) -> None:
    found = refusals(before, wanted)
    assert words in found[field], found


def test_woodpecker_on_the_pods_own_disk_is_refused() -> None:
    newer = {
        "components": {"image": "milvusdb/milvus:v2.6.18"},
        "dependencies": {"msgStreamType": "woodpecker"},
    }
    local = {**newer, "config": {"woodpecker": {"storage": {"type": "local"}}}}
    before = {**RAN, "currentVersion": "2.6.18", "lastHealthy": {"generation": 1, "spec": json.dumps(local)}}
    assert (
        "its log, woodpecker, is in the standalone's own pod"
        in refusals(before, {"mode": "cluster", **newer})["spec.mode"]
    )
