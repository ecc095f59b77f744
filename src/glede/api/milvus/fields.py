"""The reference of all fields, made from the models.

``python -m glede.api.milvus.fields --out docs/reference/milvus-fields.md`` writes it.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from glede.api.milvus import generated
from glede.api.milvus.base import Model
from glede.api.milvus.components import Components
from glede.api.milvus.spec import MilvusSpec
from glede.api.milvus.status import MilvusStatus
from glede.api.milvus.structural import Schema, structural
from glede.api.milvus.support import verdict
from glede.api.milvus.upgrade import MilvusUpgradeSpec, MilvusUpgradeStatus

ROOTS: tuple[tuple[str, str, type[Model]], ...] = (
    ("Milvus", "spec", MilvusSpec),
    ("Milvus", "status", MilvusStatus),
    ("MilvusUpgrade", "spec", MilvusUpgradeSpec),
    ("MilvusUpgrade", "status", MilvusUpgradeStatus),
)

_HEAD = """# Every field of a Milvus

<!-- Made by python -m glede.api.milvus.fields; do not edit. -->

The manifests of milvus-operator work here. This table says for each field what it does, and how that compares
with milvus-operator v1.3.8:

- **same**: it does what it does there.
- **better**: it does that, and more or by safer means, which follow.
- **new**: milvus-operator has no such field.
- **not yet**: it is accepted and kept, and has no effect so far.
- **no effect**: it is accepted and kept, and nothing here needs it.

No field is ever dropped: one that nobody knows stays in the manifest and is told in a condition. The older
shapes can be read too: the flat `Milvus` of v1alpha1 (its pod settings and `disableMetric` mean
`spec.components`, its `replicas`, Service and Ingress `spec.components.standalone`, its `persistence`
`spec.dependencies.rocksmq`), and `MilvusCluster` of v1alpha1, a `Milvus` with `mode: cluster`.
`MilvusUpgrade` and `MilvusCluster` are accepted and kept, and not acted on yet.

`[]` stands for the items of a list, `*` for every component or name.
"""


def reference() -> str:
    """Give the text of the reference."""
    return _HEAD + "".join(_section(kind, places, model) for (kind, model), places in sections().items())


def sections() -> dict[tuple[str, type[Model]], list[str]]:
    """Give for each kind and model the places where the model's own fields stand."""
    found: dict[tuple[str, type[Model]], list[str]] = {}
    for kind, place, root in ROOTS:
        for path, model in _models(root, place):
            for owner in reversed(model.__mro__):
                if issubclass(owner, Model) and own_fields(owner):
                    places = found.setdefault((kind, owner), [])
                    places += [] if path in places else [path]
    return found


def own_fields(model: type[Model]) -> dict[str, FieldInfo]:
    """Give the fields that a model does not have from another one, by their written names."""
    own = vars(model).get("__annotations__", {})
    return {field.alias or name: field for name, field in model.model_fields.items() if name in own}


def paths() -> dict[str, set[str]]:
    """Give the paths of all fields by kind, for example ``spec.components.proxy.replicas``."""
    found: dict[str, set[str]] = {}
    for (kind, model), places in sections().items():
        fields = own_fields(model)
        found.setdefault(kind, set()).update(f"{place}.{name}" for place in places for name in fields)
    return found


def _models(model: type[Model], place: str) -> Iterator[tuple[str, type[Model]]]:
    yield place, model
    for name, field in model.model_fields.items():
        for inner, suffix in _inner(field.annotation):
            yield from _models(inner, f"{place}.{field.alias or name}{suffix}")


def _inner(annotation: Any, suffix: str = "") -> Iterator[tuple[type[Model], str]]:
    """Give the models in a field's type, with what its path gets: ``[]`` for a list, ``.*`` for a map."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation, suffix
    more = {list: "[]", dict: ".*"}.get(get_origin(annotation), "")
    for argument in get_args(annotation):
        yield from _inner(argument, suffix + more)


def _section(kind: str, places: list[str], model: type[Model]) -> str:
    rows = "".join(_rows(model))
    words = (model.__doc__ or "").strip().splitlines()[0]
    title = f"{kind}: {', '.join(f'`{place}`' for place in _shortened(places))}"
    head = "| field | type | default | what it does | beside milvus-operator |\n|---|---|---|---|---|\n"
    return f"\n## {title}\n\n{words}\n\n{head}{rows}"


def _shortened(places: list[str]) -> list[str]:
    """Put a star for the component where all components have the same."""
    every = len([name for name, _model in _models(Components, "") if name.count(".") == 1])
    starred = Counter(_starred(place) for place in places)
    return list(dict.fromkeys(_starred(p) if starred[_starred(p)] == every else p for p in places))


def _starred(place: str) -> str:
    return re.sub(r"^(spec\.components)\.\w+", r"\1.*", place)


def _rows(model: type[Model]) -> Iterator[str]:
    schema = structural(model)["properties"]
    for name, field in own_fields(model).items():
        cells = (
            f"`{name}`",
            _type(schema[name]),
            _default(field),
            field.description or "",
            verdict(model, name),
        )
        yield f"| {' | '.join(cells)} |\n"


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"] if word)
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | float | int) and value != "" else ""


def _files(out: Path) -> Mapping[Path, str]:
    return {out: reference()}


if __name__ == "__main__":
    sys.exit(generated.run("glede.api.milvus.fields", _files, sys.argv[1:]))
