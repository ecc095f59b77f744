"""Outside windows nothing that is whole is replaced; what began in one is finished. kwok plays the pods."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import CRASH, Series
from tests.kube.matrix.manifests import NAME, NEW, ONE, cluster
from tests.kube.matrix.scene import Scene, all_played, condition, deployment, staged, status_of

from glede.kube.objects import EVENT, Key, Object
from glede.kube.transport import Selection
from glede.milvus import operator
from glede.milvus.gate import BEGUN, NOW
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import TEMPLATE_ANNOTATION
from glede.milvus.observer import Observer
from glede.milvus.render import strategy

pytestmark = pytest.mark.timeout(420)

ALWAYS = {"from": "00:00", "duration": "24h"}
# The tests' clock is at a Saturday.
NOT_TODAY = {"days": ["Wed"], "from": "22:00", "to": "04:00", "timeZone": "Europe/Berlin"}
AT_ONE = {"days": ["Sat"], "from": "01:00", "duration": "4h"}
OPENS = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
NEXT = "2026-12-02T21:00:00Z"
# So long nothing happens that would have happened.
A_WHILE = 2.5
ETCD = Name("pods", f"{NAME}-etcd-0")


class Clock:
    """A clock on the operators' wall, which a test sets."""

    def __init__(self) -> None:
        self.set(OPENS - timedelta(minutes=50))

    def set(self, moment: datetime) -> None:
        self._moment, self._since = moment, monotonic()

    def __call__(self) -> datetime:
        return self._moment + timedelta(seconds=monotonic() - self._since)


Act = Callable[[Scene, Clock], Coroutine[Any, Any, None]]


def spec(window: Object, **components: Any) -> Object:
    usual = {"queryNode": ONE, "proxy": ONE, "rollout": {"windows": [window]}}
    return cluster(**{**usual, **components})


def with_more_of_etcd(wanted: Object) -> Object:
    """Give a manifest that its etcd's members are replaced for, too."""
    wanted["dependencies"]["etcd"]["inCluster"]["values"] = {
        **wanted["dependencies"]["etcd"]["inCluster"]["values"],
        "resources": {"requests": {"cpu": "123m"}},
    }
    return wanted


def templates(now: Now) -> dict[str, str]:
    return {
        name.name: body["metadata"]["annotations"][TEMPLATE_ANNOTATION]
        for name, body in now.items()
        if name.plural == "deployments"
    }


def says(words: str, now: Now) -> str:
    told = str(condition(now[Name(MILVUS.plural, NAME)], "Progressing").get("message", ""))
    return "" if words in told else f"it says: {told}"


def has_begun(before: dict[str, str], now: Now) -> str:
    return "nothing is replaced" if templates(now) == before else ""


def replaced(changes: list[Change], before: dict[str, str]) -> list[tuple[int, str]]:
    """Give the Deployments that got another template in turn, each with the version of the change."""
    known, found = dict(before), []
    for change in changes:
        if change.name.plural == "deployments" and change.type == "MODIFIED":
            template = change.body["metadata"]["annotations"][TEMPLATE_ANNOTATION]
            if known[change.name.name] != template:
                found.append((change.version, change.name.name))
            known[change.name.name] = template
    return found


async def annotated(scene: Scene, annotations: Object) -> None:
    change = {"metadata": {"annotations": annotations}}
    await scene.chronicle.user.patch(MILVUS, Key(scene.namespace, NAME), change)


async def outside_nothing_is_replaced_and_numbers_change_until_somebody_lets_it_begin(
    scene: Scene, _: Clock
) -> None:
    await scene.settles(spec(NOT_TODAY))
    before, member = templates(scene.now), scene.now[ETCD]["metadata"]["uid"]
    wanted = with_more_of_etcd(spec(NOT_TODAY, image=NEW, queryNode={"replicas": 2}))
    generation = await scene.apply(wanted)
    await scene.until(partial(says, f"waits for a maintenance window; the next one opens {NEXT}"))
    await scene.until(lambda now: "" if pods_of(now, "querynode") == 2 else "one query node")
    await scene.keeper.restart()
    await asyncio.sleep(A_WHILE)
    assert templates(scene.now) == before
    assert scene.now[ETCD]["metadata"]["uid"] == member
    told = condition(scene.milvus, "Progressing")
    assert (told["status"], told["reason"]) == ("False", "WaitsForWindow")
    assert condition(scene.milvus, "MilvusUpdated")["status"] == "False"
    assert condition(scene.milvus, "Ready")["status"] == "True"
    assert BEGUN not in status_of(scene.milvus)
    await annotated(scene, {NOW: str(generation)})
    await scene.until(lambda now: settled(now, NAME, generation))
    assert scene.now[ETCD]["metadata"]["uid"] != member
    assert set(templates(scene.now).values()).isdisjoint(before.values())
    assert BEGUN not in status_of(scene.milvus)
    page = await scene.chronicle.user.list(EVENT, Selection(scene.namespace))
    events = [event for event in page.items if event["reason"] == "ProgressingWaitsForWindow"]
    assert {event["type"] for event in events} == {"Normal"}


