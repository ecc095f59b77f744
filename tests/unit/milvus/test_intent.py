"""What is kept between two passes over a manifest, and who hears of whom."""

from typing import Any, cast

from tests.unit.milvus.manifests import manifest

from glede.kube.applied import rendered_digest
from glede.kube.objects import Key
from glede.kube.transport import Transport
from glede.milvus.desired import ref_of
from glede.milvus.facts import Facts
from glede.milvus.intent import intent_of
from glede.milvus.manifest import Manifest, read
from glede.milvus.scope import Scope

FACTS = Facts(nodes=3, tool_image="glede:1.0")
NO_REQUESTS = cast(Transport, None)


def standalone(name: str, root: str, generation: int = 1, **status: Any) -> Manifest:
    spec = {
        "components": {"image": "milvusdb/milvus:v2.4.15"},
        "dependencies": {
            "msgStreamType": "rocksmq",
            "etcd": {"external": True, "endpoints": ["etcd:2379"]},
            "storage": {"external": True, "endpoint": "s3:9000"},
        },
        "config": {"etcd": {"rootPath": root}, "minio": {"bucketName": root}},
    }
    obj = manifest(spec, name, uid=f"uid-{name}", generation=generation, resourceVersion="1")
    return read({**obj, "status": status})


def test_a_new_status_renders_nothing_anew() -> None:
    known = intent_of(standalone("kite", "one").milvus, FACTS, ())
    later = intent_of(standalone("kite", "one", currentVersion="2.4.15").milvus, FACTS, (), known)
    assert later.desired is known.desired


def test_another_manifest_or_other_facts_are_rendered() -> None:
    known = intent_of(standalone("kite", "one").milvus, FACTS, ())
    edited = standalone("kite", "two", generation=2).milvus
    newer = Facts(nodes=3, tool_image="glede:1.1")
    for later in (intent_of(edited, FACTS, (), known), intent_of(known.milvus, newer, (), known)):
        assert later.desired
        assert known.desired
        assert later.desired.objects != known.desired.objects


def test_every_object_has_its_digest() -> None:
    wanted = intent_of(standalone("kite", "one").milvus, FACTS, ()).desired
    assert wanted
    assert wanted.digests == {ref_of(obj): rendered_digest(obj) for obj in wanted.objects}


def test_only_those_hear_of_each_other_that_claim_the_same_place() -> None:
    scope = Scope(NO_REQUESTS, "default")
    for one in (standalone("kite", "one"), standalone("hawk", "one"), standalone("crow", "two")):
        scope.milvuses.store.upsert(one.key, one, "1")
    assert [other.key.name for other in scope.sharing(standalone("kite", "one"))] == ["hawk"]
    assert scope.sharing(standalone("crow", "two")) == []


def told(*statuses: dict[str, Any], listed: bool = False) -> list[tuple[bool, bool]]:
    """Tell a scope of generation after generation of one Milvus, with statuses; ``listed``: at the start.

    Gives of each whether it is asked for as urgent, and as urgent at the start too.
    """
    scope, asked = Scope(NO_REQUESTS, "default"), []

    def ask(key: Key, *, urgent: bool, early: bool = False) -> None:
        assert key == Key("default", "kite")
        asked.append((urgent, early))

    scope.notify(ask)
    if not listed:
        scope.milvuses.synced.set()
    for generation, status in enumerate(statuses, 1):
        obj = manifest({}, "kite", uid="uid", generation=generation, resourceVersion=str(generation))
        scope.milvuses.saw({**obj, "status": status})
        assert len(asked) == generation
    return asked


def test_many_new_milvuses_do_not_delay_those_that_run() -> None:
    found = told({}, {"status": "Pending"}, {"currentImage": "milvus:v1"})
    assert [urgent for urgent, _ in found] == [False, False, True]


def test_an_edit_that_nobody_noticed_does_not_wait_for_all_the_others() -> None:
    running = {"currentImage": "milvus:v1", "observedGeneration": 1}
    assert told(running, running, {}, listed=True) == [(False, False), (True, True), (False, True)]
