"""A Milvus, and another one of its name: when the first is deleted, how, and what has to hold then."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.kube.matrix.chronicle import Change, Chronicle, Now
from tests.kube.matrix.ends import End, differing, end_of, gone, settled, told
from tests.kube.matrix.keeper import CRASH, Keeper, Series, kept
from tests.kube.matrix.lineage import COUNTED_PLURALS, Lineage, owned_by_others, uids
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, NEW, Scenario, cluster, milvus, standalone

from glede.kube.errors import Conflict
from glede.kube.objects import Key, Object, uid_of
from glede.milvus.kinds import MILVUS

Stage = Literal["create", "edit", "rest", "delete"]
Cascade = Literal["Background", "Foreground", "Orphan"]
CASCADES: tuple[Cascade, ...] = ("Background", "Foreground", "Orphan")
REST_SECONDS = 2.5
AGAIN_SECONDS = 90.0
# A claim is bound to a volume for good, so that each that is made again needs another.
VOLUMES = 3
_CLAIMS, _SECRETS = "persistentvolumeclaims", "secrets"
# Which of the volumes a claim is bound to is chance.
_CHANCE = (".spec.volumeName",)
# What goes on has been through more than what is made anew.
_OF_AGE = ("generation", "observedGeneration", "revision", "replicasets")


def _policies(spec: Object, *, stays: bool) -> Object:
    """Give a spec whose dependencies all stay when it is deleted, or all go, keys and volumes included."""
    policy = {"deletionPolicy": "Retain" if stays else "Delete", "pvcDeletion": not stays}
    dependencies = {}
    for name, value in spec["dependencies"].items():
        run = value.get("inCluster") if isinstance(value, dict) else None
        dependencies[name] = {"inCluster": {**run, **policy}} if run else value
    if "rocksmq" in dependencies:
        dependencies["rocksmq"] = {"persistence": {"enabled": True, "pvcDeletion": not stays}}
    return {**spec, "dependencies": dependencies}


def _both(spec: Object, edited: Object, claims: tuple[str, ...]) -> dict[str, Scenario]:
    return {
        name: Scenario(name, _policies(spec, stays=stays), _policies(edited, stays=stays), claims)
        for name, stays in (("Delete", False), ("Retain", True))
    }


_ONE = {"replicas": 1}
ALONE = _both(standalone(), standalone(image=NEW, standalone=_ONE), (f"data-{NAME}-etcd-0", f"{NAME}-data"))
CLUSTER = _both(
    cluster(queryNode=_ONE, proxy=_ONE),
    cluster(image=NEW, queryNode=_ONE, proxy=_ONE),
    (f"data-{NAME}-etcd-0",),
)


@dataclass
class Holding(Series):
    """Holds the answer to write number ``at`` until ``gate`` is set."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def met(self) -> bool:
        """Whether the write has come."""
        return bool(self.struck) if self.trouble else self.reached.is_set()

    def unless_reached(self, words: str) -> str:
        """Give the words while the write has not come."""
        return "" if self.met else words

    async def halt(self) -> None:
        """Hold the answer to the write that was counted last, if it is the one."""
        if self.number == self.at and self.trouble is None:
            self.reached.set()
            await self.gate.wait()


@dataclass(frozen=True)
class Case:
    """When a Milvus is deleted, and how. ``at``: while the answer to that write of the stage is under way."""

    scenario: Scenario
    stage: Stage
    at: int = 0
    cascade: Cascade = "Background"
    dies: bool = False

    def of_what(self) -> str:
        """Name it in a line."""
        dies = ", the operator dies" if self.dies else ""
        return f"{self.scenario.name}, {self.stage}, write {self.at}, {self.cascade}{dies}"

    @property
    def stays(self) -> bool:
        """Whether what the first had made stays: by its policy, or since it was deleted without."""
        return self.scenario.name == "Retain" or self.cascade == "Orphan"