def pods_of(now: Now, component: str) -> int:
    return int(status_of(deployment(now, component)).get("availableReplicas", 0))


async def what_began_is_finished_though_the_window_closes_and_operators_die(scene: Scene, _: Clock) -> None:
    await scene.settles(spec(ALWAYS))
    before = templates(scene.now)
    scene.keeper.series = Series(CRASH, 1, 6)
    await scene.apply(spec(ALWAYS, image=NEW))
    await scene.until(partial(has_begun, before))
    noted = status_of(scene.milvus)[BEGUN]
    assert noted["before"] == before
    begun = len(scene.changes_of_all)
    generation = await scene.apply(spec(NOT_TODAY, image=NEW))
    await scene.until(lambda now: settled(now, NAME, generation))
    deaths, scene.keeper.series = scene.keeper.deaths, Series()
    assert deaths >= 2
    changes = scene.changes_of_all
    closed = next(c.version for c in changes[begun:] if c.name.plural == MILVUS.plural)
    late = [name for version, name in replaced(changes, before) if version > closed]
    assert len(late) >= 2, late
    assert BEGUN not in status_of(scene.milvus)
    # And what comes after it waits again.
    after = templates(scene.now)
    await scene.apply(spec(NOT_TODAY, image=NEW, podLabels={"late": "yes"}))
    await scene.until(partial(says, "waits for a maintenance window"))
    await asyncio.sleep(A_WHILE)
    assert templates(scene.now) == after


async def a_note_is_written_before_the_first_is_replaced(scene: Scene, _: Clock) -> None:
    await scene.settles(spec(ALWAYS))
    before = templates(scene.now)
    await scene.settles(spec(ALWAYS, image=NEW))
    changes = scene.changes_of_all[scene.begun :]
    first = replaced(changes, before)[0][0]
    notes = [c.version for c in changes if c.name.plural == MILVUS.plural and BEGUN in status_of(c.body)]
    assert notes[0] < first


async def it_begins_by_itself_when_a_window_opens(scene: Scene, clock: Clock) -> None:
    await scene.settles(spec(AT_ONE))
    before = templates(scene.now)
    clock.set(OPENS - timedelta(seconds=6))
    generation = await scene.apply(spec(AT_ONE, image=NEW))
    await scene.until(partial(says, "the next one opens 2026-11-28T01:00:00Z"))
    assert templates(scene.now) == before
    assert clock() < OPENS
    await scene.until(partial(has_begun, before))
    assert OPENS <= clock() < OPENS + timedelta(seconds=5)
    await scene.until(lambda now: settled(now, NAME, generation))


ACTS: tuple[Act, ...] = (
    outside_nothing_is_replaced_and_numbers_change_until_somebody_lets_it_begin,
    what_began_is_finished_though_the_window_closes_and_operators_die,
    a_note_is_written_before_the_first_is_replaced,
    it_begins_by_itself_when_a_window_opens,
)


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    """Put a clock on the wall of every operator, and have new query nodes count after 2 s, not 15."""
    found = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operator, "Observer", partial(Observer, wall=found))
        patch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 2, "streamingnode": 2})
        yield found


@pytest.fixture(scope="module")
def played(ground: Path, clock: Clock) -> dict[str, BaseException | None]:

    async def play(chronicle: Chronicle, act: Act) -> None:
        async with staged(chronicle) as scene:
            await act(scene, clock)

    return asyncio.run(all_played(ground, ACTS, play))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_windows(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
