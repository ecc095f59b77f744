"""R7: a manifest that is wrong is refused with a reason, changes nothing that runs, and can be corrected."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.kube.matrix.chronicle import Name, Now, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import NAME, STANDALONE
from tests.kube.matrix.rest import Rest, at_rest
from tests.kube.matrix.wrong import BOUNDS, WRONG, Change, changed

from glede.kube.errors import ApiError
from glede.kube.objects import Key, Object, uid_of
from glede.milvus.kinds import MILVUS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]

Count = Callable[[int], None]
EXAMPLES = 45
_MILVUS = Name(MILVUS.plural, NAME)
# Accepted by nobody, or by the API server but not by us, or by us but not by the API server.
ADMISSION, REFUSED, NOT_APPLIED, ACCEPTED = "admission", "refused", "not applied", "accepted"


def conditions(now: Now) -> dict[str, Object]:
    return {c["type"]: c for c in now[_MILVUS].get("status", {}).get("conditions", [])}


def untold(now: Now, generation: int) -> str:
    """Tell whether the status is still of an earlier manifest; "" when it is of this one."""
    status = now[_MILVUS].get("status", {})
    seen = status.get("observedGeneration", 0)
    return "" if seen >= generation else f"generation {generation}, observed {seen}"


async def verdict(rest: Rest, change: Change) -> str:
    """Apply a change and wait for what is said about it. Raises AssertionError where that is not enough."""
    try:
        body = await rest.apply(changed(change))
    except ApiError as error:
        if error.status in {400, 422} and error.message:
            return ADMISSION
        raise
    generation = body["metadata"]["generation"]
    await rest.chronicle.until(rest.namespace, lambda now: untold(now, generation))
    told = conditions(rest.now)
    accepted, progressing = told["SpecAccepted"], told["Progressing"]
    refused = REFUSED if accepted["status"] == "False" else ""
    if progressing["reason"] == "ApplyFailed":
        refused, accepted = NOT_APPLIED, progressing
    if not refused:
        return ACCEPTED
    assert accepted["reason"]
    assert accepted["message"], f"{change}: refused without a word"
    assert told["MilvusUpdated"]["status"] != "True", f"{change}: refused, and up to date all the same"
    return refused


async def correct(rest: Rest) -> None:
    """Go back to the manifest that was right, and wait until that is told."""
    body = await rest.apply(STANDALONE.first)
    generation = body["metadata"]["generation"]
    await rest.chronicle.until(rest.namespace, lambda now: untold(now, generation))
    told = conditions(rest.now)
    assert told["SpecAccepted"]["status"] == "True", told["SpecAccepted"]
    assert told["Progressing"]["reason"] != "ApplyFailed", told["Progressing"]


def contents(rest: Rest) -> dict[Name, object]:
    """What the operator wrote into its objects, whatever the cluster does with them."""
    return {
        name: (body["metadata"].get("labels"), body.get("spec"), body.get("data"))
        for name, body in rest.owned().items()
    }


async def test_r7_wrong_manifests_change_nothing(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle, at_rest(chronicle, both=False) as rest:
        for name, change in WRONG.items():
            before = rest.versions()
            found = await verdict(rest, change)
            assert found != ACCEPTED, f"{name}: accepted"
            status = rest.now[_MILVUS]["status"]["status"]
            assert status == "Healthy", f"{name}: {status}, though what ran goes on"
            await asyncio.sleep(0.1)
            assert rest.versions() == before, f"{name}: something was written all the same"
            await correct(rest)
            await chronicle.until(rest.namespace, settled)
            assert rest.versions() == before, f"{name}: something was written by the correction"
        count(len(WRONG))


async def test_r7_around_the_bounds(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle, at_rest(chronicle, both=False) as rest:
        verdicts: list[str] = []

        async def case(change: Change) -> None:
            before = contents(rest)
            verdicts.append(await verdict(rest, change))
            if verdicts[-1] == REFUSED:
                assert contents(rest) == before, f"{change}: refused, and done in part"
            await correct(rest)

        loop = asyncio.get_running_loop()

        @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
        @given(BOUNDS)
        def cases(change: Change) -> None:
            asyncio.run_coroutine_threadsafe(case(change), loop).result()

        await asyncio.to_thread(cases)
        await rest.chronicle.until(rest.namespace, settled)
        assert {REFUSED, ACCEPTED} <= set(verdicts)
        count(len(verdicts))


async def test_r7_what_is_refused_can_be_deleted(ground: Path, count: Count) -> None:
    async with following(ground) as chronicle, at_rest(chronicle, both=False) as rest:
        assert await verdict(rest, WRONG["a version of the future"]) == REFUSED
        live = await rest.chronicle.user.get(MILVUS, Key(rest.namespace, NAME))
        await rest.chronicle.user.delete(MILVUS, Key(rest.namespace, NAME), uid=uid_of(live))

        def left(now: Now) -> str:
            return ", ".join(str(name) for name in now if name.plural != "secrets")

        # Its volumes too, as the manifest says.
        await chronicle.until(rest.namespace, left)
        count(1)
