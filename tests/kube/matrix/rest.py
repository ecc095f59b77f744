"""A cluster and a standalone side by side, which between them have every kind of object, at rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.kube.matrix.chronicle import COUNTED, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import Keeper, kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, STANDALONE, everything, milvus

from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import Key, Object, Resource, uid_of
from glede.milvus.kinds import MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL

CLUSTER_NAME = "red-kite"
QUIET_SECONDS = 3.0
KINDS: dict[str, Resource] = {resource.plural: resource for resource in RESOURCES.values()}
_NOT_OURS = frozenset(resource.plural for resource in COUNTED)


@dataclass
class Rest:
    """What is looked at: the namespace, and the operator that keeps it."""

    chronicle: Chronicle
    namespace: str
    keeper: Keeper

    @property
    def now(self) -> Now:
        """Everything there is in the namespace now."""
        return self.chronicle.place(self.namespace).now

    def owned(self) -> Now:
        """The objects that the operator made, and the claims made from its templates."""
        return {
            name: body
            for name, body in self.now.items()
            if name.plural not in _NOT_OURS and MILVUS_LABEL in body["metadata"].get("labels", {})
        }

    def lacking(self, now: Now) -> str:
        """Tell which Milvus is not as its manifest wants it; "" for none."""
        return "; ".join(words for name in (NAME, CLUSTER_NAME) if (words := settled(now, name)))

    async def quiet(self) -> None:
        """Wait until both are healthy and nothing happens any more."""
        await self.chronicle.until(self.namespace, self.lacking)
        await self.chronicle.silence(self.namespace, QUIET_SECONDS)

    async def apply(self, spec: Object, name: str = NAME) -> Object:
        """Write a manifest as a user does. Raises ApiError."""
        user, key = self.chronicle.user, Key(self.namespace, name)
        while True:
            try:
                body = await user.get(MILVUS, key)
            except NotFound:
                return await user.create(MILVUS, milvus(self.namespace, spec, name))
            try:
                return await user.replace(MILVUS, key, {**body, "spec": spec})
            except Conflict:
                continue

    async def remove(self, name: str) -> None:
        """Remove a Milvus without an operator, so that no other one finds it."""
        user, key = self.chronicle.user, Key(self.namespace, name)
        try:
            found = await user.get(MILVUS, key)
            await user.delete(MILVUS, key, uid=uid_of(found))
            await user.patch(MILVUS, key, {"metadata": {"finalizers": None}})
        except NotFound:
            return

    async def read(self, name: Name) -> Object:
        """Read an object of ours, with who owns its fields."""
        return await self.chronicle.user.get(KINDS[name.plural], Key(self.namespace, name.name))

    async def find(self, name: Name) -> Object | None:
        """Read an object of ours, if it is there."""
        try:
            return await self.read(name)
        except NotFound:
            return None

    def versions(self) -> dict[Name, Any]:
        """The resourceVersions of what the operator made."""
        return {name: body["metadata"]["resourceVersion"] for name, body in self.owned().items()}


@asynccontextmanager
async def at_rest(chronicle: Chronicle, *, both: bool = True) -> AsyncIterator[Rest]:
    """Give a namespace with the two Milvuses, or with the standalone alone, at rest."""
    namespace = await chronicle.namespace()
    names = (NAME, CLUSTER_NAME) if both else (NAME,)
    for name in names:
        await make_volume(chronicle, namespace, f"data-{name}-etcd-0")
    await make_volume(chronicle, namespace, f"{NAME}-data")
    async with kept(chronicle, namespace) as keeper:
        rest = Rest(chronicle, namespace, keeper)
        await rest.apply(STANDALONE.first)
        if both:
            await rest.apply(everything(), CLUSTER_NAME)
            await rest.quiet()
        else:
            await chronicle.until(namespace, lambda now: settled(now, NAME))
            await chronicle.silence(namespace, QUIET_SECONDS)
        yield rest
    for name in names:
        await rest.remove(name)
