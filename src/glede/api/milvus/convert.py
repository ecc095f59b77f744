"""Reading what the API server holds: every shape of the group becomes one ``Milvus`` (v1beta1).

The flat shape of v1alpha1 has no ``components``; since the definition converts by name only, it is also found
under v1beta1. Its fields move so:

- ``replicas``, ``serviceType``, ``serviceLabels``, ``serviceAnnotations``, ``ingress``: components.standalone
- ``persistence``: dependencies.rocksmq.persistence
- all other settings of pods, and ``disableMetric``: components
- ``dependencies`` and ``config`` stay

``MilvusCluster`` (v1alpha1) has the shape of v1beta1 and means ``mode: cluster``.
"""

from typing import Any

from pydantic import ValidationError

from glede.api.milvus import legacy, spec
from glede.api.milvus.base import GROUP
from glede.api.milvus.faults import Fault, ManifestProblem, faults_of, shown
from glede.api.milvus.pods import PodSettings
from glede.api.milvus.spec import Milvus

__all__ = ["ManifestProblem", "read_milvus"]

_VERSIONS = {spec.KIND: (spec.API_VERSION, legacy.API_VERSION), legacy.CLUSTER_KIND: (legacy.API_VERSION,)}
_OF_STANDALONE = ("replicas", "serviceType", "serviceLabels", "serviceAnnotations", "ingress")
_OF_COMPONENTS = (
    *(field.alias or name for name, field in PodSettings.model_fields.items()),
    "disableMetric",
)
_FLAT = frozenset((*_OF_STANDALONE, *_OF_COMPONENTS, "persistence"))


def read_milvus(obj: object) -> Milvus:
    """Read an object of kind Milvus or MilvusCluster in any version, as a v1beta1 Milvus.

    Raises ManifestProblem, which names the fields that cannot be read.
    """
    if not isinstance(obj, dict):
        raise _wrong("manifest", obj, "a mapping", "write apiVersion, kind, metadata and spec")
    kind = obj.get("kind", spec.KIND)
    if not isinstance(kind, str) or kind not in _VERSIONS:
        raise _wrong("kind", kind, " or ".join(_VERSIONS), "write one of these")
    version = obj.get("apiVersion", _VERSIONS[kind][0])
    if version not in _VERSIONS[kind]:
        raise _wrong("apiVersion", version, " or ".join(_VERSIONS[kind]), f"write {GROUP}'s own version")
    current = obj | {"apiVersion": spec.API_VERSION, "kind": spec.KIND, "spec": _spec(kind, obj.get("spec"))}
    try:
        return Milvus.model_validate(current)
    except ValidationError as error:
        raise ManifestProblem(faults_of(error.errors(include_url=False))) from error
    except RecursionError as error:
        raise _wrong("spec", obj.get("spec"), "less depth", "nest the settings less deeply") from error


def _wrong(field: str, found: object, expected: str, remedy: str) -> ManifestProblem:
    return ManifestProblem([Fault(field, shown(found), expected, remedy)])


def _spec(kind: str, found: object) -> object:
    if found is None:
        found = {}
    if not isinstance(found, dict):
        return found
    if kind == legacy.CLUSTER_KIND:
        return found | {"mode": "cluster"}
    if found.get("components") is None and found.get("mode") != "cluster" and _FLAT.intersection(found):
        return _unfolded(found)
    return found


def _unfolded(flat: dict[str, Any]) -> dict[str, Any]:
    """Give the v1beta1 shape of a flat spec; fields that neither shape has stay where they are."""
    components = {name: flat[name] for name in _OF_COMPONENTS if name in flat}
    components["standalone"] = {name: flat[name] for name in _OF_STANDALONE if name in flat}
    rest = {name: value for name, value in flat.items() if name not in _FLAT and name != "components"}
    return rest | {
        "mode": "standalone",
        "components": components,
        "dependencies": _with_persistence(flat.get("dependencies"), flat.get("persistence")),
    }


def _with_persistence(dependencies: object, persistence: object) -> object:
    if persistence is None:
        return dependencies
    if dependencies is None:
        dependencies = {}
    if not isinstance(dependencies, dict):
        return dependencies
    rocksmq = dependencies.get("rocksmq")
    if rocksmq is None:
        rocksmq = {}
    if not isinstance(rocksmq, dict) or rocksmq.get("persistence") is not None:
        return dependencies
    return dependencies | {"rocksmq": rocksmq | {"persistence": persistence}}
