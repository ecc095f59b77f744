"""R3: what the operator sees is of an earlier moment, of one kind or of all, while a Milvus lives."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Chronicle, Name, Now, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import Keeper, Series, running
from tests.kube.matrix.lives import Life, make_volume, reference_of
from tests.kube.matrix.manifests import NAME, NEW, STANDALONE, Scenario, cluster, everything, milvus
from tests.kube.matrix.rest import KINDS
from tests.kube.matrix.sight import EVERY, FROZEN, WATCHED, Squinting

from glede.kube.objects import Key, Object, uid_of
from glede.milvus.kinds import MILVUS
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
SIDE_BY_SIDE = 16
STILL_SECONDS = 2.0
# Of these a standalone has none.
_OF_CLUSTERS = {"poddisruptionbudgets", "horizontalpodautoscalers"}
_PROXY, _QUERY = {"replicas": 2}, {"replicas": 1}
FULL = Scenario(
    "cluster",
    everything(),
    cluster(image=NEW, proxy=_PROXY, queryNode=_QUERY),
    (f"data-{NAME}-etcd-0",),
)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new nodes be ready for one second, not 15."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 1, "streamingnode": 1})


@dataclass
class StaleLife(Life):
    """Sees a kind so many events late in each stage, until nothing more happens."""

    plural: str = EVERY
    behind: float = FROZEN
    squinting: list[Squinting] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.plural} {self.behind} events behind"

    def _keeper(self, namespace: str) -> Keeper:
        self.squinting.append(Squinting(self.chronicle, namespace))
        return self.squinting[-1]

    def _spoil(self, keeper: Keeper) -> Series:
        self.squinting[-1].sight.behind = {self.plural: self.behind}
        return super()._spoil(keeper)

    async def _meanwhile(self, namespace: str, keeper: Keeper) -> None:
        await self.chronicle.silence(namespace, STILL_SECONDS)
        self.squinting[-1].sight.release()


async def test_r3_a_kind_is_seen_late(ground: Path, count: Count) -> None:
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    async with following(ground) as chronicle:
        pair = (STANDALONE, FULL)
        references = await asyncio.gather(*(reference_of(chronicle, scenario) for scenario in pair))

        async def live(scenario: Scenario, plural: str, behind: float) -> None:
            async with limit:
                reference = references[pair.index(scenario)]
                life = StaleLife(chronicle, scenario, reference, knowing=False, plural=plural, behind=behind)
                await life.live()
                assert any(one.sight.late for one in life.squinting), f"{life.name}: nothing was ever late"
                count(3)

        alone = [plural for plural in (*WATCHED, EVERY) if plural not in _OF_CLUSTERS]
        lives = [live(FULL, plural, FROZEN) for plural in (*WATCHED, EVERY)]
        lives += [live(FULL, EVERY, behind) for behind in (1, 5)]
        lives += [live(STANDALONE, plural, behind) for behind in (FROZEN, 1, 5) for plural in alone]
        await asyncio.gather(*lives)


# What the manifest no longer wants, and by which name another one makes it while that is not seen.
def without(component: str, field_: str, **more: Any) -> Object:
    """Give the manifest without one thing that a component had."""
    spec = everything()
    own = {name: value for name, value in spec["components"][component].items() if name != field_}
    return {**spec, "components": {**spec["components"], component: {**own, **more}}}


UNWANTED: dict[Name, Object] = {
    Name("ingresses", f"{NAME}-milvus"): without("proxy", "ingress"),
    Name("horizontalpodautoscalers", f"{NAME}-milvus-proxy-hpa"): without("proxy", "hpa", replicas=1),
    Name("poddisruptionbudgets", f"{NAME}-milvus-querynode"): without(
        "queryNode", "none", podDisruptionBudget={"enabled": False}
    ),
    Name("networkpolicies", f"{NAME}-milvus"): {**everything(), "availability": {"networkPolicy": False}},
    Name("secrets", f"{NAME}-config"): {
        **everything(),
        "config": {"log": {"level": "info"}},
    },
    Name("services", f"{NAME}-kafka"): {
        **everything(),
        "dependencies": {**everything()["dependencies"], "msgStreamType": "woodpecker"},
    },
    Name("statefulsets", f"{NAME}-kafka"): {
        **everything(),
        "dependencies": {**everything()["dependencies"], "msgStreamType": "woodpecker"},
    },
}


async def test_r3_another_object_of_the_name_is_not_deleted(ground: Path, count: Count) -> None:
    """The operator deletes by an old view: what has the name now is somebody else's."""
    async with following(ground) as chronicle:
        await asyncio.gather(*(spared(chronicle, name, edit) for name, edit in UNWANTED.items()))
        count(len(UNWANTED))


async def spared(chronicle: Chronicle, name: Name, edit: Object) -> None:
    """Replace an object of ours by a stranger's of the same name, unseen, then stop wanting it."""
    namespace = await chronicle.namespace()
    await make_volume(chronicle, namespace, f"data-{NAME}-etcd-0")
    user, key, resource = chronicle.user, Key(namespace, name.name), KINDS[name.plural]
    async with running(Squinting(chronicle, namespace)) as keeper:
        await user.apply(MILVUS, Key(namespace, NAME), milvus(namespace, everything()))
        await chronicle.until(namespace, settled)
        keeper.sight.behind = {name.plural: FROZEN}
        ours = await user.get(resource, key)
        await user.delete(resource, key, uid=uid_of(ours))
        await chronicle.gone(resource, key)
        theirs = await user.create(resource, stranger(ours))
        written = await user.apply(MILVUS, Key(namespace, NAME), milvus(namespace, edit))
        generation = written["metadata"]["generation"]

        def tried(_now: Now) -> str:
            return "" if name in keeper.sight.deletions else f"{name}: no try to delete it"

        await chronicle.until(namespace, tried)
        await chronicle.silence(namespace, STILL_SECONDS)
        assert uid_of(await user.get(resource, key)) == uid_of(theirs), f"{name}: a stranger's was deleted"
        keeper.sight.release()
        await chronicle.until(namespace, lambda now: settled(now, NAME, generation))
        await chronicle.silence(namespace, STILL_SECONDS)
        assert uid_of(await user.get(resource, key)) == uid_of(theirs), f"{name}: a stranger's was deleted"


def stranger(ours: Object) -> Object:
    """Give an object of the same name that has nothing to do with us."""
    kept = {"apiVersion", "kind", "spec", "data", "type"}
    body = {field_: value for field_, value in ours.items() if field_ in kept}
    for field_ in ("clusterIP", "clusterIPs"):
        body.get("spec", {}).pop(field_, None)
    metadata = {field_: ours["metadata"][field_] for field_ in ("name", "namespace")}
    return {**body, "metadata": {**metadata, "labels": {"made-by": "a-stranger"}}}
