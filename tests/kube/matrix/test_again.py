"""R10: a Milvus is deleted and made again under its name, whatever the operator was doing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.kube.matrix.chronicle import COUNTED, Change, Chronicle, Now, following
from tests.kube.matrix.ends import gone, settled
from tests.kube.matrix.keeper import Keeper, Series, kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, STANDALONE, milvus

from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import Key, Object, uid_of
from glede.milvus.kinds import MILVUS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

SIDE_BY_SIDE = 14
REST_SECONDS = 2.0
CLAIMS = "persistentvolumeclaims"
# A claim is bound to a volume for good, so that each that is made again needs another.
VOLUMES = 4
_COUNTED = frozenset(resource.plural for resource in COUNTED)


@dataclass
class Halting(Series):
    """Holds the answer to write number ``at`` until ``gate`` is set."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def halt(self) -> None:
        """Hold the answer to the write that was counted last, if it is the one."""
        if self.number == self.at:
            self.reached.set()
            await self.gate.wait()


def keeping() -> Object:
    """Give the spec of a standalone whose volumes stay: its deletion waits for nothing."""
    spec = STANDALONE.first
    stays = {"deletionPolicy": "Retain", "pvcDeletion": False}
    dependencies = {
        **spec["dependencies"],
        "etcd": {"inCluster": {**spec["dependencies"]["etcd"]["inCluster"], **stays}},
        "rocksmq": {"persistence": {"enabled": True, "pvcDeletion": False}},
    }
    return {**spec, "dependencies": dependencies}


SPECS = {"Delete": STANDALONE.first, "Retain": keeping()}


@dataclass
class Twice:
    """One Milvus, then another of its name."""

    chronicle: Chronicle
    policy: str
    at: int

    async def live(self) -> bool:
        """Live both lives; tells whether the first was ended in the middle. Raises AssertionError."""
        namespace = await self.chronicle.namespace()
        for claim in STANDALONE.claims:
            for number in range(VOLUMES):
                await make_volume(self.chronicle, namespace, claim, f"{namespace}-{claim}-{number}")
        async with kept(self.chronicle, namespace) as keeper:
            series = keeper.series = Halting(at=self.at)
            first = await self.chronicle.user.create(MILVUS, milvus(namespace, SPECS[self.policy]))
            await self._reached_or_settled(namespace, series)
            ended, second = await self._again(namespace, keeper, first)
            await self.chronicle.until(namespace, lambda now: _settled(now, uid_of(second)))
            whole = len(self.chronicle.place(namespace).changes)
            await self.chronicle.silence(namespace, REST_SECONDS)
            self._judge(namespace, first, second, ended, whole)
            await self._delete(namespace, second)
            await self.chronicle.until(namespace, self._left)
        return series.reached.is_set()

    async def _reached_or_settled(self, namespace: str, series: Halting) -> None:
        """Wait until the write has come, or the first is whole without having made so many."""

        def lacking(now: Now) -> str:
            return "" if series.reached.is_set() else settled(now)

        await self.chronicle.until(namespace, lacking)

    async def _again(self, namespace: str, keeper: Keeper, first: Object) -> tuple[int, Object]:
        """Delete it and make it again; gives how much had happened when it was deleted, and the new one.

        Where no finalizer holds it, the new one is there before the operator hears the answer to its write.
        """
        ended = len(self.chronicle.place(namespace).changes)
        await self._delete(namespace, first)
        gate = keeper.series.gate if isinstance(keeper.series, Halting) else asyncio.Event()
        async with asyncio.timeout(90):
            while True:
                try:
                    return ended, await self.chronicle.user.create(
                        MILVUS, milvus(namespace, SPECS[self.policy])
                    )
                except Conflict:
                    await asyncio.sleep(0.02)
                finally:
                    gate.set()

    async def _delete(self, namespace: str, one: Object) -> None:
        await self.chronicle.user.delete(MILVUS, Key(namespace, NAME), uid=uid_of(one))

    def _left(self, now: Now) -> str:
        """Tell what is left, that should not be, of the second one when it is deleted."""
        if self.policy == "Delete":
            return gone(now)
        return ", ".join(name.name for name in now if name.plural in {"deployments", MILVUS.plural})

    def _judge(self, namespace: str, first: Object, second: Object, ended: int, whole: int) -> None:
        where = f"{namespace}: {self.policy}, deleted at write {self.at}"
        changes, now = self.chronicle.place(namespace).changes, self.chronicle.place(namespace).now
        for name, body in now.items():
            owners = [
                one for one in body["metadata"].get("ownerReferences", []) if one["kind"] == MILVUS.kind
            ]
            wrong = [one["uid"] for one in owners if one["uid"] != uid_of(second)]
            assert not wrong, f"{where}: {name} is owned by another, {wrong} (first: {uid_of(first)})"
        late = [
            one.name for one in changes[whole:] if one.type == "DELETED" and one.name.plural not in _COUNTED
        ]
        assert not late, f"{where}: deleted when the second was whole: {late}"
        restarted = [
            one.name for one in changes[whole:] if one.name.plural in _COUNTED and one.type != "MODIFIED"
        ]
        assert not restarted, f"{where}: pods of the second were replaced: {restarted}"
        before, after = _claims(changes[:ended]), {uid_of(b) for n, b in now.items() if n.plural == CLAIMS}
        removed = {uid_of(one.body) for one in changes if one.name.plural == CLAIMS and one.type == "DELETED"}
        if self.policy == "Retain":
            assert not removed, f"{where}: volumes went, though they were to stay"
            assert before <= after, where
        else:
            assert before <= removed, f"{where}: volumes stayed, though they were to go"
            assert not before & after, where
        assert len(after) == len(STANDALONE.claims), f"{where}: {after}"


