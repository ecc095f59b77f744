"""Projections of objects by key, with indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from glede.kube.objects import Key

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """What the store holds of one object."""

    item: T
    uid: str
    version: int


def number_of(resource_version: str) -> int:
    """Give a resourceVersion as a number that orders all objects of a kind; 0 when it is none.

    Kubernetes promises that order for what it serves from etcd (KEP-5504).
    """
    return int(resource_version) if resource_version.isdecimal() else 0


class Store(Generic[T]):
    """Holds one projection for each key. Items are not changed in place: an index would miss it."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry[T]] = {}
        self._namespaces: dict[str, set[Key]] = {}
        self._functions: dict[str, Callable[[T], Iterable[str]]] = {}
        self._indexes: dict[str, dict[str, set[Key]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Key]:
        """Give the keys of now; the store may change meanwhile."""
        return iter(list(self._entries))

    def add_index(self, name: str, function: Callable[[T], Iterable[str]]) -> None:
        """Add an index over the values that ``function`` gives for an item.

        Raises ValueError when the name is taken or the store is filled already.
        """
        if self._entries or name in self._functions:
            raise ValueError(f"index {name}: must have a new name and be added before the store is filled")
        self._functions[name] = function
        self._indexes[name] = {}

    def get(self, key: Key) -> T | None:
        """Give the item at a key."""
        entry = self._entries.get(key)
        return entry.item if entry else None

    def values(self, namespace: str | None = None) -> list[T]:
        """Give all items, or those of one namespace, sorted by key."""
        keys: Iterable[Key] = self._entries if namespace is None else self._namespaces.get(namespace, ())
        return self._sorted(keys)

    def by_index(self, name: str, value: str) -> list[T]:
        """Give the items for which the index's function gave the value, sorted by key."""
        return self._sorted(self._indexes[name].get(value, ()))

    def entry(self, key: Key) -> Entry[T] | None:
        """Give all that is held at a key."""
        return self._entries.get(key)

    def upsert(self, key: Key, item: T, resource_version: str, uid: str = "") -> bool:
        """Put an item in unless what is there is as new; tells whether it went in."""
        return self.put(key, Entry(item, uid, number_of(resource_version)))

    def put(self, key: Key, entry: Entry[T], *, force: bool = False) -> bool:
        """Do as ``upsert``; by ``force`` also when what is there is newer."""
        old = self._entries.get(key)
        if old and entry.version and old.version >= entry.version and not force:
            return False
        # The new values come first: a function that raises leaves the store as it was.
        values = {name: set(function(entry.item)) for name, function in self._functions.items()}
        self._forget(key)
        self._entries[key] = entry
        self._namespaces.setdefault(key.namespace, set()).add(key)
        for name, found in values.items():
            for value in found:
                self._indexes[name].setdefault(value, set()).add(key)
        return True

    def remove(self, key: Key, uid: str) -> T | None:
        """Take out the item of the object with this uid; gives it, or None when another is there."""
        entry = self._entries.get(key)
        if entry is None or entry.uid != uid:
            return None
        self._forget(key)
        return entry.item

    def _forget(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        _discard(self._namespaces, key.namespace, key)
        for name, function in self._functions.items():
            for value in function(entry.item):
                _discard(self._indexes[name], value, key)

    def _sorted(self, keys: Iterable[Key]) -> list[T]:
        return [self._entries[key].item for key in sorted(keys)]


def _discard(index: dict[str, set[Key]], value: str, key: Key) -> None:
    keys = index.get(value)
    if keys:
        keys.discard(key)
        if not keys:
            del index[value]
