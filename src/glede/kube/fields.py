"""Which part of a live object a field manager owns, read from its ``managedFields``.

``fieldsV1`` is a tree of path elements: ``f:NAME`` a field, ``k:{...}`` the list item with these key fields,
``v:VALUE`` the member of a set, ``i:N`` the Nth item, and ``.`` the place itself. A place with nothing below
it is owned whole: a scalar, or a map or list that is atomic.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
from typing import Any

from glede.kube.objects import Object

ABSENT = "\0absent"  # no field can be called so
_MISSING = object()


def applied_fields(obj: Object, manager: str, subresource: str = "") -> Object:
    """Give the ``fieldsV1`` of what a manager applied, through a subresource or not; {} when nothing."""
    for entry in obj["metadata"].get("managedFields") or ():
        whose = (entry.get("manager"), entry.get("operation"), entry.get("subresource") or "")
        if whose == (manager, "Apply", subresource):
            fields: Object = entry.get("fieldsV1") or {}
            return fields
    return {}


def owned_part(obj: Object, fields: Object) -> Object:
    """Cut an object down to the fields named: maps to the keys, lists to the items, in the list's order.

    What is owned but not in the object (its values were not asked for) is named under ``ABSENT``.
    """
    part: Object = _part(obj, fields)
    return part


def _part(value: Any, node: Object) -> Any:
    below = {element: child for element, child in node.items() if element != "."}
    if value is _MISSING:
        return {ABSENT: node}
    if not below:
        return value
    if isinstance(value, dict):
        return {
            element[2:]: _part(value.get(element[2:], _MISSING), child) for element, child in below.items()
        }
    if isinstance(value, list):
        return _items(value, below)
    return {ABSENT: node}


def _items(items: list[Any], below: Object) -> list[Any]:
    found: list[tuple[int, Any]] = []
    absent: list[Any] = []
    for element, node in sorted(below.items()):
        place = _place(items, element)
        if place is None:
            absent.append({ABSENT: {element: node}})
        else:
            found.append((place, _part(items[place], node)))
    found.sort(key=lambda one: one[0])
    return [*(part for _, part in found), *absent]


def _place(items: list[Any], element: str) -> int | None:
    kind = element[0]
    if kind == "f":
        return None
    wanted = json.loads(element[2:])
    if kind == "i":
        return wanted if wanted < len(items) else None
    for place, item in enumerate(items):
        if item == wanted if kind == "v" else _has(item, wanted):
            return place
    return None


def _has(item: Any, keys: Object) -> bool:
    return isinstance(item, dict) and all(item.get(name, _MISSING) == value for name, value in keys.items())
