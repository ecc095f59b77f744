"""The whole life of a Milvus, stage by stage, beside an operator in trouble."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.kube.matrix.chronicle import Chronicle, Name, Now
from tests.kube.matrix.ends import (
    End,
    differing,
    end_of,
    gone,
    made_and_gone,
    settled,
    told,
    wrongly_healthy,
)
from tests.kube.matrix.keeper import Keeper, Series, Trouble, running
from tests.kube.matrix.manifests import NAME, Scenario, milvus

from glede.kube.objects import PVC, Key, Object, Resource, uid_of
from glede.milvus.kinds import MILVUS

VOLUME = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
# Longer than the status may keep back what counts pods.
REST_SECONDS = 2.5
STAGES = ("create", "edit", "delete")


@dataclass
class Record:
    """What a life came to, by stage."""

    ends: dict[str, End] = field(default_factory=dict)
    traffic: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    workloads: dict[str, list[Name]] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    struck: dict[str, set[int]] = field(default_factory=dict)
    deaths: int = 0

    @property
    def untroubled(self) -> bool:
        """Whether nothing went wrong in any stage."""
        return not any(self.struck.values()) and not self.deaths


@dataclass(frozen=True)
class Reference:
    """An untroubled life, and what differed in another one: that is not compared."""

    record: Record
    masks: dict[str, frozenset[str]]

    def lacking(self, stage: str, now: Now) -> str:
        """Tell what is not as it was after that stage in the untroubled life."""
        end, wanted = end_of(now), self.record.ends[stage]
        return told(end, wanted, differing(end, wanted) - self.masks[stage])


async def reference_of(chronicle: Chronicle, scenario: Scenario) -> Reference:
    """Live twice without trouble."""
    lives = [Life(chronicle, scenario).live(), Life(chronicle, scenario).live()]
    one, other = await asyncio.gather(*lives)
    restarted = [what for (type_, what) in one.traffic["create"] if type_ == "DELETED"]
    assert not restarted, f"made and deleted again while a Milvus was made: {restarted}"
    return Reference(one, {stage: differing(one.ends[stage], other.ends[stage]) for stage in STAGES})


@dataclass
class Life:
    """One life; with a reference it must end each stage as that did, and do no more on the way."""

    chronicle: Chronicle
    scenario: Scenario
    reference: Reference | None = None
    trouble: Trouble | None = None
    at: int = 0
    each: int = 0
    # Whether the operator can know what there is, so that its status must not be wrong.
    knowing: bool = True
    record: Record = field(default_factory=Record)

    @property
    def name(self) -> str:
        """What goes wrong in this life."""
        return f"{self.trouble.name if self.trouble else 'no trouble'} at {self.at}"

    async def live(self) -> Record:
        """Live it in a namespace of its own. Raises AssertionError where it went wrong."""
        namespace = await self.chronicle.namespace()
        for claim in self.scenario.claims:
            await make_volume(self.chronicle, namespace, claim)
        async with running(self._keeper(namespace)) as keeper:
            for stage in STAGES:
                await self._stage(stage, namespace, keeper)
            self.record.deaths = keeper.deaths
        return self.record

    async def _stage(self, stage: str, namespace: str, keeper: Keeper) -> None:
        place = self.chronicle.place(namespace)
        begun = len(place.changes)
        series = self._spoil(keeper)
        generation = await self._acts()[stage](namespace)
        await self._meanwhile(namespace, keeper)
        done = gone if stage == "delete" else lambda now: settled(now, NAME, generation)
        await self.chronicle.until(namespace, done)
        if self.reference is None:
            await self.chronicle.silence(namespace, REST_SECONDS)
        else:
            reference = self.reference
            await self.chronicle.until(namespace, lambda now: reference.lacking(stage, now))
        self.record.writes[stage] = series.number
        self.record.struck[stage] = series.struck
        self.record.ends[stage] = end_of(place.now)
        self.record.traffic[stage] = made_and_gone(place.changes[begun:])
        workloads = [name for name in place.now if name.plural in {"deployments", "statefulsets"}]
        self.record.workloads[stage] = workloads
        self._judge(stage, namespace, begun)

    def _keeper(self, namespace: str) -> Keeper:
        """Give the operator that looks after this one."""
        return Keeper(self.chronicle, namespace)

    def _spoil(self, keeper: Keeper) -> Series:
        """Begin what goes wrong in a stage."""
        keeper.series = Series(self.trouble, self.at, self.each)
        return keeper.series

    async def _meanwhile(self, namespace: str, keeper: Keeper) -> None:
        """Do what belongs between the edit and its end."""

    def _judge(self, stage: str, namespace: str, begun: int) -> None:
        where = f"{namespace}: {stage}, {self.name}"
        changes = self.chronicle.place(namespace).changes
        if stage != "delete" and self.knowing:
            lies = wrongly_healthy(changes, self.record.workloads[stage])
            assert not lies, f"{where}: {lies}"
        if self.reference:
            more = self.record.traffic[stage] - self.reference.record.traffic[stage]
            assert not more, f"{where}: made or deleted more often than needed: {dict(more)}"

    def _acts(self) -> dict[str, Callable[[str], Awaitable[int]]]:
        return {
            "create": lambda namespace: self.apply(namespace, self.scenario.first),
            "edit": lambda namespace: self.apply(namespace, self.scenario.second),
            "delete": self.delete,
        }

    async def apply(self, namespace: str, spec: Object) -> int:
        """Write the manifest; gives its generation."""
        written = await self.chronicle.user.apply(MILVUS, Key(namespace, NAME), milvus(namespace, spec))
        return int(written["metadata"]["generation"])

    async def delete(self, namespace: str) -> int:
        """Delete the Milvus; gives its last generation."""
        key = Key(namespace, NAME)
        found = await self.chronicle.user.get(MILVUS, key)
        await self.chronicle.user.delete(MILVUS, key, uid=uid_of(found))
        return int(found["metadata"]["generation"])


async def make_volume(chronicle: Chronicle, namespace: str, claim: str, name: str = "") -> None:
    """Make a volume that a claim will be bound to."""
    name = name or f"{namespace}-{claim}"
    spec = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/nowhere/{name}"},
        "claimRef": {"apiVersion": "v1", "kind": PVC.kind, "namespace": namespace, "name": claim},
    }
    body = {"apiVersion": "v1", "kind": VOLUME.kind, "metadata": {"name": name}, "spec": spec}
    await chronicle.user.create(VOLUME, body)
