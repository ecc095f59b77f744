"""Manifests that ask for fewer query nodes, and what there is meanwhile."""

from dataclasses import replace
from typing import Any

from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.milvus.desired import Ref
from glede.milvus.intent import Intent
from glede.milvus.observed import Loads, Observed
from glede.milvus.podviews import PodView
from glede.milvus.scalein import ScaleIn, scale_in
from glede.milvus.views import Held

QUERY = Ref("Deployment", ref_key("kite-milvus-querynode"))
NOTHING = Loads(0)
CRASHING = "container querynode: CrashLoopBackOff"


def asking(replicas: int, annotations: dict[str, str] | None = None, **components: Any) -> Intent:
    """Give the intent of a manifest that asks for so many query nodes."""
    components.setdefault("queryNode", {"replicas": replicas})
    wanted = intent(components={"image": "milvusdb/milvus:v2.3.5", **components})
    assert wanted.resolved is not None
    meta = wanted.milvus.metadata.model_copy(update={"annotations": annotations or {}})
    milvus = wanted.milvus.model_copy(update={"metadata": meta})
    return replace(wanted, milvus=milvus, resolved=replace(wanted.resolved, milvus=milvus))


def counts(number: int, **values: Any) -> dict[str, Any]:
    same = dict.fromkeys(("replicas", "updated", "ready", "available", "total"), number)
    return {**same, **values}


def pods(number: int, component: str = "querynode", **values: Any) -> tuple[PodView, ...]:
    """Give pods that are ready; ``values`` are those of the last of them."""
    usual: dict[str, Any] = {"ready": True, "deleting": False, "trouble": ""}
    found = [
        PodView(ref_key(f"kite-milvus-{component}-{index}"), "kite", component, **usual)
        for index in range(number)
    ]
    return (*found[:-1], replace(found[-1], **values)) if found else ()


def running(wanted: Intent, number: int, name: str = "querynode", **values: Any) -> dict[Ref, Held]:
    return changed(whole(wanted), f"kite-milvus-{name}", **counts(number, **values))


def decided(
    wanted: Intent,
    held: dict[Ref, Held],
    found: tuple[PodView, ...],
    loads: Loads | None = NOTHING,
) -> ScaleIn:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed(held, found, loads=loads)
    return scale_in(wanted.resolved, wanted.desired, observed, judged(wanted, observed)[0])
