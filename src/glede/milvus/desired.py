"""Everything that a Milvus should consist of, in the order in which it is made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glede.kube.applied import rendered_digest
from glede.kube.objects import Key
from glede.milvus.dependencies import render_dependency
from glede.milvus.labels import COMPONENT_LABEL, MILVUS_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.render import render_canary, render_milvus
from glede.milvus.render.labels import owner_reference
from glede.milvus.resolved import Dependency, Resolved

Object = dict[str, Any]
# Milvus reads these when it starts, so they are there before it.
_FIRST = ("Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Service")


@dataclass(frozen=True, slots=True)
class Ref:
    """An object by its kind, namespace and name."""

    kind: str
    key: Key


@dataclass(frozen=True, slots=True)
class Desired:
    """The objects of the dependencies, those of Milvus itself, and the digests of all of them.

    ``canary`` is a Deployment that is there at times only, and so none of ``objects``.
    """

    dependencies: tuple[Object, ...]
    milvus: tuple[Object, ...]
    digests: Mapping[Ref, str] = field(default_factory=dict, compare=False, repr=False)
    canary: Object | None = None

    @property
    def objects(self) -> tuple[Object, ...]:
        """All objects."""
        return self.dependencies + self.milvus

    def deployments(self) -> Iterator[tuple[str, Ref, Object]]:
        """Give Milvus's Deployments, each with its component and reference."""
        for obj in self.milvus:
            if obj["kind"] == "Deployment":
                yield obj["metadata"]["labels"][COMPONENT_LABEL], ref_of(obj), obj


def ref_of(obj: Object) -> Ref:
    """Give a rendered object's reference."""
    meta = obj["metadata"]
    return Ref(obj["kind"], Key(meta["namespace"], meta["name"]))


def template_of(deployment: Object) -> str:
    """Give the digest of a rendered Deployment's pod template."""
    return str(deployment["metadata"]["annotations"][TEMPLATE_ANNOTATION])


def desired(resolved: Resolved) -> Desired:
    """Render everything."""
    dependencies: list[Object] = []
    for dependency in resolved.dependencies:
        if dependency.in_cluster:
            dependencies += _kept_or_owned(resolved, dependency)
    wanted = _stamped(resolved, dependencies), _stamped(resolved, render_milvus(resolved))
    digests = {ref_of(obj): rendered_digest(obj) for objects in wanted for obj in objects}
    canary = render_canary(resolved)
    return Desired(*wanted, digests, _stamped(resolved, [canary])[0] if canary else None)


def _kept_or_owned(resolved: Resolved, dependency: Dependency) -> list[Object]:
    """Make the Milvus own a dependency only where its deletion is to take the dependency along."""
    plan = dependency.in_cluster
    objects = render_dependency(resolved, dependency)
    for obj in objects:
        obj["metadata"].pop("ownerReferences", None)
        if plan and plan.deletes_workload:
            obj["metadata"]["ownerReferences"] = [owner_reference(resolved.milvus)]
    return objects


def _stamped(resolved: Resolved, objects: Sequence[Object]) -> tuple[Object, ...]:
    """Label objects, and the pods and claims that they make, with their Milvus's name."""
    for obj in objects:
        templates = [obj, obj.get("spec", {}).get("template")]
        templates += obj.get("spec", {}).get("volumeClaimTemplates", [])
        for template in templates:
            if isinstance(template, dict):
                template.setdefault("metadata", {}).setdefault("labels", {})[MILVUS_LABEL] = resolved.name
    return tuple(sorted(objects, key=_order))


def _order(obj: Object) -> tuple[int, str]:
    kind = obj["kind"]
    return (_FIRST.index(kind) if kind in _FIRST else len(_FIRST), "")
