"""What answers to the canary search mean for a rollout: sequences of them, and what is told after each."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.milvus.canarysearch.collection import Finding, Result
from glede.milvus.canarysearch.record import FRESH, NEEDED, Record, answered, moved, remembered, verdict
from glede.milvus.observed import Searched

BEGIN = datetime(2026, 11, 27, 5, 0, 0, tzinfo=UTC)
DEADLINE = 600.0
BAD: tuple[Result, ...] = ("empty", "short", "late", "error")
ALL_OK: tuple[Result, ...] = ("ok",) * 20


@dataclass
class Story:
    """Answers a second apart, to a manifest of generation 2 that has not been well yet."""

    record: Record = field(default_factory=Record)
    at: str = ""
    generation: int = 2
    proven: bool = False
    seconds: float = 0.0

    def hears(self, *results: Result) -> Searched:
        for result in results:
            self.seconds += 1
            finding = Finding(result, "" if result in ("ok", "making") else "words")
            now = written(self.seconds)
            self.record = answered(self.record, finding, self.at, now=now, moment=self.seconds)
        return self.tells()

    def replaces(self, component: str) -> Searched:
        self.at = component
        self.record = moved(self.record, component, self.generation)
        return self.tells()

    def tells(self) -> Searched:
        return verdict(self.record, self.generation, DEADLINE, self.seconds, proven=self.proven)


def written(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def well() -> Story:
    story = Story()
    story.hears("ok", "ok", "ok")
    return story


def test_a_step_begins_after_three_answers_in_a_row_that_are_ok() -> None:
    story = Story()
    assert story.tells().shut == "the canary search has not been answered yet"
    assert story.hears("ok", "ok").shut == "the canary search has to be ok 3 times in a row"
    assert not story.hears("ok").shut
    assert story.hears("empty").shut == "the canary search is not ok: empty: words"
    assert story.hears("ok", "ok").shut == "the canary search is not ok: empty: words"
    assert not story.hears("ok").shut


def test_answers_count_from_the_end_of_the_step_before() -> None:
    story = well()
    assert story.replaces("mixcoord").shut
    assert story.hears(*ALL_OK).shut, "it says nothing of what is not done yet"
    assert story.replaces("").shut
    assert story.hears("ok", "ok").shut
    assert not story.hears("ok").shut


def test_an_old_answer_opens_nothing() -> None:
    story = well()
    story.seconds += FRESH + 1
    assert story.tells().shut == "the canary search has not been made lately"


def test_a_collection_that_is_being_made_says_nothing_of_the_milvus() -> None:
    story = Story()
    assert story.hears("making").shut == "the collection of the canary search is being made"
    assert not story.tells().failing.words
    assert story.tells().told == {"result": "making"}


@pytest.mark.parametrize("bad", BAD)
def test_a_change_that_began_well_fails_a_deadline_after_it_turned_bad(bad: Result) -> None:
    story = well()
    story.replaces("mixcoord")
    story.hears("ok", bad)
    turned = story.seconds
    story.replaces("")
    failing = story.hears(bad, "ok", "ok", bad).failing
    assert failing.words == f"the canary search is not ok since {written(turned)}: {bad}: words"
    assert failing.since == written(turned + DEADLINE)
    assert story.tells().probation == story.tells().shut != ""
    assert not story.hears("ok", "ok", "ok").failing.words, "three in a row end it"
    assert not story.tells().probation


def test_what_was_bad_before_the_change_only_holds() -> None:
    story = well()
    found = story.hears("empty")
    assert (found.failing.words, found.probation) == ("", "")
    assert found.shut
    story.replaces("mixcoord")  # one that was not whole is mended meanwhile
    assert not story.hears("empty").failing.words


def test_a_manifest_that_was_well_once_is_not_taken_back() -> None:
    story = well()
    story.replaces("mixcoord")
    story.hears("ok")
    story.replaces("")
    story.hears("ok", "ok", "ok")
    story.proven = True
    found = story.hears("empty")
    assert (found.failing.words, found.probation) == ("", "")
    assert found.shut


def test_an_edit_after_the_step_is_another_change() -> None:
    story = well()
    story.replaces("mixcoord")
    story.hears("empty")
    story.replaces("")
    assert story.tells().failing.words
    story.generation = 3
    assert not story.tells().failing.words


def test_another_operator_goes_on_from_the_status() -> None:
    story = well()
    story.replaces("mixcoord")
    story.replaces("")
    before = story.hears("short", "ok")
    story.record = remembered(before.told)
    assert story.tells().shut
    after = story.hears("empty")
    assert after.failing.since == before.failing.since
    story.record = remembered(well().tells().told)
    assert story.hears("ok", "ok").shut
    assert not story.hears("ok").shut


def test_the_status_tells_since_when() -> None:
    story = well()
    assert story.tells().told == {"result": "ok", "since": written(3)}
    story.hears("ok", "empty", "late", "ok")
    assert story.tells().told == {"result": "late", "message": "words", "since": written(5)}
    assert story.hears("ok", "ok").told["since"] == written(9)


STEPS = st.lists(st.sampled_from(["ok", *BAD, "making", "begin", "end"]), max_size=60)


@given(STEPS)
def test_the_gate_is_open_after_three_in_a_row_at_rest_and_never_else(steps: list[str]) -> None:
    story, last = Story(), list[str]()
    for step in steps:
        if step in ("begin", "end"):
            story.replaces("querynode" if step == "begin" else "")
            last += [step] if step == "begin" else []
        else:
            story.hears(step)  # type: ignore[arg-type]
            last.append("begin" if story.at else step)
        rested = len(last) >= NEEDED and set(last[-NEEDED:]) == {"ok"}
        assert (not story.tells().shut) == rested
        assert story.tells().failing.words == "" or story.record.fault is not None
