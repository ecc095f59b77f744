"""Which of two Milvuses of one name an object is of, by the uids of all its owners."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.kube.matrix.chronicle import COUNTED, Change, Name, Now

from glede.kube.objects import Object, owner_uid, uid_of
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL

COUNTED_PLURALS = frozenset(resource.plural for resource in COUNTED)
_DEPENDENCIES = frozenset({"etcd", "storage", "log"})


def is_of_milvus(change: Change) -> bool:
    """Tell whether this is a pod of Milvus itself."""
    component = change.body["metadata"].get("labels", {}).get(COMPONENT_LABEL)
    return change.name.plural == "pods" and component not in _DEPENDENCIES


@dataclass(frozen=True)
class Lineage:
    """All that happened in a namespace, in order, to what is of the first, of the second, or of neither."""

    changes: list[Change]
    first: str
    second: str

    @classmethod
    def of(cls, changes: Iterable[Change], first: Object, second: Object) -> "Lineage":
        """Take down the changes in the order in which they were, over all kinds."""
        return cls(sorted(changes, key=lambda change: change.version), uid_of(first), uid_of(second))

    def born(self) -> int:
        """Give the version at which the second was made."""
        return next(change.version for change in self.changes if uid_of(change.body) == self.second)

    def later(self) -> Iterator[Change]:
        """Give what happened since."""
        born = self.born()
        yield from (change for change in self.changes if change.version > born)

    def roots(self) -> dict[str, set[str]]:
        """Give, for each object's uid, the uids at the end of every line of owners that it ever had."""
        owners: dict[str, set[str]] = {}
        for change in self.changes:
            owner = owner_uid(change.body)
            owners.setdefault(uid_of(change.body), set()).update([owner] if owner else [])
        found: dict[str, set[str]] = {}

        def root(uid: str) -> set[str]:
            if uid not in found:
                found[uid] = {end for owner in owners.get(uid, ()) for end in root(owner)} or {uid}
            return found[uid]

        return {uid: root(uid) for uid in owners}

    def taken_over(self) -> list[Name]:
        """Give what belonged to the first and then to the second."""
        both = {uid for uid, roots in self.roots().items() if {self.first, self.second} <= roots}
        return sorted({change.name for change in self.changes if uid_of(change.body) in both})

    def lost(self) -> list[Name]:
        """Give what was not of the first alone, and was deleted since the second was made."""
        roots = self.roots()
        made = {uid_of(one.body) for one in self.later() if one.type == "ADDED"}
        made |= {uid for uid, found in roots.items() if self.second in found}
        return [
            change.name
            for change in self.later()
            if change.type == "DELETED"
            and uid_of(change.body) in made
            and roots[uid_of(change.body)] != {self.first}
        ]

    def beside(self) -> list[Name]:
        """Give the first's pods of Milvus that were there when one of the second's was made."""
        roots, there = self.roots(), dict[str, Name]()
        for change in filter(is_of_milvus, self.changes):
            uid = uid_of(change.body)
            if change.type == "DELETED":
                there.pop(uid, None)
            elif roots[uid] == {self.first}:
                there[uid] = change.name
            elif change.type == "ADDED" and roots[uid] == {self.second} and there:
                return sorted(there.values())
        return []

    def wrongly_healthy(self) -> list[str]:
        """Give what the second said was Healthy with, though it was not the second's."""
        now: Now = {}
        for change in self.changes:
            now[change.name] = change.body
            if change.type == "DELETED":
                del now[change.name]
            said = change.body.get("status", {}).get("status") if uid_of(change.body) == self.second else ""
            if said == "Healthy":
                found = [name for name in now if name.plural == "deployments"]
                wrong = [name for name in found if owner_uid(now[name]) != self.second]
                return [name.name for name in wrong] if found else ["nothing is there"]
        return ["it was never Healthy"]


def owned_by_others(now: Now, uid: str) -> list[str]:
    """Give what names another Milvus as its owner than the one with this uid."""
    return [
        f"{name.plural}/{name.name} by {owner['uid']}"
        for name, body in now.items()
        for owner in body["metadata"].get("ownerReferences", [])
        if owner["kind"] == MILVUS.kind and owner["uid"] != uid
    ]


def uids(changes: Iterable[Change], plural: str, type_: str) -> set[str]:
    """Give the uids of a kind's objects that were ADDED, or DELETED."""
    return {uid_of(one.body) for one in changes if one.name.plural == plural and one.type == type_}