def _claims(changes: list[Change]) -> set[str]:
    return {uid_of(one.body) for one in changes if one.name.plural == CLAIMS and one.type == "ADDED"}


def _settled(now: Now, uid: str) -> str:
    milvuses = [body for name, body in now.items() if name.plural == MILVUS.plural]
    if [uid_of(body) for body in milvuses] != [uid]:
        return "the second is not there yet"
    return settled(now)


async def test_r10_deleted_and_made_again_at_every_step(ground: Path, count: Callable[[int], None]) -> None:
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    steps = dict.fromkeys(SPECS, 0)

    async def limited(policy: str, at: int) -> None:
        try:
            if await Twice(chronicle, policy, at).live():
                steps[policy] += 1
            else:
                beyond.add(policy)
        finally:
            limit.release()

    async with following(ground) as chronicle, asyncio.TaskGroup() as group:
        beyond: set[str] = set()
        for at in range(1, 60):
            for policy in SPECS.keys() - beyond:
                await limit.acquire()
                group.create_task(limited(policy, at))
            if len(beyond) == len(SPECS):
                break
    assert beyond == set(SPECS), "there are more writes than were looked at"
    assert min(steps.values()) > 8, steps
    count(sum(steps.values()))


async def test_r10_the_finalizer_ends_though_somebody_else_holds_it_too(
    ground: Path, count: Callable[[int], None]
) -> None:
    """Another controller's finalizer keeps it for a while; ours has gone by then, and all that was to go."""
    async with following(ground) as chronicle:
        namespace = await chronicle.namespace()
        for claim in STANDALONE.claims:
            await make_volume(chronicle, namespace, claim)
        async with kept(chronicle, namespace):
            key, foreign = Key(namespace, NAME), "birds.example/watched"
            body = milvus(namespace, STANDALONE.first)
            body["metadata"]["finalizers"] = [foreign]
            made = await chronicle.user.create(MILVUS, body)
            await chronicle.until(namespace, settled)
            await chronicle.user.delete(MILVUS, key, uid=uid_of(made))

            def held(now: Now) -> str:
                found = next(body for name, body in now.items() if name.plural == MILVUS.plural)
                claims = [name.name for name in now if name.plural == CLAIMS]
                return str(claims or [one for one in found["metadata"]["finalizers"] if one != foreign] or "")

            await chronicle.until(namespace, held)
            await chronicle.silence(namespace, REST_SECONDS)
            await chronicle.user.patch(MILVUS, key, {"metadata": {"finalizers": None}})
            await chronicle.until(namespace, gone)
            with pytest.raises(NotFound):
                await chronicle.user.get(MILVUS, key)
    count(1)