@dataclass
class Twice:
    """A case in a namespace of its own; ``end`` is that of an untroubled one, but for ``masks``."""

    chronicle: Chronicle
    case: Case
    end: End
    masks: frozenset[str]
    namespace: str = ""

    async def live(self) -> bool:
        """Live both lives; tells whether the first was deleted in the middle. Raises AssertionError."""
        self.namespace = await prepared(self.chronicle, self.case.scenario)
        async with kept(self.chronicle, self.namespace) as keeper:
            series = Holding(CRASH if self.case.dies else None, self.case.at)
            first = await self._to_the_moment(keeper, series)
            known = len(self.chronicle.place(self.namespace).changes)
            if self.case.stage != "delete":
                await self.delete(first, self.case.cascade)
            second = await self._make_again(series)
            await self._until(lambda now: self._lacking(now, uid_of(second)))
            whole = len(self.chronicle.place(self.namespace).changes)
            await self.chronicle.silence(self.namespace, REST_SECONDS)
            self._judge(first, second, known, whole)
            await self.delete(second)
            await self._until(self._left)
        return series.met

    async def _make(self) -> Object:
        return await self.chronicle.user.create(MILVUS, milvus(self.namespace, self.case.scenario.first))

    async def _to_the_moment(self, keeper: Keeper, series: Holding) -> Object:
        """Make the first, and bring it to where it is deleted, or is being deleted."""
        case = self.case
        if case.stage == "create":
            keeper.series = series
        first, generation = await self._make(), 1
        if case.stage != "create":
            await self._until(settled)
            keeper.series = series
        if case.stage == "edit":
            edited = milvus(self.namespace, case.scenario.second)
            written = await self.chronicle.user.apply(MILVUS, Key(self.namespace, NAME), edited)
            generation = written["metadata"]["generation"]
        if case.stage == "delete":
            await self.delete(first, case.cascade)
            await self._until(lambda now: series.unless_reached(_left_of(first, now)))
        else:
            await self._until(lambda now: series.unless_reached(settled(now, NAME, generation)))
        return first

    async def _make_again(self, series: Holding) -> Object:
        """Make it again as soon as the name is free.

        Where no finalizer holds it, the second is there before the operator hears the answer to its write.
        """
        async with asyncio.timeout(AGAIN_SECONDS):
            while True:
                try:
                    return await self._make()
                except Conflict:
                    await asyncio.sleep(0.02)
                finally:
                    series.gate.set()

    async def delete(self, one: Object, cascade: Cascade = "Background") -> None:
        """Delete one of the two."""
        key = Key(self.namespace, NAME)
        await self.chronicle.user.delete(MILVUS, key, uid=uid_of(one), propagation=cascade)

    async def _until(self, lacking: Callable[[Now], str]) -> None:
        try:
            await self.chronicle.until(self.namespace, lacking)
        except AssertionError as error:
            raise AssertionError(f"{self.case.of_what()}: {error}") from None

    def _lacking(self, now: Now, uid: str) -> str:
        """Tell what is not as it would be, had there never been a first."""
        if [uid_of(body) for name, body in now.items() if name.plural == MILVUS.plural] != [uid]:
            return "the second is not there yet"
        end = end_of(now)
        paths = differing(end, self.end) - self.masks
        ignored = _CHANCE + (_OF_AGE if self.case.stays else ())
        return settled(now) or told(
            end, self.end, [p for p in paths if not any(word in p for word in ignored)]
        )

    def _left(self, now: Now) -> str:
        """Tell what should not be left of the second when it is deleted."""
        if self.case.scenario.name == "Delete":
            return gone(now)
        return ", ".join(name.name for name in now if name.plural in {"deployments", MILVUS.plural})

    def _judge(self, first: Object, second: Object, known: int, whole: int) -> None:
        place, where = self.chronicle.place(self.namespace), f"{self.namespace}: {self.case.of_what()}"
        lineage = Lineage.of(place.changes, first, second)
        assert not owned_by_others(place.now, uid_of(second)), where
        late = [one.name for one in place.changes[whole:] if one.type != "MODIFIED"]
        assert not late, f"{where}: made or deleted when the second was whole: {late}"
        assert not lineage.wrongly_healthy(), f"{where}: {lineage.wrongly_healthy()}"
        if self.case.cascade != "Orphan":
            assert not lineage.taken_over(), f"{where}: taken over: {lineage.taken_over()}"
            assert not lineage.beside(), f"{where}: pods of both at a time: {lineage.beside()}"
            assert not lineage.lost(), f"{where}: deleted, though it was not the first's: {lineage.lost()}"
        elif self.case.stage == "rest":
            restarted = [
                one.name
                for one in lineage.later()
                if one.name.plural in COUNTED_PLURALS and one.type != "MODIFIED"
            ]
            assert not restarted, f"{where}: restarted, though all was to stay: {restarted}"
        self._judge_data(place.changes, known, where)

    def _judge_data(self, changes: list[Change], known: int, where: str) -> None:
        """Volumes and made-up keys go or stay as the first's manifest said."""
        for plural in (_CLAIMS, _SECRETS):
            before = uids(changes[:known], plural, "ADDED")
            made, removed = uids(changes, plural, "ADDED"), uids(changes, plural, "DELETED")
            if self.case.stays:
                assert not before & removed, f"{where}: {plural} went, though they were to stay"
            else:
                assert before <= removed, f"{where}: {plural} stayed, though they were to go"
            expected = len(self.case.scenario.claims) if plural == _CLAIMS else 1
            assert len(made - removed) == expected, f"{where}: {plural}: {made - removed}"


def _left_of(one: Object, now: Now) -> str:
    """Tell whether a Milvus is still there."""
    return NAME if uid_of(one) in {uid_of(body) for body in now.values()} else ""


async def prepared(chronicle: Chronicle, scenario: Scenario) -> str:
    """Make a namespace with volumes for several Milvuses, one after another."""
    namespace = await chronicle.namespace()
    for claim in scenario.claims:
        for number in range(VOLUMES):
            await make_volume(chronicle, namespace, claim, f"{namespace}-{claim}-{number}")
    return namespace


async def untroubled(chronicle: Chronicle, scenario: Scenario) -> tuple[End, frozenset[str]]:
    """Make one where there never was another, twice; gives how it is then, and what differs between them."""

    async def live() -> End:
        namespace = await prepared(chronicle, scenario)
        async with kept(chronicle, namespace):
            await chronicle.user.create(MILVUS, milvus(namespace, scenario.first))
            await chronicle.until(namespace, settled)
            await chronicle.silence(namespace, REST_SECONDS)
        return end_of(chronicle.place(namespace).now)

    one, other = await asyncio.gather(live(), live())
    return one, differing(one, other)
