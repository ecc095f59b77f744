"""Our schema beside milvus-operator's: each field of theirs is in ours, with a type that takes as much."""

import operator
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.compat.server import COMPAT

from glede.api.milvus.fields import paths
from glede.api.milvus.schema import definitions

Schema = dict[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
OURS = {definition["metadata"]["name"]: definition for definition in definitions()}
THEIRS = {
    definition["metadata"]["name"]: definition
    for path in sorted((COMPAT / "crd").glob("*.yaml"))
    for definition in yaml.safe_load_all(path.read_text())
}
VERSIONS = [
    (name, version["name"])
    for name, definition in THEIRS.items()
    for version in definition["spec"]["versions"]
]
# Fields that milvus-operator v1.3.8 does not have, by the last part of their path.
ADDITIONS = {
    "spec.availability",
    "spec.components.rollout",
    "spec.components.*.hpa",
    "spec.components.*.podDisruptionBudget",
    "spec.components.*.terminationGracePeriodSeconds",
    "status.ready",
    "status.resolved",
    "status.mode",
    "status.volumes",
    "status.toolImage",
    "status.lastHealthy",
    "spec.components.*.canary",
    "status.canary",
    "status.canarySearch",
    "status.fencedPods",
    "status.rolledBack",
    "status.rolloutBegun",
    "status.conditions[].observedGeneration",
}
LIMITS = {"minimum": operator.le, "maximum": operator.ge}
INT32 = {"minimum": -(2**31), "maximum": 2**31 - 1}


def schema_of(definition: Schema, version: str) -> Schema:
    found = next(v for v in definition["spec"]["versions"] if v["name"] == version)
    schema: Schema = found["schema"]["openAPIV3Schema"]
    return schema


def stricter(ours: Schema, theirs: Schema, path: str) -> Iterator[str]:
    """Give the places where ours refuses or loses something that theirs takes."""
    if ours.get("type", theirs.get("type")) != theirs.get("type") and not ours.get(
        "x-kubernetes-int-or-string"
    ):
        yield f"{path}: {ours.get('type')} where theirs is {theirs.get('type')}"
    if theirs.get("nullable") and not ours.get("nullable"):
        yield f"{path}: not nullable"
    if "enum" in ours and not set(theirs.get("enum", ["any"])) <= set(ours["enum"]):
        yield f"{path}: takes {ours['enum']} only"
    yield from (
        f"{path}: {word}"
        for word in ("pattern", "minLength", "maxItems")
        if ours.get(word) != theirs.get(word) and word in ours
    )
    bounds = INT32 | theirs if theirs.get("format") == "int32" else theirs
    for word, holds in LIMITS.items():
        if word in ours and not (word in bounds and holds(ours[word], bounds[word])):
            yield f"{path}: {word} {ours[word]}"
    if not set(ours.get("required", [])) <= set(theirs.get("required", [])):
        yield f"{path}: requires {ours['required']}"
    if (
        theirs.get("x-kubernetes-list-type", "atomic") != ours.get("x-kubernetes-list-type", "atomic")
        and path != "status.conditions"
    ):
        yield f"{path}: merges as {ours.get('x-kubernetes-list-type')}"
    yield from _stricter_inside(ours, theirs, path)


def _stricter_inside(ours: Schema, theirs: Schema, path: str) -> Iterator[str]:
    own = ours.get("properties", {})
    for name, field in theirs.get("properties", {}).items():
        place = f"{path}.{name}".lstrip(".")
        if name in own:
            yield from stricter(own[name], field, place)
        elif not ours.get(PRESERVE) or own:
            yield f"{place}: missing"
    if "items" in theirs:
        yield from stricter(ours["items"], theirs["items"], f"{path}[]")
    if isinstance(theirs.get("additionalProperties"), dict) and not ours.get(PRESERVE):
        yield from stricter(ours["additionalProperties"], theirs["additionalProperties"], f"{path}{{}}")


def added(ours: Schema, theirs: Schema, path: str = "") -> Iterator[str]:
    """Give the fields that ours has and theirs has not."""
    for name, field in ours.get("properties", {}).items():
        place = f"{path}.{name}".lstrip(".")
        if name in theirs.get("properties", {}):
            yield from added(field, theirs["properties"][name], place)
        else:
            yield place
    if "items" in ours and "items" in theirs:
        yield from added(ours["items"], theirs["items"], f"{path}[]")


def defaults(schema: Schema, path: str = "") -> dict[str, Any]:
    found = {path: schema["default"]} if "default" in schema else {}
    for name, field in schema.get("properties", {}).items():
        found |= defaults(field, f"{path}.{name}".lstrip("."))
    return found


def general(path: str) -> str:
    """Put a star for the component, since all have the same fields."""
    parts = path.split(".")
    return ".".join([*parts[:2], "*", *parts[3:]]) if parts[1] == "components" and len(parts) > 3 else path


def test_the_same_kinds_are_defined() -> None:
    assert set(OURS) == set(THEIRS)
    for name, theirs in THEIRS.items():
        ours = OURS[name]["spec"]
        assert ours["names"] == theirs["spec"]["names"]
        assert ours["group"] == theirs["spec"]["group"]
        assert ours["scope"] == theirs["spec"]["scope"]


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_version_is_served_and_stored_as_theirs(name: str, version: str) -> None:
    def told(definition: Schema) -> tuple[bool, bool, Schema]:
        found = next(v for v in definition["spec"]["versions"] if v["name"] == version)
        return found["served"], found["storage"], found["subresources"]

    assert told(OURS[name]) == told(THEIRS[name])


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_field_takes_what_theirs_takes(name: str, version: str) -> None:
    assert list(stricter(schema_of(OURS[name], version), schema_of(THEIRS[name], version), "")) == []


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_additions_are_the_ones_that_are_meant(name: str, version: str) -> None:
    found = {
        general(path) for path in added(schema_of(OURS[name], version), schema_of(THEIRS[name], version))
    }

    assert found <= ADDITIONS


def test_the_same_defaults_are_written_into_objects() -> None:
    ours = defaults(schema_of(OURS["milvuses.milvus.io"], "v1beta1"))

    assert ours == defaults(schema_of(THEIRS["milvuses.milvus.io"], "v1beta1"))


def test_their_columns_are_there() -> None:
    def columns(definition: Schema) -> dict[str, str]:
        stored = next(v for v in definition["spec"]["versions"] if v["storage"])
        return {column["name"]: column["jsonPath"] for column in stored["additionalPrinterColumns"]}

    assert columns(THEIRS["milvuses.milvus.io"]).items() <= columns(OURS["milvuses.milvus.io"]).items()


def written(schema: Schema, ours: Schema, path: str) -> Iterator[str]:
    """Give the paths of their fields, down to the parts of pods that we hand through."""
    for name, field in schema.get("properties", {}).items():
        place = f"{path}.{name}".lstrip(".")
        if name in ours.get("properties", {}):
            yield place
            yield from written(field, ours["properties"][name], place)
    for part, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(part), dict) and part in ours:
            yield from written(schema[part], ours[part], path + mark)


@pytest.mark.parametrize(
    ("name", "kind"), [("milvuses.milvus.io", "Milvus"), ("milvusupgrades.milvus.io", "MilvusUpgrade")]
)
def test_the_reference_of_fields_has_each_of_theirs(name: str, kind: str) -> None:
    theirs, ours = schema_of(THEIRS[name], "v1beta1"), schema_of(OURS[name], "v1beta1")
    found = {path for path in written(theirs, ours, "") if path.startswith(("spec.", "status."))}

    assert found
    assert found <= paths()[kind]
