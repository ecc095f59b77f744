"""A Milvus that is edited while an operator looks after it, and what happens to it then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now, following
from tests.kube.matrix.ends import gone, settled
from tests.kube.matrix.keeper import Keeper, kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, milvus

from glede.kube.objects import Key, Object, uid_of
from glede.milvus.kinds import MILVUS

Act = TypeVar("Act", bound=Callable[..., Any])


class Scene:
    """A Milvus in a namespace of its own, and an operator that looks after it."""

    def __init__(self, chronicle: Chronicle, namespace: str, keeper: Keeper) -> None:
        self.chronicle, self.namespace, self.keeper = chronicle, namespace, keeper
        self.begun = 0

    async def apply(self, wanted: Object) -> int:
        """Write the manifest; what happened before does not count any more."""
        self.begun = len(self.chronicle.place(self.namespace).changes)
        key = Key(self.namespace, NAME)
        written = await self.chronicle.user.apply(MILVUS, key, milvus(self.namespace, wanted))
        return int(written["metadata"]["generation"])

    async def settles(self, wanted: Object) -> None:
        """Write the manifest and wait until it has become so."""
        generation = await self.apply(wanted)
        await self.until(lambda now: settled(now, NAME, generation))

    async def deleted(self) -> None:
        """Delete the Milvus and wait until nothing of it is left."""
        user, key = self.chronicle.user, Key(self.namespace, NAME)
        await user.delete(MILVUS, key, uid=uid_of(await user.get(MILVUS, key)))
        await self.until(gone)

    async def until(self, lacking: Callable[[Now], str]) -> None:
        """Wait until ``lacking`` has nothing to say."""
        await self.chronicle.until(self.namespace, lacking)

    def changes(self, plural: str) -> list[Change]:
        """Give what happened to a kind since the manifest was last written."""
        changes = self.chronicle.place(self.namespace).changes[self.begun :]
        return [change for change in changes if change.name.plural == plural]

    @property
    def changes_of_all(self) -> list[Change]:
        """Everything that ever happened in the namespace."""
        return self.chronicle.place(self.namespace).changes

    @property
    def now(self) -> Now:
        """Everything there is in the namespace now."""
        return self.chronicle.place(self.namespace).now

    @property
    def milvus(self) -> Object:
        """The Milvus as it is now."""
        return self.now[Name(MILVUS.plural, NAME)]


async def all_played(
    ground: Path, acts: Sequence[Act], play: Callable[[Chronicle, Act], Awaitable[None]]
) -> dict[str, BaseException | None]:
    """Play acts all at one time, since each mostly waits; gives by name what came of each."""
    async with following(ground) as chronicle:
        ends = await asyncio.gather(*(play(chronicle, act) for act in acts), return_exceptions=True)
    return {act.__name__: end for act, end in zip(acts, ends, strict=True)}


@asynccontextmanager
async def staged(chronicle: Chronicle, **options: Any) -> AsyncIterator[Scene]:
    """Give a namespace with an operator and the volumes that a Milvus may claim; its Milvus ends with it.

    ``options`` are those of the operator.
    """
    namespace = await chronicle.namespace()
    for claim in (f"data-{NAME}-etcd-0", f"{NAME}-data"):
        await make_volume(chronicle, namespace, claim)
    async with kept(chronicle, namespace, **options) as keeper:
        scene = Scene(chronicle, namespace, keeper)
        yield scene
        await scene.deleted()


def deployment(now: Now, component: str) -> Object:
    """Give the Deployment of a component."""
    return now[Name("deployments", f"{NAME}-milvus-{component}")]


def pod_spec(body: Object) -> Object:
    """Give the spec of a workload's pods."""
    found: Object = body["spec"]["template"]["spec"]
    return found


def is_rolled(body: Object) -> bool:
    """Tell whether every pod of a Deployment is of its newest template and available."""
    status, count = body.get("status", {}), body["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [count] * 3


def status_of(body: Object) -> dict[str, Any]:
    """Give a status, empty where there is none."""
    found: dict[str, Any] = body.get("status", {})
    return found


def condition(body: Object, type_: str) -> Object:
    """Give a condition, empty where there is none."""
    return next((c for c in status_of(body).get("conditions", []) if c["type"] == type_), {})
