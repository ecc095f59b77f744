"""What is done next, given what is wanted and what there is."""

from dataclasses import replace
from typing import Any

from tests.unit.milvus.rendered import FACTS, UID
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole, without

from glede.milvus.desired import Ref, ref_of
from glede.milvus.facts import SecretFacts
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.plan import Plan, keeps_finalizer, plan, volumes_to_delete
from glede.milvus.views import Held

EMPTY = {"inCluster": {"deletionPolicy": "Delete", "pvcDeletion": True}}


def _plan(wanted: Intent, held: dict[Ref, Held]) -> Plan:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed(held)
    states, health = judged(wanted, observed)
    return plan(wanted.resolved, wanted.desired, observed, states, health)


def _kinds(found: Plan) -> set[str]:
    return {obj["kind"] for obj in found.apply}


def test_milvus_is_first_started_when_its_dependencies_are_there() -> None:
    wanted = intent()
    first = _plan(wanted, {})
    assert "StatefulSet" in _kinds(first)
    assert "Deployment" not in _kinds(first)
    assert "etcd: 0 of 3 pods" in first.waits
    nearly = changed(without(whole(wanted), "Deployment"), "kite-kafka", ready=2)
    assert "kafka: 2 of 3 pods" in _plan(wanted, nearly).waits
    ready = _plan(wanted, without(whole(wanted), "Deployment"))
    assert ready.waits == ""
    assert "Deployment" in _kinds(ready)


def test_a_running_milvus_does_not_wait_for_its_dependencies() -> None:
    wanted = intent()
    found = _plan(wanted, changed(whole(wanted), "kite-etcd", ready=0))
    assert found.waits == ""
    assert "Deployment" in _kinds(found)


def test_what_milvus_reads_at_its_start_comes_before_it() -> None:
    wanted = intent()
    assert wanted.desired is not None
    kinds = [obj["kind"] for obj in wanted.desired.milvus]
    assert kinds.index("ConfigMap") < kinds.index("Service") < kinds.index("Deployment")


def test_what_is_owned_and_no_longer_wanted_is_deleted() -> None:
    wanted = intent()
    some = next(iter(whole(wanted).values()))
    mine = replace(some, owned=replace(some.owned, owner=UID, uid="old"))
    others = replace(some, owned=replace(some.owned, owner="somebody"))
    held = whole(wanted) | {
        Ref("Ingress", ref_key("kite-old")): mine,
        Ref("Ingress", ref_key("not-mine")): others,
        Ref("PersistentVolumeClaim", ref_key("kite-data")): mine,
    }
    found = _plan(wanted, held)
    assert [(deletion.ref.key.name, deletion.uid) for deletion in found.delete] == [("kite-old", "old")]


def test_an_old_deployment_goes_when_the_new_ones_serve() -> None:
    wanted = intent()
    proxy = whole(wanted)[Ref("Deployment", ref_key("kite-milvus-proxy"))]
    held = whole(wanted) | {Ref("Deployment", ref_key("kite-milvus-rootcoord")): proxy}
    assert [d.ref.key.name for d in _plan(wanted, held).delete] == ["kite-milvus-rootcoord"]
    missing = changed(held, "kite-milvus-mixcoord", available=0)
    assert _plan(wanted, missing).delete == ()


def test_what_is_being_deleted_is_not_deleted_again() -> None:
    wanted = intent()
    some = next(iter(whole(wanted).values()))
    going = replace(some, owned=replace(some.owned, owner=UID, deleting=True))
    assert _plan(wanted, whole(wanted) | {Ref("Ingress", ref_key("old")): going}).delete == ()


def test_pods_wait_for_the_secret_that_is_made_up_since_they_carry_its_digest() -> None:
    wanted = intent(FACTS)
    found = _plan(wanted, {})
    assert [dependency.kind for dependency in found.generate] == ["storage"]
    assert not _kinds(found) & {"StatefulSet", "Deployment"}


def test_a_generated_secret_is_made_once() -> None:
    wanted = intent(FACTS)
    assert wanted.desired is not None
    some = whole(wanted)[ref_of(wanted.desired.dependencies[0])]
    held = whole(wanted) | {Ref("Secret", ref_key("kite-minio")): some}
    assert _plan(wanted, held).generate == ()


def test_volumes_go_only_where_the_manifest_says_so() -> None:
    kept = intent()
    gone = intent(dependencies={"etcd": EMPTY})
    claims = (
        "data-kite-etcd-0",
        "data-kite-etcd-1",
        "data-kite-minio-0",
        "data-kite-etcd-other",
        "kite-data",
    )
    held = {Ref("PersistentVolumeClaim", ref_key(name)): _claim(name) for name in claims}
    assert kept.resolved is not None
    assert gone.resolved is not None
    assert volumes_to_delete(kept.resolved, Observed(held)) == []
    found = volumes_to_delete(gone.resolved, Observed(held))
    assert [deletion.ref.key.name for deletion in found] == ["data-kite-etcd-0", "data-kite-etcd-1"]
    assert not keeps_finalizer(kept.resolved)
    assert keeps_finalizer(gone.resolved)


