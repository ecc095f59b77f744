"""The kinds of objects that the operator makes, and how each is seen."""

from collections.abc import Callable
from typing import Any

from glede.api.milvus.base import GROUP
from glede.kube import objects
from glede.kube.objects import Resource
from glede.milvus import views
from glede.milvus.views import Held

MANAGER = "glede"
MILVUS = Resource(GROUP, "v1beta1", "milvuses", "Milvus")

_PLAIN = (
    objects.CONFIG_MAP,
    objects.PDB,
    objects.HPA,
    objects.NETWORK_POLICY,
)
_PROJECTIONS: tuple[tuple[Resource, Callable[[str], Callable[[dict[str, Any]], Held]]], ...] = (
    (objects.DEPLOYMENT, views.workload),
    (objects.STATEFUL_SET, views.workload),
    (objects.SERVICE, views.entry),
    (objects.INGRESS, views.entry),
    (objects.PVC, views.claim),
    *((resource, views.held) for resource in _PLAIN),
)


def projections() -> dict[Resource, Callable[[dict[str, Any]], Held]]:
    """Give the kinds that are watched, each with its projection."""
    return {resource: make(MANAGER) for resource, make in _PROJECTIONS}


RESOURCES: dict[str, Resource] = {
    resource.kind: resource
    for resource, _ in (*_PROJECTIONS, (objects.SECRET, None), (objects.POD_MONITOR, None))
}
