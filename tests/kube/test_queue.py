"""The work queue keeps the promises of client-go's (rule 4 of the runtime)."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from glede.kube.objects import Key
from glede.kube.queue import FIRST_DELAY, LONGEST_DELAY, URGENT_IN_A_ROW, WorkQueue

KEYS = [Key("kites", f"nest-{number}") for number in range(4)]
ONE, TWO, *_ = KEYS


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def drain(queue: WorkQueue) -> list[Key]:
    keys = []
    while (key := queue.take()) is not None:
        keys.append(key)
        queue.done(key)
    return keys


class Promises(RuleBasedStateMachine):
    """Whatever is added is given, never to two workers at once, and no more often than was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = WorkQueue(clock=self.clock, random=lambda: 0.5)
        self.running: list[Key] = []
        self.ready: set[Key] = set()
        self.again: set[Key] = set()
        self.due: dict[Key, float] = {}

    def expect(self, key: Key) -> None:
        self.due.pop(key, None)
        (self.again if key in self.running else self.ready).add(key)

    def plan(self, key: Key, seconds: float) -> None:
        if key not in self.ready | self.again:
            due = self.clock.now + seconds
            self.due[key] = min(due, self.due.get(key, due))

    @rule(key=st.sampled_from(KEYS), urgent=st.booleans(), early=st.booleans())
    def add(self, key: Key, urgent: bool, early: bool) -> None:
        self.queue.add(key, urgent=urgent, early=early)
        self.expect(key)

    @rule(key=st.sampled_from(KEYS), seconds=st.floats(0, 100))
    def add_after(self, key: Key, seconds: float) -> None:
        self.queue.add_after(key, seconds)
        self.plan(key, seconds)

    @rule(key=st.sampled_from(KEYS), at_least=st.sampled_from([0.0, 5.0]))
    def retry(self, key: Key, at_least: float) -> None:
        seconds = self.queue.retry(key, at_least=at_least)
        assert max(FIRST_DELAY, at_least) <= seconds <= LONGEST_DELAY
        self.plan(key, seconds)

    @rule(key=st.sampled_from(KEYS))
    def forget(self, key: Key) -> None:
        self.queue.forget(key)

    @rule(seconds=st.floats(0, 50))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def take(self) -> None:
        for planned, due in list(self.due.items()):
            if due <= self.clock.now:
                self.expect(planned)
        key = self.queue.take()
        assert key not in self.running
        if key is None:
            assert not self.ready
        else:
            self.ready.remove(key)
            self.running.append(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.running))
        self.running.remove(key)
        self.queue.done(key)
        if key in self.again:
            self.again.remove(key)
            self.ready.add(key)

    @invariant()
    def as_deep_as_expected(self) -> None:
        assert self.queue.depth == len(self.ready)

    def teardown(self) -> None:
        """In the end each key that anything was asked for is given, once."""
        for running in self.running:
            self.queue.done(running)
        self.clock.now += 101
        assert sorted(drain(self.queue)) == sorted(self.ready | self.again | set(self.due))


TestRule4ThePromises = Promises.TestCase
TestRule4ThePromises.settings = settings(max_examples=150, stateful_step_count=40)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    queue = WorkQueue(clock=clock, random=lambda: 0.5)
    queue.take()
    return queue


def test_rule_4_a_fresh_edit_passes_the_start_up_list(queue: WorkQueue) -> None:
    for key in KEYS:
        queue.add(key, urgent=False)
    queue.add(KEYS[-1], urgent=True)
    assert drain(queue) == [KEYS[-1], *KEYS[:-1]]


def test_rule_4_a_stream_of_edits_starves_no_ordinary_key(queue: WorkQueue) -> None:
    queue.add(ONE, urgent=False)
    for number in range(20):
        queue.add(Key("kites", f"edit-{number}"), urgent=True)
    assert drain(queue).index(ONE) == URGENT_IN_A_ROW


def test_rule_4_an_edit_from_before_the_start_passes_the_start_up_list() -> None:
    queue = WorkQueue()
    first, edited, later = KEYS[:3]
    queue.add(first)
    queue.add(edited, early=True)
    queue.add(later, urgent=False, early=True)

    assert drain(queue) == [edited, first, later]


def test_rule_4_what_waited_on_a_standby_is_a_start_up_list_too(clock: Clock) -> None:
    queue = WorkQueue(clock=clock)
    queue.add(ONE, urgent=True)
    clock.now += 3600
    assert queue.oldest_age() == 0
    assert queue.take() == ONE
    queue.done(ONE)
    queue.add(ONE, urgent=False)
    queue.add(TWO, urgent=True)
    assert drain(queue) == [TWO, ONE]


def test_rule_4_back_off_doubles_up_to_a_minute_and_begins_anew(queue: WorkQueue) -> None:
    delays = [queue.retry(ONE) for _ in range(40)]
    assert delays[:3] == pytest.approx([0.05, 0.1, 0.2])
    assert delays[-1] == LONGEST_DELAY
    queue.forget(ONE)
    assert queue.retry(ONE) == pytest.approx(FIRST_DELAY)


@pytest.mark.parametrize(("draw", "expected"), [(0.0, 0.045), (1.0, 0.055)])
def test_rule_4_back_off_has_ten_percent_of_jitter(draw: float, expected: float) -> None:
    assert WorkQueue(random=lambda: draw).retry(ONE) == pytest.approx(expected)


def test_rule_4_a_retry_keeps_its_priority(queue: WorkQueue, clock: Clock) -> None:
    queue.add(ONE, urgent=True)
    assert queue.take() == ONE
    queue.add(TWO, urgent=False)
    queue.retry(ONE)
    queue.done(ONE)
    clock.now += 1
    assert drain(queue) == [ONE, TWO]


def test_the_oldest_age_counts_waiting_and_wanted_again(queue: WorkQueue, clock: Clock) -> None:
    assert queue.oldest_age() == 0
    queue.add(ONE, urgent=False)
    clock.now += 10
    queue.add(ONE, urgent=True)
    assert queue.oldest_age() == 10
    queue.take()
    assert queue.oldest_age() == 0
    queue.add(ONE, urgent=True)
    clock.now += 7
    assert queue.depth == 0
    assert queue.oldest_age() == 7


def test_many_plans_for_one_key_do_not_pile_up(queue: WorkQueue, clock: Clock) -> None:
    for _ in range(10_000):
        queue.add_after(ONE, 600)
        queue.add(ONE, urgent=True)
        assert drain(queue) == [ONE]
        clock.now += 0.001
    assert len(queue._heap) < 200
    queue.add_after(ONE, 600)
    clock.now += 601
    assert drain(queue) == [ONE]
