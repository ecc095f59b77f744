"""R11: today's operator restarts nothing that an operator of an earlier day made."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kube.matrix.chronicle import COUNTED, Chronicle, Now, following
from tests.kube.matrix.ends import differing, end_of, told
from tests.kube.matrix.keeper import Keeper, kept
from tests.kube.matrix.past import FILE, NAMES, PLACE, put_back
from tests.kube.matrix.scene import status_of

from glede.kube.objects import Key
from glede.milvus.kinds import MILVUS
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

WORKLOADS = frozenset({"deployments", "statefulsets"})
LOOK_SECONDS = 4.0
ADVICE = (
    "Today's operator changes Milvuses that an earlier one made, at once and all over a cluster. Where that "
    "is meant, say so in CHANGELOG.md and record anew: python -m tests.kube.matrix.past"
)


def workloads(now: Now) -> Now:
    """Give the Deployments and StatefulSets."""
    return {name: body for name, body in now.items() if name.plural in WORKLOADS}


def missing_pods(now: Now) -> str:
    """Tell the workloads whose pods are not all available."""
    late = [
        name.name
        for name, body in workloads(now).items()
        if body.get("status", {}).get("availableReplicas", 0) < body["spec"].get("replicas", 1)
        or body["status"].get("observedGeneration") != body["metadata"]["generation"]
    ]
    return ", ".join(late) if workloads(now) else "no workloads"


def changed(before: Now, now: Now) -> str:
    """Tell what differs in specs and templates, and where; "" for nothing."""
    was, is_ = end_of(workloads(before)), end_of(workloads(now))
    found = differing(was, is_)
    specs = {path for path in found if ".spec." in path}
    return told(is_, was, specs or {path for path in found if path.endswith(".generation")})


async def looked(chronicle: Chronicle, keeper: Keeper) -> None:
    """Wait until an operator has looked at both, and has nothing to do any more."""
    async with asyncio.timeout(30):
        while keeper.manager is None or not keeper.manager._leading:  # noqa: ASYNC110 - the lease is asked for
            await asyncio.sleep(0.1)
    for controller in keeper.manager._controllers:
        for name in NAMES:
            controller.queue.add(Key(PLACE, name), urgent=True)
    await asyncio.sleep(LOOK_SECONDS)
    await chronicle.silence(PLACE, 1.0)


async def test_r11_an_operator_of_today_restarts_nothing_of_an_earlier_one(
    ground: Path, count: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FILE.stat().st_size < 200_000
    async with following(ground) as chronicle:
        await put_back(chronicle)
        await chronicle.until(PLACE, missing_pods)
        await chronicle.silence(PLACE, 2.0)
        place = chronicle.place(PLACE)
        before, begun = dict(place.now), len(place.changes)
        async with kept(chronicle, PLACE) as keeper:
            await looked(chronicle, keeper)
            difference = changed(before, place.now)
            assert not difference, f"{difference}. {ADVICE}"
            counted = {resource.plural for resource in COUNTED}
            gone = [one.name.name for one in place.changes[begun:] if one.type == "DELETED"]
            made = [
                one for one in place.changes[begun:] if one.name.plural in counted and one.type == "ADDED"
            ]
            assert not gone, f"deleted: {gone}. {ADVICE}"
            assert not made, f"made: {[one.name.name for one in made]}. {ADVICE}"
            for name, body in place.now.items():
                if name.plural == MILVUS.plural:
                    assert status_of(body)["status"] == "Healthy", status_of(body)
            await _one_that_does_is_found(chronicle, keeper, before, monkeypatch)
        count(len(workloads(before)) + 1)


async def _one_that_does_is_found(
    chronicle: Chronicle, keeper: Keeper, before: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategy, "_DEFAULT_GRACE_SECONDS", strategy._DEFAULT_GRACE_SECONDS + 1)
    await keeper.restart()
    await looked(chronicle, keeper)
    difference = changed(before, chronicle.place(PLACE).now)
    assert ".spec.template.spec.terminationGracePeriodSeconds: 121, expected 120" in difference
