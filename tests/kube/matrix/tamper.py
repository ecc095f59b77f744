"""What third parties do to objects that are not theirs."""

from collections.abc import Callable
from typing import Any

from glede.kube.objects import Object

FOREIGN = "injector.example.org/mark"
SIDECAR = {"name": "injected", "image": "registry.example.org/sidecar:1"}


def _container(obj: Object) -> Any:
    containers = obj["spec"]["template"]["spec"]["containers"]
    return next(one for one in containers if one["name"] != SIDECAR["name"])


def _edit_workload(obj: Object) -> None:
    _container(obj)["image"] = "registry.example.org/other:1"
    obj["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 7


def _strip_workload(obj: Object) -> None:
    del _container(obj)["resources"], _container(obj)["env"]
    obj["spec"]["template"]["spec"].pop("affinity", None)


def _edit_data(obj: Object) -> None:
    obj["data"] = dict.fromkeys(obj["data"], "b3RoZXI=")


def _strip_data(obj: Object) -> None:
    del obj["data"]


def _edit_service(obj: Object) -> None:
    obj["spec"]["ports"][-1]["port"] = 12345
    obj["spec"]["selector"]["app.kubernetes.io/name"] = "other"


def _strip_service(obj: Object) -> None:
    obj["spec"]["selector"].popitem()


def _edit_budget(obj: Object) -> None:
    spec = obj["spec"]
    spec["minAvailable" if "minAvailable" in spec else "maxUnavailable"] = 0


def _strip_budget(obj: Object) -> None:
    obj["spec"].pop("minAvailable", None)
    obj["spec"].pop("maxUnavailable", None)


def _edit_hpa(obj: Object) -> None:
    obj["spec"]["maxReplicas"] = 50


def _strip_hpa(obj: Object) -> None:
    del obj["spec"]["minReplicas"]


def _edit_ingress(obj: Object) -> None:
    obj["spec"]["rules"][0]["host"] = "other.example.org"


def _strip_ingress(obj: Object) -> None:
    del obj["spec"]["rules"][0]["http"]


def _edit_policy(obj: Object) -> None:
    obj["spec"]["ingress"] = [{}]


def _strip_policy(obj: Object) -> None:
    del obj["spec"]["ingress"]


def _edit_monitor(obj: Object) -> None:
    obj["spec"]["podMetricsEndpoints"] = []


def _strip_monitor(obj: Object) -> None:
    del obj["spec"]["selector"]


def _nothing(_obj: Object) -> None:
    """A claim's spec cannot be changed: its labels are all there is."""


Tampering = Callable[[Object], None]
EDITS: dict[str, Tampering] = {
    "deployments": _edit_workload,
    "statefulsets": _edit_workload,
    "configmaps": _edit_data,
    "secrets": _edit_data,
    "services": _edit_service,
    "poddisruptionbudgets": _edit_budget,
    "horizontalpodautoscalers": _edit_hpa,
    "ingresses": _edit_ingress,
    "networkpolicies": _edit_policy,
    "podmonitors": _edit_monitor,
    "persistentvolumeclaims": _nothing,
}
STRIPS: dict[str, Tampering] = {
    "deployments": _strip_workload,
    "statefulsets": _strip_workload,
    "configmaps": _strip_data,
    "secrets": _strip_data,
    "services": _strip_service,
    "poddisruptionbudgets": _strip_budget,
    "horizontalpodautoscalers": _strip_hpa,
    "ingresses": _strip_ingress,
    "networkpolicies": _strip_policy,
    "podmonitors": _strip_monitor,
    "persistentvolumeclaims": _nothing,
}


def edit(plural: str, obj: Object) -> None:
    """Give fields other values, the labels among them."""
    obj["metadata"]["labels"] = dict.fromkeys(obj["metadata"]["labels"], "other")
    EDITS[plural](obj)


def strip(plural: str, obj: Object) -> None:
    """Take fields away, the labels and the owner among them."""
    obj["metadata"]["labels"] = {
        name: value for name, value in obj["metadata"]["labels"].items() if name == FOREIGN
    }
    obj["metadata"].pop("ownerReferences", None)
    STRIPS[plural](obj)
