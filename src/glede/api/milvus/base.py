"""What every model of the group milvus.io shares."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

GROUP = "milvus.io"

# A part of a pod that is handed through unchanged: newer fields than this program knows survive.
PodPart = dict[str, Any]
Text = dict[str, str]
Replicas = Annotated[int, Field(ge=-1, le=2_147_483_647)]
Port = Annotated[int, Field(ge=0, le=65535)]

# Keyword of a field's schema: the API server writes its default into objects.
SERVED = "x-served-default"


def served(default: str | bool, description: str) -> Any:
    """Give a field whose default the API server writes into objects, as with milvus-operator's CRD."""
    return Field(default=default, description=description, json_schema_extra={SERVED: True})


def nullable(default: Any, description: str) -> Any:
    """Give a field in which the API server keeps a written null, as with milvus-operator's CRD."""
    return Field(default=default, description=description, json_schema_extra={"nullable": True})


def keyed_list(key: str, description: str) -> Any:
    """Give a list that server-side apply merges item by item; ``key`` tells the items apart."""
    return Field(
        default=None,
        description=description,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]},
    )


class Model(BaseModel):
    """Base of the models: camelCase outside, loose on input, so that unknown fields are kept and can be told.

    ``null`` means the same as leaving a field out, as it does for the API server.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        coerce_numbers_to_str=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if value is not None}
        return data

    def given(self, field: str) -> bool:
        """Tell whether the manifest wrote a field, rather than its default standing in for it."""
        return field in self.model_fields_set

    def unknown(self, path: str = "") -> Iterator[str]:
        """Give the paths of the fields that no model knows, for example ``spec.component``."""
        for place, model in self.sections(path):
            for name in model.model_extra or {}:
                yield f"{place}.{name}" if place else name

    def sections(self, path: str = "") -> Iterator[tuple[str, "Model"]]:
        """Give this model and all that it holds, each with its path."""
        yield path, self
        for name, field in type(self).model_fields.items():
            yield from _sections_in(getattr(self, name), f"{path}.{field.alias or name}".lstrip("."))

    @classmethod
    def fields(cls) -> list[str]:
        """Give the names of the fields as they are written."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    def changed(self, **values: Any) -> Self:
        """Give a copy with other values."""
        return self.model_copy(update=values)


def _sections_in(value: object, path: str) -> Iterator[tuple[str, Model]]:
    if isinstance(value, Model):
        yield from value.sections(path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sections_in(item, f"{path}[{index}]")
