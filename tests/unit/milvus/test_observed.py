"""What of all that has a Milvus's name is its own."""

from dataclasses import replace

from tests.unit.milvus.rendered import UID
from tests.unit.milvus.snapshots import intent, ref_key, whole

from glede.milvus.desired import Ref
from glede.milvus.observed import Observed, observed_of
from glede.milvus.podviews import PodView
from glede.milvus.views import Held

SERVED = {"currentImage": "milvusdb/milvus:v2.3.5"}
PODS = tuple(
    PodView(ref_key(f"kite-{component}-x"), "kite", component, ready=True, deleting=False, trouble="")
    for component in ("proxy", "etcd", "")
)


def owned(name: str, owner: str | None, kind: str = "Milvus") -> dict[Ref, Held]:
    """Give a Deployment that has this owner."""
    ref = Ref("Deployment", ref_key(name))
    found = whole(intent())[ref]
    return {ref: replace(found, owned=replace(found.owned, owner=owner, owner_kind=kind if owner else ""))}


def seen(held: dict[Ref, Held], status: dict[str, str] | None = None) -> Observed:
    return observed_of(intent(status=status).milvus, held, PODS)


def test_what_a_dead_milvus_of_the_name_owns_is_not_its_own() -> None:
    theirs, own = owned("kite-milvus-proxy", "dead"), owned("kite-milvus-datanode", UID)
    found = seen(theirs | own)
    assert found.held == own
    assert found.remains == "Deployment kite-milvus-proxy"


def test_what_has_no_owner_or_a_stranger_for_one_stays() -> None:
    held = owned("kite-milvus-proxy", None) | owned("kite-milvus-datanode", "somebody", "Fleet")
    found = seen(held)
    assert found == Observed(held, PODS)


def test_pods_of_milvus_without_any_deployment_are_of_an_earlier_one_until_it_has_served() -> None:
    assert seen({}).remains == "Pod kite-proxy-x"
    assert seen({}).pods == PODS[1:]
    assert seen({}, SERVED) == Observed({}, PODS)
    assert seen(owned("kite-milvus-proxy", UID)).pods == PODS
    assert seen(owned("kite-milvus-proxy", "dead")).pods == PODS[1:]


def test_a_few_of_many_are_named() -> None:
    held = {ref: one for ref, one in whole(intent()).items() if ref.kind == "Deployment"}
    dead = {
        ref: replace(one, owned=replace(one.owned, owner="dead", owner_kind="Milvus"))
        for ref, one in held.items()
    }
    assert len(dead) > 4
    assert seen(dead).remains.endswith(f", {len(dead) + 1 - 4} more")
