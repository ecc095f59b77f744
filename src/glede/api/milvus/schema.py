"""The CustomResourceDefinitions of the group milvus.io, made from the models.

``python -m glede.api.milvus.schema --out charts/glede/templates`` writes them for the chart.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from glede.api.milvus import generated, legacy, spec, upgrade
from glede.api.milvus.base import GROUP, Model
from glede.api.milvus.status import MilvusStatus
from glede.api.milvus.structural import Schema, structural

CustomResourceDefinition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Version:
    """A version of a kind; the first of a kind is stored, and the one that ``kubectl explain`` describes."""

    name: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Schema, ...] = ()


def _column(name: str, path: str, description: str, kind: str = "string") -> Schema:
    return {"name": name, "type": kind, "jsonPath": path, "description": description}


_AGE = _column("Age", ".metadata.creationTimestamp", "Time since it was made", "date")
_COLUMNS = (
    _column("Mode", ".spec.mode", "standalone or cluster"),
    _column("Status", ".status.status", "Pending, Healthy, Unhealthy, Stopped or Deleting"),
    _column("Ready", ".status.ready", "Pods that are ready of those that are wanted"),
    _column("Version", ".status.currentVersion", "Version that the whole Milvus runs"),
    _column(
        "Updated",
        '.status.conditions[?(@.type=="MilvusUpdated")].status',
        "Whether every pod runs what the manifest says",
    ),
    _AGE,
)
_UPGRADE_COLUMNS = (
    _column("Milvus", ".spec.milvus.name", "The Milvus that is upgraded"),
    _column("Target", ".spec.targetVersion", "Version that it is to have"),
    _column("State", ".status.state", "The step that it is at"),
    _AGE,
)


def milvuses() -> CustomResourceDefinition:
    """Give the definition of ``Milvus``: v1beta1 is stored, the flat v1alpha1 is served too."""
    return _definition(
        _names("Milvus", "milvuses", "mi"),
        (
            _Version("v1beta1", spec.MilvusSpec, MilvusStatus, _COLUMNS),
            _Version("v1alpha1", legacy.FlatMilvusSpec, MilvusStatus, _COLUMNS[1:]),
        ),
    )


def milvusupgrades() -> CustomResourceDefinition:
    """Give the definition of ``MilvusUpgrade``."""
    version = _Version("v1beta1", upgrade.MilvusUpgradeSpec, upgrade.MilvusUpgradeStatus, _UPGRADE_COLUMNS)
    return _definition(_names("MilvusUpgrade", "milvusupgrades"), (version,))


def milvusclusters() -> CustomResourceDefinition:
    """Give the definition of ``MilvusCluster``, the older kind."""
    version = _Version("v1alpha1", legacy.MilvusClusterSpec, MilvusStatus, _COLUMNS[1:])
    return _definition(_names("MilvusCluster", "milvusclusters", "mc", "mic"), (version,))


def definitions() -> tuple[CustomResourceDefinition, ...]:
    """Give all definitions."""
    return milvuses(), milvusupgrades(), milvusclusters()


def _names(kind: str, plural: str, *short: str) -> Schema:
    names: Schema = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return names | ({"shortNames": list(short)} if short else {})


def _definition(names: Schema, versions: tuple[_Version, ...]) -> CustomResourceDefinition:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},
            "versions": [_version(version, stored=index == 0) for index, version in enumerate(versions)],
        },
    }


def _version(version: _Version, *, stored: bool) -> Schema:
    return {
        "name": version.name,
        "served": True,
        "storage": stored,
        "additionalPrinterColumns": list(version.columns),
        "subresources": {"status": {}},
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(version.spec, described=stored),
                    "status": structural(version.status, described=stored),
                },
            }
        },
    }


def templates(folder: Path) -> Mapping[Path, str]:
    """Give the chart's template of each definition; removing the chart leaves them, and so every Milvus."""
    return {
        folder / f"crd-{definition['spec']['names']['plural']}.yaml": _template(definition)
        for definition in definitions()
    }


def _template(definition: CustomResourceDefinition) -> str:
    kept = {"annotations": {"helm.sh/resource-policy": "keep"}}
    text = yaml.dump(
        definition | {"metadata": definition["metadata"] | kept},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
    return (
        "{{- /* Made by python -m glede.api.milvus.schema; do not edit. */ -}}\n"
        f"{{{{- if .Values.crds.create }}}}\n{text}{{{{- end }}}}\n"
    )


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, so that each part can be read where it stands."""

    def ignore_aliases(self, data: object) -> bool:
        """Tell PyYAML to write everything out."""
        return True


if __name__ == "__main__":
    sys.exit(generated.run("glede.api.milvus.schema", templates, sys.argv[1:]))
