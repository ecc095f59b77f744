"""A Milvus that is stopped, and started again: what goes and comes first, and what waits for it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.milvus.fewer import counts, pods
from tests.unit.milvus.snapshots import changed, intent, judged, whole

from glede.milvus.desired import Ref, ref_of
from glede.milvus.halt import Halt, halt
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.plan import plan
from glede.milvus.podviews import PodView
from glede.milvus.views import Held, WorkloadView

OLD = ("proxy", "querynode", "datanode", "indexnode", "mixcoord")
NEW = ("proxy", "querynode", "datanode", "streamingnode", "mixcoord")
IMAGES = {"milvusdb/milvus:v2.3.5": OLD, "milvusdb/milvus:v2.6.18": NEW}
FIELDS = {"querynode": "queryNode", "datanode": "dataNode", "indexnode": "indexNode", "mixcoord": "mixCoord"}
FIELDS |= {"streamingnode": "streamingNode", "proxy": "proxy"}


def asking(image: str, replicas: int) -> Intent:
    parts = {FIELDS[name]: {"replicas": replicas} for name in IMAGES[image]}
    return intent(components={"image": image, **parts})


def there(wanted: Intent, running: dict[str, int]) -> dict[Ref, Held]:
    held = whole(wanted)
    for name, number in running.items():
        held = changed(held, f"kite-milvus-{name}", **counts(number))
    return held


def decided(
    wanted: Intent, held: dict[Ref, Held], found: tuple[PodView, ...] = ()
) -> tuple[Halt, dict[str, int]]:
    """Give what is decided, and how many pods each component is to have now."""
    assert wanted.resolved is not None
    assert wanted.desired is not None
    observed = Observed(held, found)
    step = plan(wanted.resolved, wanted.desired, observed, *judged(wanted, observed))
    numbers = {
        ref_of(obj).key.name.removeprefix("kite-milvus-"): obj["spec"]["replicas"]
        for obj in step.apply
        if obj["kind"] == "Deployment"
    }
    return halt(wanted.resolved, wanted.desired, observed), numbers


@pytest.mark.parametrize(
    ("image", "order"),
    [
        ("milvusdb/milvus:v2.3.5", [{"proxy"}, {"querynode", "datanode", "indexnode"}, {"mixcoord"}]),
        (
            "milvusdb/milvus:v2.6.18",
            [{"proxy"}, {"querynode", "datanode"}, {"streamingnode"}, {"mixcoord"}],
        ),
    ],
)
def test_all_go_in_their_order_and_come_the_other_way_round(image: str, order: list[set[str]]) -> None:
    now = dict.fromkeys(IMAGES[image], 2)
    wanted = asking(image, 0)
    for stage in order:
        told, numbers = decided(wanted, there(wanted, now))
        assert {name for name in now if numbers[name] == 0} == stage | {n for n in now if now[n] == 0}
        assert bool(told.going) == (stage != order[-1])
        now |= dict.fromkeys(stage, 0)
    assert decided(wanted, there(wanted, now))[0] == Halt()

    wanted = asking(image, 2)
    # Streaming nodes and coordinators may ask for each other.
    back = [{"mixcoord", "streamingnode"} & set(now), order[1], order[0]]
    for stage in back:
        told, numbers = decided(wanted, there(wanted, now))
        assert {name for name in now if numbers[name] == 2 and now[name] == 0} == stage
        assert bool(told.going) == (stage != back[-1])
        now |= dict.fromkeys(stage, 2)
    assert decided(wanted, there(wanted, now))[0] == Halt()


def test_a_pod_that_still_ends_is_waited_for_and_named() -> None:
    wanted = asking("milvusdb/milvus:v2.3.5", 0)
    held = there(wanted, {"querynode": 2, "datanode": 2, "indexnode": 2, "mixcoord": 2})
    told, numbers = decided(wanted, held, pods(1, "proxy", deleting=True))
    assert numbers["querynode"] == 2
    assert told.going == "is being stopped: proxy first; waits until pod kite-milvus-proxy-0 has ended"
    assert decided(wanted, held)[1]["querynode"] == 0


def test_a_pod_in_trouble_is_not_waited_for() -> None:
    """It may lack what waits for it."""
    wanted = asking("milvusdb/milvus:v2.3.5", 2)
    held = there(wanted, dict.fromkeys(OLD, 0))
    held = changed(held, "kite-milvus-mixcoord", **counts(2, ready=0, available=0))
    assert decided(wanted, held, pods(2, "mixcoord", ready=False))[1]["querynode"] == 0
    crashing: dict[str, Any] = {"ready": False, "trouble": "container mixcoord: CrashLoopBackOff"}
    assert decided(wanted, held, pods(2, "mixcoord", **crashing))[1]["querynode"] == 2


def test_what_runs_is_left_alone_whatever_is_missing() -> None:
    wanted = asking("milvusdb/milvus:v2.3.5", 2)
    held = there(wanted, {})
    held = changed(held, "kite-milvus-mixcoord", **counts(2, ready=0, available=0))
    told, numbers = decided(wanted, held)
    assert told == Halt()
    assert set(numbers.values()) == {2}


def test_one_component_without_pods_keeps_nobody_waiting() -> None:
    wanted = intent(components={"image": "milvusdb/milvus:v2.3.5", "dataNode": {"replicas": 0}})
    held = changed(whole(wanted), "kite-milvus-proxy", **counts(0))
    told, numbers = decided(wanted, held)
    assert told == Halt()
    assert numbers["proxy"] > 0
    assert numbers["datanode"] == 0


def test_what_is_being_deleted_is_nothing_to_wait_for() -> None:
    wanted = asking("milvusdb/milvus:v2.3.5", 0)
    held = {
        ref: replace(view, owned=replace(view.owned, deleting=True))
        if isinstance(view, WorkloadView)
        else view
        for ref, view in there(wanted, dict.fromkeys(OLD, 2)).items()
    }
    assert decided(wanted, held)[0] == Halt()
