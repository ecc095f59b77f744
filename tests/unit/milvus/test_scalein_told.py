"""What is told of a scale-in that goes step by step, or no further."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.fewer import NOTHING, asking, pods, running
from tests.unit.milvus.snapshots import changed, intent, judged, whole

from glede.milvus.announce import Announcement, announcements
from glede.milvus.conditions import Condition
from glede.milvus.health import examine
from glede.milvus.intent import Intent
from glede.milvus.loads.catalogue import part_of
from glede.milvus.observed import Loads, Observed
from glede.milvus.rollout import Rollout
from glede.milvus.scalein import scale_in
from glede.milvus.situation import Situation
from glede.milvus.status import status

NOW = "2026-11-26T12:00:00Z"
BOOKS = Loads(2, "books (7)")


def told(wanted: Intent, observed: Observed, **values: Any) -> dict[str, Any]:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    states, _ = judged(wanted, observed)
    fewer = scale_in(wanted.resolved, wanted.desired, observed, states)
    health = examine(wanted.resolved, states, observed, fewer.kept)
    situation = Situation(
        wanted.milvus,
        wanted.resolved,
        wanted.problems,
        health,
        observed,
        NOW,
        "tool",
        scale_in=fewer,
        **values,
    )
    return status(situation)


def condition(found: dict[str, Any], type_: str) -> Condition:
    one = next(c for c in found["conditions"] if c["type"] == type_)
    return Condition(one["type"], one["status"], one["reason"], one["message"])


def test_a_step_is_on_its_way() -> None:
    wanted = asking(1)
    found = told(wanted, Observed(running(wanted, 2), pods(3, deleting=True), loads=NOTHING))
    progressing = condition(found, "Progressing")
    assert (progressing.status, progressing.reason) == ("True", "Rolling")
    assert progressing.message == (
        "queryNode goes from 2 pods to 1, one at a time: waits until pod kite-milvus-querynode-2 has ended"
    )
    assert condition(found, "Ready").status == "True"
    assert condition(found, "MilvusUpdated").status == "False"
    assert "currentImage" not in found


def test_what_is_held_serves_and_says_why_it_is_more_than_was_asked_for() -> None:
    wanted = asking(1)
    found = told(wanted, Observed(running(wanted, 2), pods(2), loads=BOOKS))
    progressing = condition(found, "Progressing")
    assert (progressing.status, progressing.reason) == ("False", "ScaleInHeld")
    assert "collection books (7) is loaded with 2 in-memory replicas" in progressing.message
    assert condition(found, "Ready").status == "True"
    assert condition(found, "MilvusUpdated").status == "False"
    assert "see Progressing" in condition(found, "MilvusUpdated").message
    # All else of the manifest is followed, and that is what the next one is judged by.
    assert found["currentImage"] == "milvusdb/milvus:v2.3.5"
    assert found["ready"] == "11/11"


def test_one_of_those_that_are_held_is_missed() -> None:
    wanted = asking(1)
    held = running(wanted, 2, ready=1, available=1)
    found = told(wanted, Observed(held, pods(2, ready=False), loads=BOOKS))
    assert condition(found, "Ready").message == "querynode: 1 of 2 pods are available"
    progressing = condition(found, "Progressing")
    assert progressing.status == "True"
    assert progressing.message.startswith("querynode: 1 of 2 pods are available; queryNode is kept at 2 pods")


def test_a_rollout_beside_it_is_told_first() -> None:
    wanted = asking(1)
    held = changed(running(wanted, 2), "kite-milvus-datanode", updated=1)
    at = Rollout("datanode", (next(iter(whole(wanted))),))
    found = told(wanted, Observed(held, pods(2), loads=BOOKS), rollout=at)
    progressing = condition(found, "Progressing")
    assert progressing.status == "True"
    assert progressing.message.startswith("datanode is being replaced; then ")
    assert "; queryNode is kept at 2 pods" in progressing.message


def test_it_is_an_event_once() -> None:
    def one(reason: str, message: str) -> list[dict[str, Any]]:
        return [{"type": "Progressing", "status": "False", "reason": reason, "message": message}]

    rolling, held = one("Rolling", ""), one("ScaleInHeld", "queryNode is kept at 2 pods")
    expected = Announcement("Warning", "ProgressingScaleInHeld", "queryNode is kept at 2 pods")
    assert list(announcements(rolling, held)) == [expected]
    assert not list(announcements(held, held))
    assert not list(announcements(held, one("Complete", "")))


def test_a_manifest_that_asks_for_as_many_is_complete() -> None:
    wanted = intent()
    assert condition(told(wanted, Observed(whole(wanted), loads=BOOKS)), "Progressing").reason == "Complete"


def varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def in_bytes(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


fields = st.one_of(
    st.tuples(st.integers(1, 3000), st.integers(0, 2**63)).map(lambda f: varint(f[0] << 3) + varint(f[1])),
    st.tuples(st.integers(1, 3000), st.binary(min_size=8, max_size=8)).map(
        lambda f: varint(f[0] << 3 | 1) + f[1]
    ),
    st.tuples(st.integers(1, 3000), st.binary(min_size=4, max_size=4)).map(
        lambda f: varint(f[0] << 3 | 5) + f[1]
    ),
    st.tuples(st.integers(3001, 4000), st.binary(max_size=300)).map(lambda f: in_bytes(*f)),
)


@given(st.lists(fields), st.integers(1, 3000), st.binary(max_size=300), st.lists(fields))
def test_a_field_is_found_among_others(
    before: list[bytes], number: int, value: bytes, after: list[bytes]
) -> None:
    message = b"".join([*before, in_bytes(number, value), *after])
    assert part_of(message, number) == value
    assert part_of(b"".join([*before, *after]), number) == b""


@given(st.binary(), st.integers(1, 20))
def test_what_is_no_message_has_no_field_or_one_of_its_own_bytes(junk: bytes, number: int) -> None:
    assert part_of(junk, number) in junk
