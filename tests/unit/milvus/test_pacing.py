"""When a new status may be written."""

import pytest
from tests.unit.milvus.clocks import Clock

from glede.milvus.pacing import ANSWER_SECONDS, COUNTERS_SECONDS, STANDING_SECONDS, Pacing

STANDS = {"status": "Healthy", "conditions": [{"type": "EtcdReady", "status": "True"}]}
UNKNOWN = {"status": "Healthy", "conditions": [{"type": "EtcdReady", "status": "Unknown"}]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacing(clock: Clock) -> Pacing:
    return Pacing(clock)


@pytest.mark.parametrize(("old", "seconds"), [({}, ANSWER_SECONDS), (STANDS, STANDING_SECONDS)])
def test_an_answer_is_waited_for_longer_where_something_stands(
    pacing: Pacing, clock: Clock, old: dict[str, object], seconds: float
) -> None:
    assert pacing.wait("u", old, UNKNOWN, asking=True) == seconds
    clock.now += seconds - 1
    assert pacing.wait("u", old, UNKNOWN, asking=True) == 1
    clock.now += 1
    assert pacing.wait("u", old, UNKNOWN, asking=True) <= 0


def test_an_answer_that_came_begins_the_wait_anew(pacing: Pacing, clock: Clock) -> None:
    pacing.wait("u", STANDS, UNKNOWN, asking=True)
    clock.now += 10
    assert pacing.wait("u", STANDS, UNKNOWN, asking=False) == 0
    assert pacing.wait("u", STANDS, UNKNOWN, asking=True) == STANDING_SECONDS


def test_what_weighs_is_written_at_once_and_counters_now_and_then(pacing: Pacing, clock: Clock) -> None:
    counted = {**STANDS, "componentsDeployStatus": {"proxy": {"readyReplicas": 1}}}
    pacing.wrote("u")
    clock.now += 1
    assert pacing.wait("u", STANDS, UNKNOWN, asking=False) == 0
    assert pacing.wait("u", STANDS, counted, asking=False) == COUNTERS_SECONDS - 1
    assert pacing.wait("another", STANDS, counted, asking=False) <= 0


def test_nothing_is_known_of_one_that_is_gone(pacing: Pacing, clock: Clock) -> None:
    pacing.wrote("u")
    pacing.wait("u", {}, UNKNOWN, asking=True)
    clock.now += 1
    pacing.forget("u")
    assert pacing.wait("u", {}, UNKNOWN, asking=True) == ANSWER_SECONDS
