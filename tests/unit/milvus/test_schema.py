"""The definitions are made from the models, and nothing that the API server cannot say gets by."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union

import pytest
import yaml
from pydantic import ConfigDict, Field

from glede.api.milvus import generated
from glede.api.milvus.base import Model, keyed_list, nullable, served
from glede.api.milvus.schema import definitions, templates
from glede.api.milvus.structural import PRESERVE, Schema, SchemaError, structural

REPOSITORY = Path(__file__).resolve().parents[3]
TEMPLATES = REPOSITORY / "charts" / "glede" / "templates"


class Wing(Model):
    """A wing."""

    feathers: int = Field(ge=0, description="How many.")


class Bird(Model):
    """A bird."""

    name: str
    kind: Literal["kite", "hawk"] = served("kite", "Its kind.")
    age: int | None = Field(default=None, description="In years.")
    span: float | None = Field(default=None, ge=0, le=2, description="In metres.")
    weight: int | str = Field(default=0, description="In grams, or with a unit.")
    left: Wing | None = Field(default=None, description="The left one.")
    right: Wing = Wing(feathers=3)
    rings: list[str] = Field(default=["a"])
    notes: dict[str, Any] | None = nullable(None, "Anything.")
    eggs: list[Wing] | None = keyed_list("feathers", "Eggs.")
    weights: dict[str, int] = Field(default={})
    extra: Any = None


def test_a_model_becomes_a_structural_schema() -> None:
    wing = {
        "type": "object",
        "properties": {"feathers": {"type": "integer", "minimum": 0, "description": "How many."}},
        "required": ["feathers"],
        PRESERVE: True,
    }
    assert structural(Bird) == {
        "description": "A bird.",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "kind": {
                "type": "string",
                "enum": ["kite", "hawk"],
                "default": "kite",
                "description": "Its kind.",
            },
            "age": {"type": "integer", "description": "In years."},
            "span": {"type": "number", "minimum": 0, "maximum": 2, "description": "In metres."},
            "weight": {"x-kubernetes-int-or-string": True, "description": "In grams, or with a unit."},
            "left": wing | {"description": "The left one."},
            "right": wing | {"description": "A wing."},
            "rings": {"type": "array", "items": {"type": "string"}},
            "notes": {"type": "object", PRESERVE: True, "nullable": True, "description": "Anything."},
            "eggs": {
                "type": "array",
                "items": wing | {"description": "A wing."},
                "description": "Eggs.",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["feathers"],
            },
            "weights": {"type": "object", "additionalProperties": {"type": "integer"}},
            "extra": {PRESERVE: True},
        },
        "required": ["name"],
        PRESERVE: True,
    }


def test_descriptions_can_be_left_out() -> None:
    assert "description" not in json.dumps(structural(Bird, described=False))


class Nest(Model):
    """A nest in a nest."""

    inner: "Nest | None" = None


class Closed(Model):
    """A model that forbids unknown fields."""

    model_config = ConfigDict(extra="forbid")


class Positive(Model):
    """A bound that the dialect says otherwise."""

    number: int = Field(gt=0)


class Choice(Model):
    """A choice of models."""

    one: Union[Wing, list[str]]  # noqa: UP007 - the older writing is one that people use too


class Pair(Model):
    """A list with a type for each place."""

    pair: tuple[int, str]


class Nothing(Model):
    """A field that can hold null only."""

    nothing: None = None


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Nest, "Nest.inner: Nest holds itself"),
        (Closed, "forbids unknown fields"),
        (Positive, "Positive.number: exclusiveMinimum"),
        (Choice, "Choice.one: a choice of types"),
        (Pair, "Pair.pair: .*prefixItems"),
        (Nothing, "Nothing.nothing: type null"),
    ],
)
def test_what_the_dialect_cannot_say_is_refused(model: type[Model], words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        structural(model)


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if part in schema:
            yield from nodes(schema[part], path + "[]")


def specs_and_statuses() -> Iterator[tuple[str, Schema, bool]]:
    for definition in definitions():
        for version in definition["spec"]["versions"]:
            for part in ("spec", "status"):
                found = version["schema"]["openAPIV3Schema"]["properties"][part]
                name = f"{definition['spec']['names']['kind']}.{version['name']}.{part}"
                yield from ((path, node, version["storage"]) for path, node in nodes(found, name))


def test_nothing_is_pruned_anywhere() -> None:
    for path, node, _stored in specs_and_statuses():
        if node.get("type") == "object":
            assert node.get(PRESERVE) or "additionalProperties" in node, path


def test_every_field_that_people_write_is_described() -> None:
    bare = [p for p, node, stored in specs_and_statuses() if stored and not node.get("description")]

    assert [path for path in bare if not path.endswith("[]") and "replicasBeforeUprade" not in path] == []


def test_rules_are_few_and_stand_on_fields_of_ours() -> None:
    ruled = {
        path.rpartition(".")[2]
        for path, node, _stored in specs_and_statuses()
        if "x-kubernetes-validations" in node
    }

    assert ruled == {"hpa"}


def test_the_charts_templates_are_up_to_date() -> None:
    assert generated.outdated(templates(TEMPLATES)) == []


def test_a_template_holds_its_definition_and_keeps_it_when_the_chart_goes() -> None:
    by_name = {definition["metadata"]["name"]: definition for definition in definitions()}
    for text in templates(TEMPLATES).values():
        lines = text.splitlines()
        assert lines[1] == "{{- if .Values.crds.create }}"
        assert lines[-1] == "{{- end }}"
        inside = "\n".join(lines[2:-1])
        assert "{{" not in inside
        found = yaml.safe_load(inside)
        assert found["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert found == by_name.pop(found["metadata"]["name"])
    assert by_name == {}


@pytest.mark.parametrize("module", ["schema", "fields"])
def test_the_command_writes_and_checks(module: str, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", f"glede.api.milvus.{module}", "--out", str(out), *more]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    missing = run("--check")
    assert missing.returncode == 1
    assert f"run python -m glede.api.milvus.{module}" in missing.stderr
    assert run().returncode == 0
    assert run("--check").returncode == 0
    first = sorted(out.iterdir())[0] if out.is_dir() else out
    first.write_text(first.read_text() + "more\n")
    assert str(first) in run("--check").stderr
