"""What a Milvus made anew from a manifest would consist of, as the API server would have it."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kube.matrix.ends import told

from glede.api.milvus.convert import read_milvus
from glede.kube.applied import rendered_digest
from glede.kube.http import HttpTransport
from glede.kube.objects import Object
from glede.milvus.desired import Ref, ref_of
from glede.milvus.facts import Facts
from glede.milvus.intent import Intent, intent_of
from glede.milvus.kinds import RESOURCES

# What the operator keeps though a new Milvus would have it otherwise, by the reason that its status gives.
DECLARED = ("derived earlier, and never lowered", "as many as it has been made with", "as it has been")
# Written by controllers, or by the API server as it happens.
_ANNOTATIONS = (
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.",
    "control-plane.alpha.kubernetes.io/",
)
_HAPPENS = ("clusterIP", "clusterIPs", "healthCheckNodePort")


class Rehearsal(HttpTransport):
    """Has the API server check, complete and answer each write, and keep none."""

    def _writing(self, manager: str | None = None) -> dict[str, str]:
        return {**super()._writing(manager), "dryRun": "All"}


def declared(body: Object | None) -> list[Object]:
    """Give the values that a Milvus says it has kept."""
    entries = (body or {}).get("status", {}).get("resolved", [])
    return [entry for entry in entries if entry.get("reason", "").startswith(DECLARED)]


def volumes_of(body: Object | None) -> dict[str, str]:
    """Give the sizes that a Milvus says its dependencies' volumes have."""
    return dict((body or {}).get("status", {}).get("volumes") or {})


def intent_of_new(body: Object, facts: Facts) -> Intent:
    """Give what the manifest of a Milvus comes to, as though it was new but for what it declares as kept.

    Kept is also the size of a volume, where a manifest gives none any more.
    """
    kept = declared(body)
    numbers = {entry["field"]: int(entry["value"]) for entry in kept if entry["value"].isdecimal()}
    known = Facts(
        nodes=facts.nodes,
        zones=facts.zones,
        tool_image=facts.tool_image,
        earlier=numbers,
        volumes=volumes_of(body),
        secrets=facts.secrets,
    )
    milvus = read_milvus({**body, "status": {"resolved": kept}})
    return intent_of(milvus, known, [])


@dataclass
class Fresh:
    """Objects as a new Milvus would have them. ``namespace`` is one where nothing is ever made."""

    transport: Rehearsal
    namespace: str
    _known: dict[tuple[Ref, str], Object] = field(default_factory=dict)

    async def shapes(self, objects: Iterable[Object]) -> dict[Ref, Object]:
        """Give the shape of each rendered object as it would be if it was made now."""
        return {ref_of(obj): await self._shape(obj) for obj in objects}

    async def _shape(self, obj: Object) -> Object:
        known = ref_of(obj), rendered_digest(obj)
        if known not in self._known:
            body = copy.deepcopy(obj)
            body["metadata"]["namespace"] = self.namespace
            made = await self.transport.create(RESOURCES[obj["kind"]], body)
            self._known[known] = shape(made, obj)
        return self._known[known]


def shape(live: Object, rendered: Object) -> Object:
    """Cut an object down to what two objects of one manifest have in common."""
    metadata, kind = live["metadata"], rendered["kind"]
    annotations = metadata.get("annotations", {})
    found = {name: value for name, value in live.items() if name in {"data", "type"}}
    found["labels"] = metadata.get("labels", {})
    found["annotations"] = {
        name: value for name, value in annotations.items() if not name.startswith(_ANNOTATIONS)
    }
    found["owners"] = metadata.get("ownerReferences", [])
    if kind == "Secret":
        # Keys that were made up once are kept beside those that the manifest gives.
        found["data"] = {key: value for key, value in live["data"].items() if key in rendered["data"]}
    spec = copy.deepcopy(live.get("spec", {}))
    for name in _HAPPENS:
        if spec.get(name) not in (None, "None"):
            spec[name] = "some"
    spec.pop("volumeName", None)
    for port in spec.get("ports", []):
        if kind == "Service" and "nodePort" in port:
            port["nodePort"] = "some"
    if kind == "Deployment" and "replicas" not in rendered["spec"]:
        spec.pop("replicas", None)
    for claim in spec.get("volumeClaimTemplates", []):
        claim.pop("status", None)
    return {**found, "spec": spec}


def differences(live: Mapping[Ref, Object], wanted: Mapping[Ref, Object], rendered: Iterable[Object]) -> str:
    """Tell in what the objects that are there are not as they would be made; "" for nothing."""
    return unlike(
        {ref_of(obj): shape(live[ref_of(obj)], obj) for obj in rendered if ref_of(obj) in live}, wanted
    )


def unlike(found: Mapping[Ref, Object], wanted: Mapping[Ref, Object]) -> str:
    """Tell in what shapes differ, field by field; "" for nothing."""
    lines = []
    for ref in sorted(found.keys() | wanted.keys(), key=str):
        have, expected = _flat(found.get(ref, {})), _flat(wanted.get(ref, {}))
        paths = {path for path in have | expected if have.get(path) != expected.get(path)}
        if paths:
            lines.append(f"{ref.kind} {ref.key.name}: {told(have, expected, paths)}")
    return "; ".join(lines)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {p: v for name, child in value.items() for p, v in _flat(child, f"{path}.{name}").items()}
    if isinstance(value, list) and value:
        return {
            p: v for index, child in enumerate(value) for p, v in _flat(child, f"{path}[{index}]").items()
        }
    return {path: value}
