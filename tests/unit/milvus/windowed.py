"""A Milvus with maintenance windows, what there is of it, and what comes of that at a moment."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.api.milvus.spec import Milvus
from glede.milvus.desired import Ref
from glede.milvus.gate import BEGUN, gated
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.plan import Plan, plan
from glede.milvus.podviews import PodView
from glede.milvus.rollout import rollout
from glede.milvus.situation import Situation
from glede.milvus.status import status
from glede.milvus.views import Held

OLD, NEW = "milvusdb/milvus:v2.3.4", "milvusdb/milvus:v2.3.5"
SERVED = {"currentImage": OLD, "currentVersion": "2.3.4", "status": "Healthy"}
SATURDAY = {"days": ["Sat"], "from": "01:00", "to": "05:00"}
SHUT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # a Friday
OPEN = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
SHUT_AGAIN = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
ORDER = ["indexnode", "mixcoord", "querynode", "datanode", "proxy"]


def manifest(status_: dict[str, Any] | None = None, annotations: Any = None, **components: Any) -> Intent:
    rollout_ = {"windows": [SATURDAY]}
    usual = {"image": NEW, "rollout": rollout_, **components}
    found = intent(status={**SERVED, **(status_ or {})}, components=usual)
    return of(found, annotations=annotations or {}, generation=7)


def of(wanted: Intent, **metadata: Any) -> Intent:
    assert wanted.resolved
    read: Milvus = wanted.resolved.milvus
    milvus = read.changed(metadata=read.metadata.changed(**metadata))
    return replace(wanted, milvus=milvus, resolved=replace(wanted.resolved, milvus=milvus))


def noted(wanted: Intent, note: Any) -> Intent:
    """Give the manifest as it is when its status has been written."""
    assert wanted.resolved
    milvus = wanted.resolved.milvus
    milvus = milvus.changed(status={**milvus.status, BEGUN: dict(note)})
    return replace(wanted, milvus=milvus, resolved=replace(wanted.resolved, milvus=milvus))


def held(wanted: Intent, *new: str) -> dict[Ref, Held]:
    found = whole(wanted)
    for component in ORDER:
        if component not in new:
            found = changed(found, f"kite-milvus-{component}", template="old", image=OLD)
    return found


def seen(
    wanted: Intent, there: dict[Ref, Held], moment: datetime, *pods: PodView, gate: str = ""
) -> Observed:
    assert wanted.resolved
    assert wanted.desired
    observed = Observed(there, pods, gate=gate)
    return gated(wanted.resolved, wanted.desired, observed, judged(wanted, observed)[0], moment)


def planned(wanted: Intent, observed: Observed) -> Plan:
    assert wanted.resolved
    assert wanted.desired
    return plan(wanted.resolved, wanted.desired, observed, *judged(wanted, observed))


def applied(wanted: Intent, observed: Observed) -> list[str]:
    """Give the components whose Deployments are applied."""
    names = [
        obj["metadata"]["name"] for obj in planned(wanted, observed).apply if obj["kind"] == "Deployment"
    ]
    return sorted(name.removeprefix("kite-milvus-") for name in names)


def told(wanted: Intent, observed: Observed) -> dict[str, Any]:
    assert wanted.resolved
    assert wanted.desired
    _, health = judged(wanted, observed)
    turns = rollout(wanted.resolved, wanted.desired, observed)
    return status(
        Situation(
            *(wanted.milvus, wanted.resolved, (), health, observed, "2026-11-27T12:00:00Z", "glede:1.0"),
            rollout=turns,
        )
    )


def condition(found: dict[str, Any], type_: str) -> dict[str, Any]:
    return next(c for c in found["conditions"] if c["type"] == type_)


def member(name: str, revision: str, **values: Any) -> PodView:
    usual = {"ready": True, "deleting": False, "trouble": "", "uid": f"uid-{name}", "revision": revision}
    return PodView(key=ref_key(name), milvus="kite", component="etcd", **{**usual, **values})
