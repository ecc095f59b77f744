"""R5: faults that are put into an operator are found by walks, and each is told by the smallest manifest."""

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab.api import ApiLab
from tests.kube.faulty import FaultyTransport
from tests.kube.matrix import walker
from tests.kube.matrix.party import setting_out
from tests.kube.matrix.smaller import smallest
from tests.kube.matrix.terrain import prepare
from tests.kube.matrix.walks import Step, Walk

from glede.kube.objects import DEPLOYMENT, Key, Object, Resource
from glede.kube.transport import Transport

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
KWOK = {"type": "kwok"}
OUTSIDE = {
    "etcd": {"external": True, "endpoints": ["ETCD"]},
    "storage": {"external": True, "endpoint": "STORE", "type": "S3"},
}


@pytest.fixture(scope="module")
def land(lab: ApiLab) -> ApiLab:
    asyncio.run(prepare(lab))
    return lab


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe a difference sooner: there is one Milvus here, and each smaller walk fails by waiting."""
    monkeypatch.setattr(walker, "TRUE_SECONDS", 4.0)


class Forgetful(FaultyTransport):
    """Loses a field of all Deployments on their way, as a renderer does that never heard of it."""

    def changed(self, _key: Key, obj: Object) -> None:
        obj["spec"]["template"]["spec"].pop("nodeSelector", None)

    async def apply(
        self,
        resource: Resource,
        key: Key,
        obj: Object,
        *,
        subresource: str | None = None,
        manager: str | None = None,
    ) -> Object:
        if resource == DEPLOYMENT and subresource is None:
            obj = copy.deepcopy(obj)
            self.changed(key, obj)
        return await super().apply(resource, key, obj, subresource=subresource, manager=manager)


class Clinging(Forgetful):
    """Keeps the labels that the pods of a Deployment once had."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self._labels: dict[Key, Any] = {}

    def changed(self, key: Key, obj: Object) -> None:
        known = self._labels.setdefault(key, {})
        known.update(obj["spec"]["template"]["metadata"]["labels"])
        obj["spec"]["template"]["metadata"]["labels"] = dict(known)


def long_way() -> Walk:
    """Give a walk in which both faults show, among much else."""
    first = {
        "mode": "standalone",
        "components": {
            "nodeSelector": KWOK,
            "podAnnotations": {"team": "a"},
            "standalone": {"podLabels": {"team": "a"}, "serviceType": "NodePort"},
        },
        "dependencies": OUTSIDE,
        "config": {"log": {"level": "debug"}},
    }
    second = {
        **first,
        "components": {"nodeSelector": KWOK, "standalone": {"serviceType": "LoadBalancer"}},
        "availability": {"networkPolicy": False},
    }
    return Walk((Step({"mode": "standalone", "dependencies": OUTSIDE}, 0.3), Step(first), Step(second)))


FORGOTTEN = (Step({"components": {"nodeSelector": KWOK}}),)
CLUNG_TO = (
    Step({"components": {"standalone": {"podLabels": {"team": "a"}}}}),
    Step({}),
)


@pytest.mark.parametrize(
    ("fault", "told", "expected"),
    [(Forgetful, "nodeSelector", FORGOTTEN), (Clinging, "labels.team", CLUNG_TO)],
)
async def test_r5_a_fault_is_told_by_the_smallest_walk(
    land: ApiLab,
    tmp_path: Path,
    count: Count,
    fault: type[FaultyTransport],
    told: str,
    expected: tuple[Step, ...],
) -> None:
    async with setting_out(land, tmp_path, fault) as party:

        async def shows(walk: Walk) -> str:
            """Tell why a walk fails by this fault; one that only waited in vain does not show it."""
            why = await party.fails(walk)
            return why if told in why else ""

        walk = long_way()
        why = await shows(walk)
        assert told in why
        smaller, _ = await smallest(walk, why, shows)
    assert smaller.steps == expected, str(smaller)
    count(1)


trees = st.recursive(
    st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=10,
)
long_walks = st.lists(st.dictionaries(st.sampled_from("abcd"), trees, max_size=4), min_size=1, max_size=4)


@settings(max_examples=60)
@given(long_walks, st.data())
def test_r5_nothing_can_be_taken_from_the_smallest(specs: list[Object], data: st.DataObject) -> None:
    """A walk fails here when some values come in some order: they, and nothing else, must be left."""
    numbers = [number for spec in specs for number in leaves(spec)]
    wanted = data.draw(st.lists(st.sampled_from(numbers or [9]), min_size=1, max_size=3))

    async def fails(walk: Walk) -> str:
        found = iter(number for step in walk.steps for number in leaves(step.spec))
        return "fails" if all(number in found for number in wanted) else ""

    walk = Walk(tuple(Step(spec) for spec in specs))

    async def go() -> None:
        if not await fails(walk):
            return
        smaller, _ = await smallest(walk, "fails", fails)
        left = [number for step in smaller.steps for number in leaves(step.spec)]
        assert await fails(smaller)
        assert sorted(left) == sorted(wanted)

    asyncio.run(go())


def leaves(value: Any) -> list[int]:
    """Give the numbers in a tree, in order."""
    if isinstance(value, dict):
        return [number for child in value.values() for number in leaves(child)]
    if isinstance(value, list):
        return [number for child in value for number in leaves(child)]
    return [value]
