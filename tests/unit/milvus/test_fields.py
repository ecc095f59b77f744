"""The reference of fields covers every field of the models, and says nothing of others."""

from pathlib import Path

import pytest

from glede.api.milvus.base import Model
from glede.api.milvus.fields import ROOTS, own_fields, paths, reference, sections
from glede.api.milvus.structural import Schema, structural
from glede.api.milvus.support import DIFFERENT, VERDICTS, verdict

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "milvus-fields.md"


def test_the_reference_is_up_to_date() -> None:
    assert REFERENCE.read_text() == reference(), "run python -m glede.api.milvus.fields --out " + str(
        REFERENCE
    )


def in_schema(schema: Schema, path: str) -> set[str]:
    found = set()
    for name, field in schema.get("properties", {}).items():
        found |= {f"{path}.{name}"} | in_schema(field, f"{path}.{name}")
    if "items" in schema:
        found |= in_schema(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        found |= in_schema(schema["additionalProperties"], f"{path}.*")
    return found


@pytest.mark.parametrize(("kind", "place", "model"), ROOTS)
def test_every_field_of_the_schema_is_in_the_reference(kind: str, place: str, model: type[Model]) -> None:
    documented = {path for path in paths()[kind] if path.startswith(place)}

    assert documented == in_schema(structural(model), place)


def test_every_field_has_a_verdict() -> None:
    for _kind, model in sections():
        for name in own_fields(model):
            assert verdict(model, name).partition(":")[0] in VERDICTS, f"{model.__name__}.{name}"


def test_no_verdict_is_about_a_field_that_is_none() -> None:
    documented = {model for _kind, model in sections()}
    for model, fields in DIFFERENT.items():
        assert set(fields) <= set(own_fields(model)), model.__name__
        assert model in documented or not own_fields(model), model.__name__


def test_what_has_no_effect_yet_is_said_so() -> None:
    text = reference()

    for name in ("enableManualMode", "activeConfigMap", "targetVersion"):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert "| not yet" in row, row