def test_no_volume_goes_under_what_was_taken_from_its_milvus_and_runs_on() -> None:
    gone = intent(dependencies={"etcd": EMPTY})
    assert gone.resolved is not None
    claims = {Ref("PersistentVolumeClaim", ref_key(name)): _claim(name) for name in ("data-kite-etcd-0",)}
    for ref in (Ref("StatefulSet", ref_key("kite-etcd")), Ref("Deployment", ref_key("kite-milvus-proxy"))):
        there = whole(gone)[ref]
        owned = claims | {ref: replace(there, owned=replace(there.owned, owner=UID))}
        orphan = claims | {ref: replace(there, owned=replace(there.owned, owner=None))}
        ending = claims | {ref: replace(there, owned=replace(there.owned, owner=None, deleting=True))}
        assert volumes_to_delete(gone.resolved, Observed(owned))
        assert not volumes_to_delete(gone.resolved, Observed(orphan))
        assert volumes_to_delete(gone.resolved, Observed(ending))
    kafka = whole(gone)[Ref("StatefulSet", ref_key("kite-kafka"))]
    stays = {
        Ref("StatefulSet", ref_key("kite-kafka")): replace(kafka, owned=replace(kafka.owned, owner=None))
    }
    assert volumes_to_delete(gone.resolved, Observed(claims | stays)), "it was to stay in any case"


def test_nothing_is_done_beside_what_an_earlier_milvus_left() -> None:
    wanted = intent()
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed({}, remains="Deployment kite-milvus-proxy")
    states, health = judged(wanted, observed)
    found = plan(wanted.resolved, wanted.desired, observed, states, health)
    assert found == Plan(waits="Deployment kite-milvus-proxy")


def _claim(name: str) -> Held:
    some = next(iter(whole(intent()).values()))
    return Held(replace(some.owned, key=ref_key(name), owner=None), "kite")


def test_dependencies_are_kept_when_the_milvus_goes_unless_told_otherwise() -> None:
    kept = intent()
    gone = intent(dependencies={"etcd": EMPTY})
    assert kept.desired is not None
    assert gone.desired is not None
    assert not any("ownerReferences" in obj["metadata"] for obj in kept.desired.dependencies)
    owned = {
        obj["metadata"]["name"] for obj in gone.desired.dependencies if "ownerReferences" in obj["metadata"]
    }
    assert owned == {"kite-etcd", "kite-etcd-headless"}


def test_all_else_is_made_before_the_pods_in_a_step_of_its_own() -> None:
    """Many are made at a time: the pods of the first would delay the objects of the last."""
    wanted = intent()
    dependencies = without(without(without(whole(wanted), "Deployment"), "ConfigMap"), "Service")
    first = _plan(wanted, dependencies)
    assert first.more
    assert {"ConfigMap", "Service"} <= _kinds(first)
    assert "Deployment" not in _kinds(first)
    # One that the API server refuses does not keep the pods back for ever.
    second = _plan(wanted, without(without(whole(wanted), "Deployment"), "Service"))
    assert second.more
    assert {"Service", "Deployment"} <= _kinds(second)
    assert not _plan(wanted, whole(wanted)).more


def test_what_waits_is_not_looked_at_again_at_once() -> None:
    wanted = intent()
    waiting = changed(without(whole(wanted), "Deployment"), "kite-kafka", ready=2)
    found = _plan(wanted, waiting)
    assert found.waits
    assert not found.more


def _with_secret(keys: set[str], owner: str | None, **spec: Any) -> Plan:
    """Plan for a Milvus whose store's own Secret holds keys and belongs to somebody."""
    facts = replace(FACTS, secrets={"kite-minio": SecretFacts(frozenset(keys), "a")})
    wanted = intent(facts, **spec)
    some = next(iter(whole(wanted).values()))
    secret = Held(replace(some.owned, key=ref_key("kite-minio"), owner=owner, resource_version="7"), "kite")
    return _plan(wanted, whole(wanted) | {Ref("Secret", ref_key("kite-minio")): secret})


def test_a_key_that_the_manifest_gave_once_is_made_up_before_pods_are_made_without_it() -> None:
    found = _with_secret({"accesskey"}, None)
    assert [(one.keys, one.resource_version) for one in found.amend] == [(("secretkey",), "7")]
    assert not _kinds(found) & {"StatefulSet", "Deployment"}
    assert _with_secret({"accesskey", "secretkey"}, None).amend == ()


def test_made_up_keys_go_with_the_milvus_just_as_the_volumes_do() -> None:
    both = {"accesskey", "secretkey"}
    gone = {"dependencies": {"storage": EMPTY}}
    assert [one.owned for one in _with_secret(both, UID).amend] == [False]
    assert [one.owned for one in _with_secret(both, None, **gone).amend] == [True]
    assert _with_secret(both, UID, **gone).amend == ()
    assert _with_secret(both, "somebody", **gone).amend == ()
    assert {"StatefulSet", "Deployment"} <= _kinds(_with_secret(both, UID))
    written = {"values": {"accessKey": "someone"}}
    for policy, owner, wanted in (("Retain", UID, False), ("Delete", None, True)):
        given = {"dependencies": {"storage": {"inCluster": {"deletionPolicy": policy, **written}}}}
        assert [one.owned for one in _with_secret(both, owner, **given).amend] == [wanted]


def test_the_budget_of_a_dependency_that_is_kept_goes_when_it_is_not_wanted() -> None:
    wanted = intent(dependencies={"etcd": {"inCluster": {"values": {"pdb": {"create": False}}}}})
    some = next(iter(whole(wanted).values()))
    budget = Held(replace(some.owned, owner=None, uid="b"), "kite")
    names = ("kite-etcd", "kite-pulsar")
    held = whole(wanted) | {Ref("PodDisruptionBudget", ref_key(name)): budget for name in names}
    assert [d.ref.key.name for d in _plan(wanted, held).delete] == ["kite-etcd"]
