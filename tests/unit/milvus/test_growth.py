"""Volumes grow: first the claims that are there, then what new claims are made from."""

from typing import Any

from tests.unit.milvus.rendered import UID
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.kube.applied import Owned
from glede.milvus.desired import Ref, ref_of
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.plan import Deletion, Plan, plan
from glede.milvus.podviews import PodView
from glede.milvus.views import ClaimView, Held

STATEFUL_SET = Ref("StatefulSet", ref_key("kite-etcd"))


def asking(size: str) -> Intent:
    values = {"persistence": {"size": size}}
    return intent(dependencies={"etcd": {"inCluster": {"values": values}}})


def claim(name: str, size: str) -> tuple[Ref, Held]:
    owned = Owned(ref_key(name), f"uid-{name}", "1", "", False, None)
    return Ref("PersistentVolumeClaim", ref_key(name)), ClaimView(owned, "kite", size)


def cluster(wanted: Intent, made_with: str, *sizes: str, **values: Any) -> dict[Ref, Held]:
    held = changed(whole(wanted), "kite-etcd", claim=made_with, **values)
    return held | dict(claim(f"data-kite-etcd-{n}", size) for n, size in enumerate(sizes))


def step(wanted: Intent, held: dict[Ref, Held], pods: tuple[PodView, ...] = ()) -> Plan:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed(held, pods)
    states, health = judged(wanted, observed)
    return plan(wanted.resolved, wanted.desired, observed, states, health)


def applied(found: Plan) -> dict[Ref, Any]:
    return {ref_of(obj): obj for obj in found.apply}


def size_of(found: Plan) -> str:
    [template] = applied(found)[STATEFUL_SET]["spec"]["volumeClaimTemplates"]
    return str(template["spec"]["resources"]["requests"]["storage"])


def test_nothing_grows_that_has_its_size() -> None:
    # The same size in other words.
    found = step(asking("1024Mi"), cluster(asking("1Gi"), "1Gi", "1Gi", "2Gi"))
    assert (found.grow, found.remake) == ((), ())
    assert STATEFUL_SET in applied(found)


def test_claims_grow_first_and_the_rest_of_the_change_does_not_wait() -> None:
    wanted = asking("20Gi")
    found = step(wanted, cluster(wanted, "10Gi", "10Gi", "20Gi", "10Gi"))
    assert [(larger.key.name, larger.uid, larger.size) for larger in found.grow] == [
        ("data-kite-etcd-0", "uid-data-kite-etcd-0", "20Gi"),
        ("data-kite-etcd-2", "uid-data-kite-etcd-2", "20Gi"),
    ]
    assert found.remake == ()
    assert size_of(found) == "10Gi"
    # Its digest is not the one of what the manifest comes to.
    assert STATEFUL_SET not in found.digests


def test_the_statefulset_is_made_anew_when_its_claims_have_grown() -> None:
    wanted = asking("20Gi")
    grown = cluster(wanted, "10Gi", "20Gi", "20Gi", "20Gi")
    found = step(wanted, grown)
    assert found.remake == (Deletion(STATEFUL_SET, "uid-kite-etcd"),)
    assert STATEFUL_SET not in applied(found)
    del grown[STATEFUL_SET]
    assert size_of(step(wanted, grown)) == "20Gi"


def test_a_statefulset_on_its_way_out_is_let_go() -> None:
    wanted = asking("20Gi")
    leaving = Owned(STATEFUL_SET.key, "uid-kite-etcd", "1", "", True, UID)
    found = step(wanted, cluster(wanted, "10Gi", "20Gi", "20Gi", "20Gi", owned=leaving))
    assert found.remake == ()
    assert STATEFUL_SET not in applied(found)


def test_pods_count_while_their_statefulset_is_made_anew() -> None:
    wanted = asking("20Gi")
    held = cluster(wanted, "10Gi", "20Gi", "20Gi", "20Gi")
    del held[STATEFUL_SET]
    pods = tuple(
        PodView(ref_key(f"kite-etcd-{n}"), "kite", "etcd", ready=n != 2, deleting=False, trouble="")
        for n in range(3)
    )
    states, _ = judged(wanted, Observed(held, pods))
    assert (states[0].ready, states[0].whole) == (True, False)
    assert states[0].message.startswith("2 of 3 pods")
