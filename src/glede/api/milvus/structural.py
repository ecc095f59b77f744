"""From a model to a structural schema, the dialect that the API server takes in a CustomResourceDefinition.

Fails closed: what the dialect cannot say raises SchemaError rather than being left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from glede.api.milvus.base import SERVED, Model

Schema = dict[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"

_COPIED = (
    "description",
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxItems",
    "nullable",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
_TRANSLATED = {"$ref", "anyOf", "properties", "required", "items", "additionalProperties", "default"}
_DROPPED = {"title", SERVED}
_KNOWN = _TRANSLATED.union(_COPIED, _DROPPED)


class SchemaError(Exception):
    """A model that the API server's dialect cannot say; the message names the field and the keyword."""


def structural(model: type[Model], *, described: bool = True) -> Schema:
    """Give a model's structural schema: references inlined, no null, unknown fields kept at every level.

    Only defaults of fields made with ``base.served`` are in it. Raises SchemaError.
    """
    schema = model.model_json_schema()
    translation = _Translation(schema.pop("$defs", {}), described=described)
    return translation.of(schema, model.__name__, ())


class _Translation:
    def __init__(self, definitions: Mapping[str, Schema], *, described: bool) -> None:
        self._definitions = definitions
        self._described = described

    def of(self, node: Schema, path: str, within: tuple[str, ...]) -> Schema:
        """Translate one node; ``within`` are the definitions that it stands in."""
        node, within = self._inlined(node, path, within)
        node = _without_null(node, path)
        if "$ref" in node:
            return self.of(node, path, within)
        if "anyOf" in node:
            _check_int_or_string(node, path)
            return self._copy(node, "description") | {"x-kubernetes-int-or-string": True}
        unknown = set(node) - _KNOWN
        if unknown:
            raise SchemaError(f"{path}: {', '.join(sorted(unknown))} cannot be said in a structural schema")
        result = self._copy(node, *_COPIED)
        if node.get(SERVED):
            result["default"] = node["default"]
        return result | self._inner(node, path, within)

    def _copy(self, node: Schema, *names: str) -> Schema:
        return {n: node[n] for n in names if n in node and (self._described or n != "description")}

    def _inlined(self, node: Schema, path: str, within: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        if "$ref" not in node:
            return node, within
        name = node["$ref"].rpartition("/")[2]
        if name in within:
            raise SchemaError(f"{path}: {name} holds itself, which a structural schema cannot say")
        beside = {key: value for key, value in node.items() if key not in ("$ref", "default")}
        return self._definitions[name] | beside, (*within, name)

    def _inner(self, node: Schema, path: str, within: tuple[str, ...]) -> Schema:
        kind = node.get("type")
        inner: Callable[[Schema, str, tuple[str, ...]], Schema] | None = {
            "object": self._object,
            "array": self._array,
        }.get(str(kind))
        if inner:
            return inner(node, path, within)
        if kind is None:
            return {PRESERVE: True}
        if kind not in ("string", "integer", "number", "boolean"):
            raise SchemaError(f"{path}: type {kind} cannot be said in a structural schema")
        return {}

    def _array(self, node: Schema, path: str, within: tuple[str, ...]) -> Schema:
        if "items" not in node:
            raise SchemaError(f"{path}: a list without the type of its items")
        return {"items": self.of(node["items"], f"{path}[]", within)}

    def _object(self, node: Schema, path: str, within: tuple[str, ...]) -> Schema:
        values = node.get("additionalProperties")
        if isinstance(values, dict):
            return {"additionalProperties": self.of(values, f"{path}{{}}", within)}
        if values is not True:
            raise SchemaError(f"{path}: an object that forbids unknown fields, which would be pruned")
        if "properties" not in node:
            return {PRESERVE: True}
        fields = {
            name: self.of(field, f"{path}.{name}", within) for name, field in node["properties"].items()
        }
        required = {"required": node["required"]} if node.get("required") else {}
        return {"properties": fields, **required, PRESERVE: True}


def _without_null(node: Schema, path: str) -> Schema:
    """Take ``null`` out of a choice; the default goes too, since it may be null."""
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
    beside = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    if not choices:
        raise SchemaError(f"{path}: nothing but null")
    return choices[0] | beside if len(choices) == 1 else beside | {"anyOf": choices}


def _check_int_or_string(node: Schema, path: str) -> None:
    if sorted(choice.get("type", "") for choice in node["anyOf"]) != ["integer", "string"]:
        raise SchemaError(f"{path}: a choice of types other than integer or string")
