"""Query nodes go one at a time, and as many stay as the loaded data need; kwok plays the pods."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.kube import servers
from tests.kube.loaded import Notes
from tests.kube.matrix.chronicle import Change, Chronicle, Name, Now
from tests.kube.matrix.ends import settled
from tests.kube.matrix.manifests import NAME, ONE, cluster, milvus
from tests.kube.matrix.scene import Scene, all_played, condition, deployment, is_rolled, staged
from tests.kube.matrix.sick import LEFT_ALONE

from glede.kube.objects import EVENT, POD, Key, Object
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL
from glede.milvus.scalein import UNSAFE

pytestmark = pytest.mark.timeout(420)

BOOKS = 470737468725919927
# kwok leaves such a pod alone: it does not end.
# So long nothing happens that would have happened: what is loaded is asked each 3 s.
A_WHILE = 5.0

Act = Callable[[Scene, Notes], Coroutine[Any, Any, None]]


def spec(notes: Notes, replicas: int, **components: Any) -> Object:
    wanted = cluster(**{"queryNode": {"replicas": replicas}, "proxy": ONE, **components})
    wanted["dependencies"]["etcd"] = {"external": True, "endpoints": [notes.etcd.endpoint]}
    return {**wanted, "config": {"etcd": {"rootPath": notes.root}}}


def query_nodes(now: Now) -> int:
    return int(deployment(now, "querynode")["spec"]["replicas"])


def down_to(number: int, now: Now) -> str:
    found = query_nodes(now)
    return f"{found} query nodes" if found > number else ""


def says(words: str, now: Now) -> str:
    """Tell what Progressing says as long as it does not say something."""
    told = str(condition(now[Name(MILVUS.plural, NAME)], "Progressing").get("message", ""))
    return "" if words in told else f"it says: {told}"


def has(number: int, words: str, now: Now) -> str:
    """Tell what is lacking until there are so many query nodes and Progressing says something."""
    found = query_nodes(now)
    return says(words, now) if found == number else f"{found} query nodes"


def is_held(number: int, words: str, now: Now) -> str:
    """Tell what is lacking until all but the scale-in is done: the last pod that went has ended too."""
    found = condition(now[Name(MILVUS.plural, NAME)], "Progressing")
    stands = (found.get("status"), found.get("reason")) == ("False", "ScaleInHeld")
    return has(number, words, now) or ("" if stands else f"Progressing is {found}")


def steps(before: Now, changes: Iterable[Change]) -> list[int]:
    """Give the numbers of query nodes in turn; each step must come from a state that is settled."""
    now, found = dict(before), [query_nodes(before)]
    for change in changes:
        if change.type == "DELETED":
            now.pop(change.name, None)
            continue
        if change.name == Name("deployments", f"{NAME}-milvus-querynode"):
            was, number = deployment(now, "querynode"), int(change.body["spec"]["replicas"])
            if number != found[-1]:
                found.append(number)
                assert is_rolled(was), f"at {change.version} to {number} from {was['status']}"
                assert not leaving(now), f"at {change.version} to {number}: {leaving(now)} not ended"
        now[change.name] = change.body
    return found


def leaving(now: Now) -> list[str]:
    return [
        name.name
        for name, body in now.items()
        if name.plural == "pods"
        and body["metadata"].get("labels", {}).get(COMPONENT_LABEL) == "querynode"
        and "deletionTimestamp" in body["metadata"]
    ]


def never_unready(scene: Scene) -> bool:
    return {condition(c.body, "Ready")["status"] for c in scene.changes(MILVUS.plural)} == {"True"}


async def three_become_one_by_way_of_two_though_operators_die(scene: Scene, notes: Notes) -> None:
    await scene.settles(spec(notes, 3))
    notes.load(BOOKS, 1)
    before = dict(scene.now)
    generation = await scene.apply(spec(notes, 1))
    for number in (2, 1):
        await scene.until(partial(down_to, number))
        await scene.keeper.restart()
    await scene.until(lambda now: settled(now, NAME, generation))
    assert steps(before, scene.changes_of_all[scene.begun :]) == [3, 2, 1]
    assert never_unready(scene)
    told = {condition(change.body, "Progressing")["message"] for change in scene.changes(MILVUS.plural)}
    assert any(words.startswith("queryNode goes from 3 pods to 1, one at a time: ") for words in told), told
    assert condition(scene.milvus, "Progressing")["reason"] == "Complete"


async def a_pod_that_has_not_ended_is_waited_for(scene: Scene, notes: Notes) -> None:
    await scene.settles(spec(notes, 3))
    before = dict(scene.now)
    await annotated(scene, LEFT_ALONE)
    generation = await scene.apply(spec(notes, 1))
    await scene.until(partial(has, 2, "has ended"))
    (name,) = leaving(scene.now)
    expected = f"queryNode goes from 2 pods to 1, one at a time: waits until pod {name} has ended"
    assert condition(scene.milvus, "Progressing")["message"] == expected
    await asyncio.sleep(A_WHILE)
    assert query_nodes(scene.now) == 2
    await annotated(scene, dict.fromkeys(LEFT_ALONE))
    await scene.until(lambda now: settled(now, NAME, generation))
    assert steps(before, scene.changes_of_all[scene.begun :]) == [3, 2, 1]


async def annotated(scene: Scene, annotations: Object) -> None:
    """Put annotations on all query nodes."""
    for name, body in list(scene.now.items()):
        if name.plural == POD.plural and body["metadata"]["labels"].get(COMPONENT_LABEL) == "querynode":
            change = {"metadata": {"annotations": annotations}}
            await scene.chronicle.user.patch(POD, Key(scene.namespace, name.name), change)


async def as_many_stay_as_a_collection_has_replicas(scene: Scene, notes: Notes) -> None:
    await scene.settles(spec(notes, 3))
    notes.create(BOOKS, "books")
    notes.load(BOOKS, 3)
    before = dict(scene.now)
    generation = await scene.apply(spec(notes, 1))
    words = f"is kept at 3 pods, not 1: collection books ({BOOKS}) is loaded with 3 in-memory replicas"
    await scene.until(partial(has, 3, words))
    notes.release(BOOKS)
    notes.load(BOOKS, 2)
    await scene.until(partial(is_held, 2, "is kept at 2 pods, not 1: "))
    assert condition(scene.milvus, "MilvusUpdated")["status"] == "False"
    await asyncio.sleep(A_WHILE)
    assert query_nodes(scene.now) == 2
    notes.release(BOOKS)
    await scene.until(lambda now: settled(now, NAME, generation))
    assert steps(before, scene.changes_of_all[scene.begun :]) == [3, 2, 1]
    assert never_unready(scene)
    page = await scene.chronicle.user.list(EVENT, Selection(scene.namespace))
    told = [event for event in page.items if event["reason"] == "ProgressingScaleInHeld"]
    assert told
    assert all(event.get("count", 1) == 1 for event in told)
    assert len(told) <= 2


async def out_goes_at_once_and_in_what_is_held_is_more_than_is_asked_for(scene: Scene, notes: Notes) -> None:
    await scene.settles(spec(notes, 1))
    notes.load(BOOKS, 2)
    before = dict(scene.now)
    await scene.settles(spec(notes, 4))
    numbers = [
        int(c.body["spec"]["replicas"]) for c in scene.changes("deployments") if "querynode" in c.name.name
    ]
    assert sorted(set(numbers)) == [4], numbers
    assert query_nodes(before) == 1
    await scene.apply(spec(notes, 1))
    await scene.until(partial(has, 2, "is kept at 2 pods, not 1: "))
    # All else of the manifest is followed meanwhile, and as many as are held may be asked for.
    await scene.settles(spec(notes, 2, proxy={"replicas": 2}))


async def without_an_answer_of_etcd_they_stay_until_somebody_takes_it_upon_himself(
    scene: Scene, notes: Notes
) -> None:
    await scene.settles(spec(notes, 2))
    assert notes.etcd.process
    notes.etcd.process.kill()
    await scene.apply(spec(notes, 1))
    words = "is kept at 2 pods, not 1: how many the loaded data need cannot be told"
    await scene.until(partial(has, 2, words))
    # A call that etcd's end cuts short is told in other words, once.
    await scene.until(partial(has, 2, "connection refused"))
    await asyncio.sleep(A_WHILE)
    assert query_nodes(scene.now) == 2
    body = milvus(scene.namespace, spec(notes, 1))
    body["metadata"]["annotations"] = {UNSAFE: "true"}
    await scene.chronicle.user.apply(MILVUS, Key(scene.namespace, NAME), body)
    await scene.until(partial(down_to, 1))


async def a_group_that_is_wanted_no_more_stays_while_it_is_needed(scene: Scene, notes: Notes) -> None:
    east, west = ({"name": name, "replicas": 1} for name in ("east", "west"))
    await scene.settles(spec(notes, 0, queryNode={"groups": [east, west]}))
    notes.load(BOOKS, 2)
    generation = await scene.apply(spec(notes, 0, queryNode={"groups": [east]}))
    await scene.until(partial(says, f"{NAME}-milvus-querynode-west: wanted no more, and kept: collection"))
    await asyncio.sleep(A_WHILE)
    gone = Name("deployments", f"{NAME}-milvus-querynode-west")
    assert scene.now[gone]["spec"]["replicas"] == 1
    notes.release(BOOKS)
    await scene.until(lambda now: settled(now, NAME, generation))
    assert gone not in scene.now


ACTS: tuple[Act, ...] = (
    three_become_one_by_way_of_two_though_operators_die,
    a_pod_that_has_not_ended_is_waited_for,
    as_many_stay_as_a_collection_has_replicas,
    out_goes_at_once_and_in_what_is_held_is_more_than_is_asked_for,
    without_an_answer_of_etcd_they_stay_until_somebody_takes_it_upon_himself,
    a_group_that_is_wanted_no_more_stays_while_it_is_needed,
)


async def play(chronicle: Chronicle, folder: Path, act: Act) -> None:
    """Have an operator and an etcd of a Milvus's own, then act."""
    with servers.etcd(folder) as etcd:
        async with staged(chronicle) as scene:
            await act(scene, Notes(etcd, scene.namespace))


@pytest.fixture(scope="module")
def played(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseException | None]:

    async def with_etcd(chronicle: Chronicle, act: Act) -> None:
        await play(chronicle, tmp_path_factory.mktemp("etcd"), act)

    return asyncio.run(all_played(ground, ACTS, with_etcd))


@pytest.mark.parametrize("name", [act.__name__ for act in ACTS])
def test_scale_in(played: dict[str, BaseException | None], name: str) -> None:
    if error := played[name]:
        raise error
