"""Snapshots of a cluster that holds what a manifest is rendered to, as far as a test wants it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.unit.milvus.rendered import FACTS, UID, milvus

from glede.api.milvus.spec import Milvus
from glede.kube.applied import Owned
from glede.milvus.deadline import Overdue
from glede.milvus.desired import Ref, ref_of
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.health import Health, examine
from glede.milvus.intent import Intent, intent_of
from glede.milvus.labels import COMPONENT_LABEL, GROUP_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.observed import Answer, DependencyState, Observed, dependency_state
from glede.milvus.podviews import PodView
from glede.milvus.resolved import DependencyKind
from glede.milvus.views import Held, WorkloadView

Change = Callable[[WorkloadView], WorkloadView]
WELL: dict[DependencyKind, Answer] = {
    "etcd": Answer(True, "EtcdReady", "answers"),
    "storage": Answer(True, "StorageReady", "answers"),
    "log": Answer(True, "MsgStreamReady", "answers"),
}


KNOWN = replace(FACTS, secrets={"kite-minio": SecretFacts(frozenset({"accesskey", "secretkey"}), "digest")})


def intent(facts: Facts = KNOWN, status: dict[str, Any] | None = None, **spec: Any) -> Intent:
    """Give the intent of a manifest that is accepted."""
    found = intent_of(
        _with(milvus(**{"components": {"image": "milvusdb/milvus:v2.3.5"}, **spec}), status), facts, ()
    )
    assert found.resolved is not None, found.problems
    return found


def _with(read: Milvus, status: dict[str, Any] | None) -> Milvus:
    return read.model_copy(update={"status": status or {}})


def whole(wanted: Intent) -> dict[Ref, Held]:
    """Give everything that is wanted, complete and available."""
    assert wanted.desired is not None
    return {ref_of(obj): _held(obj) for obj in wanted.desired.objects}


def without(held: dict[Ref, Held], kind: str) -> dict[Ref, Held]:
    """Give a snapshot without a kind."""
    return {ref: item for ref, item in held.items() if ref.kind != kind}


def changed(held: dict[Ref, Held], name: str, **values: Any) -> dict[Ref, Held]:
    """Give a snapshot in which a Deployment or StatefulSet has other values."""
    return {
        ref: replace(item, **values) if isinstance(item, WorkloadView) and ref.key.name == name else item
        for ref, item in held.items()
    }


def judged(wanted: Intent, observed: Observed) -> tuple[list[DependencyState], Health]:
    """Judge a snapshot as the reconciler does."""
    assert wanted.resolved is not None
    namespace = wanted.milvus.metadata.namespace
    states = [dependency_state(namespace, d, observed) for d in wanted.resolved.dependencies]
    return states, examine(wanted.resolved, states, observed)


def pod(component: str, **values: Any) -> PodView:
    """Give a pod that is ready."""
    ref = Ref("Pod", ref_key(f"kite-milvus-{component}-abc"))
    usual = {"ready": True, "deleting": False, "trouble": ""}
    return PodView(key=ref.key, milvus="kite", component=component, **{**usual, **values})


def ref_key(name: str) -> Any:
    """Give a key in the tests' namespace."""
    return ref_of({"kind": "", "metadata": {"namespace": "birds", "name": name}}).key


def _held(obj: dict[str, Any]) -> Held:
    owners = obj["metadata"].get("ownerReferences", [])
    owner = UID if owners else None
    owned = Owned(ref_of(obj).key, f"uid-{obj['metadata']['name']}", "1", "digest", False, owner)
    if obj["kind"] not in {"Deployment", "StatefulSet"}:
        return Held(owned, "kite")
    count = obj["spec"].get("replicas", 1)
    return WorkloadView(
        owned=owned,
        milvus="kite",
        component=obj["metadata"]["labels"][COMPONENT_LABEL],
        group=obj["metadata"]["labels"].get(GROUP_LABEL, ""),
        image=obj["spec"]["template"]["spec"]["containers"][0]["image"],
        current=True,
        replicas=count,
        updated=count,
        ready=count,
        available=count,
        total=count,
        failure="",
        generation=1,
        owns_replicas=True,
        template=obj["metadata"].get("annotations", {}).get(TEMPLATE_ANNOTATION, ""),
        rolled=True,
        overdue=Overdue(),
        paused=False,
    )
