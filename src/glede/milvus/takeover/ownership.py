"""Whose the fields of an object are, and handing them over to another field manager.

An apply takes away only what its own manager applied before. So what milvus-operator wrote would stay beside
what we write: a second handler in a probe, another program's arguments in an init container. Once its fields
are ours in ``managedFields``, the first apply replaces the object as a whole, in one write.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from glede.kube.objects import uid_of, version_of
from glede.milvus.kinds import MANAGER
from glede.milvus.labels import MILVUS_LABEL

Object = dict[str, Any]
_FINALIZER = 'v:"milvus.milvus.io/finalizer"'


def maker_of(obj: Object) -> str | None:
    """Give the manager that made an object an operator's own: the one that wrote its owner."""
    for entry in _entries(obj):
        if "f:ownerReferences" in _metadata(entry) and not entry.get("subresource"):
            return str(entry.get("manager"))
    return None


def operator_of(milvus: Object) -> str | None:
    """Give the manager of the operator that looked after a Milvus: the one that wrote its finalizer."""
    for entry in _entries(milvus):
        if _FINALIZER in _metadata(entry).get("f:finalizers", {}) and entry.get("manager") != MANAGER:
            return str(entry.get("manager"))
    return None


def is_ours(obj: Object) -> bool:
    """Tell whether we have applied an object, or it was handed over: without an owner, by a label only."""
    labelled = MILVUS_LABEL in obj["metadata"].get("labels", {})
    applied = any(_identity(entry)[:2] == (MANAGER, "Apply") for entry in _entries(obj))
    return labelled and (applied or maker_of(obj) is None)


def handed_over(obj: Object, milvus: str) -> Object:
    """Give the merge patch by which an object, as it is now, becomes one of ours. Nothing else changes."""
    maker = maker_of(obj)
    entries = list(_entries(obj))
    if maker:
        entries = with_manager(entries, lambda entry: entry.get("manager") == maker, subresource="")
    return _patch(obj, {"labels": {MILVUS_LABEL: milvus}, "managedFields": entries})


def status_handed_over(milvus: Object) -> list[Object]:
    """Give a Milvus's ``managedFields`` with its status ours: what is not told any more then goes."""
    former = operator_of(milvus)
    return with_manager(_entries(milvus), lambda entry: entry.get("manager") == former, subresource="status")


def with_manager(
    entries: Iterable[Object], is_theirs: Callable[[Object], bool], *, subresource: str
) -> list[Object]:
    """Give entries of ``managedFields``, theirs as if they had been applied by us."""
    found: dict[tuple[str, ...], Object] = {}
    for entry in entries:
        chosen = is_theirs(entry) and entry.get("subresource", "") == subresource
        new = {**entry, "manager": MANAGER, "operation": "Apply"} if chosen else entry
        identity = _identity(new)
        if identity in found:
            new = {**new, "fieldsV1": _union(found[identity]["fieldsV1"], new["fieldsV1"])}
        found[identity] = new
    return list(found.values())


def leaves(fields: Object, at: str = "") -> Iterator[str]:
    """Give the paths of all that an entry's ``fieldsV1`` has, a list as a whole: ``spec.mode``."""
    below = {name[2:]: child for name, child in fields.items() if name.startswith("f:")}
    if not below:
        yield at
    for name, child in below.items():
        yield from leaves(child, f"{at}.{name}" if at else name)


def _patch(obj: Object, metadata: Object) -> Object:
    return {"metadata": {"uid": uid_of(obj), "resourceVersion": version_of(obj), **metadata}}


def _entries(obj: Object) -> list[Object]:
    return list(obj["metadata"].get("managedFields") or ())


def _metadata(entry: Object) -> Object:
    found: Object = entry.get("fieldsV1", {}).get("f:metadata", {})
    return found


def _identity(entry: Object) -> tuple[str, ...]:
    names = ("manager", "operation", "subresource", "apiVersion")
    return tuple(str(entry.get(name) or "") for name in names)


def _union(one: Object, other: Object) -> Object:
    names = (*one, *(name for name in other if name not in one))
    return {name: _union(one.get(name, {}), other.get(name, {})) for name in names}
