"""When a defragmentation pays, when a change waits for a snapshot of etcd, and where that goes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.milvus.desired import Desired
from glede.milvus.intent import Intent
from glede.milvus.members import next_member
from glede.milvus.observed import Observed, Upkeep
from glede.milvus.plan import plan
from glede.milvus.podviews import PodView
from glede.milvus.probe.target import UnreachableError
from glede.milvus.progress import progressing
from glede.milvus.rollout import rollout
from glede.milvus.situation import Situation
from glede.milvus.switches import defragments, snapshots_of
from glede.milvus.upkeep import bucket
from glede.milvus.upkeep.change import TRIES, Change
from glede.milvus.upkeep.place import Ward, ward_of
from glede.milvus.upkeep.sizes import Alarm, Member, Rule, alarms_of, has_room, member_of, unfit, worthwhile
from glede.milvus.upkeep.turn import Turn, is_steady, turn_of

MB, GB = 1 << 20, 1 << 30
NOSPACE = [Alarm("1", "NOSPACE")]
HELD = Upkeep("a snapshot of etcd is made first", holds=True)
BUSY = Upkeep("etcd is being defragmented", holds=True, busy=True)
KEYS = {"kite-minio": {"accesskey": b"kite", "secretkey": b"long-enough"}}


def members(*sizes: tuple[int, int], quota: int = 4 * GB, leader: int = 1) -> list[Member]:
    return [
        Member(f"e{number}", str(number), str(leader), size, used, quota)
        for number, (size, used) in enumerate(sizes, start=1)
    ]


def paying(found: list[Member], alarms: list[Alarm] | None = None) -> list[str]:
    return [member.endpoint for member in worthwhile(found, alarms or [], Rule())]


@pytest.mark.parametrize(
    ("size", "used", "pays"),
    [
        (200 * MB, 90 * MB, True),
        (200 * MB, 100 * MB, True),
        # Less than 100 MiB are to be had; less than the share of the size.
        (199 * MB, 100 * MB, False),
        (GB, 600 * MB, False),
        (700 * MB, 385 * MB, True),
        # It would be blocked for too long.
        (GB, 400 * MB, True),
        (GB, 401 * MB, False),
        (0, 0, False),
        (10 * MB, 20 * MB, False),
    ],
)
def test_a_share_and_a_floor(size: int, used: int, pays: bool) -> None:
    other = (10 * MB, 10 * MB)
    assert paying(members((size, used), other, other)) == (["e1"] if pays else [])


def test_the_leader_is_last_wherever_it_is() -> None:
    free = (400 * MB, MB)
    assert paying(members(free, free, free, leader=1)) == ["e2", "e3", "e1"]
    assert paying(members(free, free, free, leader=2)) == ["e1", "e3", "e2"]


def test_where_space_runs_out_whatever_can_be_had_pays() -> None:
    full, other = (3400 * MB, 3390 * MB), (100 * MB, 99 * MB)
    assert paying(members(full, full, full, leader=3)) == ["e1", "e2", "e3"]
    assert paying(members(other, other, other)) == []
    assert paying(members(other, other, other, leader=3), NOSPACE) == ["e1", "e2", "e3"]
    assert paying(members((100 * MB, 100 * MB)), NOSPACE) == []


def test_a_single_member_is_blocked_only_where_space_runs_out() -> None:
    free = (2 * GB, MB)
    assert paying(members(free)) == []
    assert paying(members(free), NOSPACE) == ["e1"]
    assert paying(members(free, quota=2 * GB)) == ["e1"]


def test_an_alarm_is_ended_only_where_it_would_not_come_back() -> None:
    assert has_room(members((GB, GB)))
    assert not has_room(members((4 * GB - 1, MB)))
    assert not has_room(members((GB, MB), quota=0))


def test_what_is_told_is_read() -> None:
    told = {"header": {"member_id": "7"}, "leader": "7", "dbSize": "20", "dbSizeInUse": "5"}
    assert member_of("e", told, 100) == Member("e", "7", "7", 20, 5, 100)
    assert member_of("e", {**told, "dbSizeQuota": "90", "isLearner": True}, 100).quota == 90
    assert alarms_of({"alarms": [{"memberID": "7", "alarm": "NOSPACE"}]}) == [Alarm("7", "NOSPACE")]
    assert alarms_of({}) == []
    others: list[dict[str, Any]] = [{}, {"header": {}}, {"header": None}, {**told, "dbSize": "many"}]
    for wrong in others:
        with pytest.raises(UnreachableError, match="does not answer as etcd does"):
            member_of("e", wrong, 0)


def test_no_member_is_blocked_where_they_do_not_agree() -> None:
    found = members((GB, MB), (GB, MB), (GB, MB))
    assert unfit(found, []) == unfit(found, NOSPACE) == ""
    assert "agree" in unfit([*found[:2], replace(found[2], leader="2")], [])
    assert "agree" in unfit([replace(one, leader="0") for one in found], [])
    assert "learner" in unfit([*found[:2], replace(found[2], learner=True)], [])
    assert "CORRUPT" in unfit(found, [*NOSPACE, Alarm("1", "CORRUPT")])


def test_a_snapshot_is_tried_and_gone_on_without() -> None:
    change = Change("r")
    for _ in range(TRIES - 1):
        assert not change.failed("the store is away", "try")
        assert change.state("try").holds
    assert change.failed("the store is away", "try")
    assert change.state("try") == Upkeep("without a snapshot of etcd: the store is away")
    assert Change("r").failed("it is Azure", "try", for_good=True)


def test_a_snapshot_that_is_required_is_waited_for() -> None:
    change = Change("r")
    for for_good in (False, True) * TRIES:
        assert not change.failed("the store is away", "required", for_good=for_good)
    assert change.state("required").holds
    assert change.state("off") == Upkeep()
    change.made()
    assert change.state("required") == change.state("try") == Upkeep()


def test_annotations_are_words_of_a_few() -> None:
    assert [snapshots_of({"glede.io/etcd-snapshots": word}) for word in ("off", "required", "no")] == [
        *("off", "required", "try")
    ]
    assert snapshots_of({}) == "try"
    assert defragments({})
    assert not defragments({"glede.io/etcd-defragmentation": "off"})


def pods(*revisions: str, ready: bool = True) -> tuple[PodView, ...]:
    return tuple(
        PodView(ref_key(f"kite-etcd-{at}"), "kite", "etcd", ready or at > 0, False, "", revision=revision)
        for at, revision in enumerate(revisions)
    )


def observed(wanted: Intent, found: tuple[PodView, ...], upkeep: Upkeep, **values: Any) -> Observed:
    held = changed(whole(wanted), "kite-etcd", revision="new", **values)
    return Observed(held, found, upkeep=upkeep)


def test_members_that_serve_stay_while_they_are_held() -> None:
    wanted = intent()
    states, _ = judged(wanted, observed(wanted, pods("old", "old", "old"), HELD))
    assert next_member(states)
    assert next_member(states, HELD) is None
    assert next_member(states, Upkeep("without a snapshot of etcd: …"))
    # One that serves nobody goes, but for the one that may be at work.
    broken, _ = judged(wanted, observed(wanted, pods("old", "old", "old", ready=False), HELD, available=2))
    going = next_member(broken, HELD)
    assert going
    assert going.pod.key.name == "kite-etcd-0"
    assert next_member(broken, BUSY) is None


def test_members_of_others_wait_for_those_of_etcd_that_are_held() -> None:
    wanted = intent()
    store = PodView(ref_key("kite-minio-0"), "kite", "storage", True, False, "", revision="old")
    found = observed(wanted, (*pods("new", "new", "old"), store), HELD)
    states, _ = judged(wanted, found)
    assert next_member(states, found.upkeep) is None


def test_the_plan_and_what_is_told_follow() -> None:
    wanted = intent()
    assert wanted.resolved
    assert isinstance(wanted.desired, Desired)
    found = observed(wanted, pods("old", "old", "old"), HELD)
    states, health = judged(wanted, found)
    assert plan(wanted.resolved, wanted.desired, found, states, health).replace is None
    free = replace(found, upkeep=Upkeep())
    assert plan(wanted.resolved, wanted.desired, free, states, health).replace
    situation = Situation(
        milvus=wanted.milvus,
        resolved=wanted.resolved,
        problems=(),
        health=health,
        observed=found,
        now="2026-01-01T00:00:00Z",
        tool_image="",
        rollout=rollout(wanted.resolved, wanted.desired, found),
    )
    told = progressing(situation)
    assert (told.status, told.reason) == ("True", "Rolling")
    assert told.message.endswith("; a snapshot of etcd is made first")


def test_a_change_is_due_when_its_first_member_could_go() -> None:
    wanted = intent()
    assert wanted.resolved

    def turn(*revisions: str, **values: Any) -> Turn:
        assert wanted.resolved
        return turn_of(wanted.resolved, observed(wanted, pods(*revisions), Upkeep(), **values))

    assert turn("new", "new", "new") == ("", False)
    assert turn("old", "old", "old") == ("new", True)
    assert turn("old", "old", "new") == ("new", True)
    assert turn("old", "old", "old", available=2) == ("new", False)
    assert turn("old", "old", "old", current=False) == ("", False)
    assert is_steady(wanted.resolved, observed(wanted, pods("new", "new", "new"), Upkeep()))
    assert not is_steady(wanted.resolved, observed(wanted, pods("new", "new", "old"), Upkeep()))
    assert not is_steady(wanted.resolved, observed(wanted, pods("new", "new"), Upkeep()))


def ward(secrets: Any = KEYS, **spec: Any) -> Ward:
    found = intent(**spec).resolved
    assert found
    place = ward_of(found, secrets)
    assert place
    return place


def test_snapshots_are_in_the_milvus_s_own_bucket() -> None:
    found = ward()
    assert found.store.endpoints == ("kite-minio.birds:9000",)
    assert (found.store.bucket, found.folder) == ("kite", "files/glede/etcd/")
    assert found.store.tls is None
    assert found.etcd.endpoints[0] == "kite-etcd-0.kite-etcd-headless.birds:2379"
    assert (found.quota, found.impossible) == (4 * GB, "")
    own = ward(
        config={"minio": {"bucketName": "mine", "rootPath": "/deep/down/", "useSSL": True}},
        dependencies={
            "storage": {"inCluster": {"values": {"bucketName": "theirs"}}},
            "etcd": {
                "inCluster": {
                    "values": {"extraEnvVars": [{"name": "ETCD_QUOTA_BACKEND_BYTES", "value": "8589934592"}]}
                }
            },
        },
    )
    assert (own.store.bucket, own.folder, own.quota) == ("theirs", "deep/down/glede/etcd/", 8 * GB)
    assert own.store.tls is None


def test_where_no_snapshot_can_be_made_is_known_beforehand() -> None:
    azure = {"storage": {"external": True, "type": "Azure", "endpoint": "a.blob.core.windows.net:443"}}
    nobody = {"storage": {"external": True, "endpoint": "s3.amazonaws.com:443", "type": "S3"}}
    assert "Azure" in ward(dependencies=azure).impossible or "azure" in ward(dependencies=azure).impossible
    assert "secretRef names no Secret" in ward(dependencies=nobody).impossible
    assert "kite-minio does not exist" in ward({}).impossible


def test_an_etcd_of_others_is_not_kept_up() -> None:
    external = intent(dependencies={"etcd": {"external": True, "endpoints": ["e:2379"]}}).resolved
    assert external
    assert ward_of(external, KEYS) is None


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
def test_parts_are_of_one_size_and_lose_nothing(pieces: list[bytes], size: int) -> None:
    async def given_pieces() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def go() -> list[bytes]:
        return [part async for part in bucket.parts(given_pieces(), size)]

    found = asyncio.run(go())
    assert b"".join(found) == b"".join(pieces)
    assert found
    assert all(len(part) == size for part in found[:-1])
    assert len(found[-1]) <= size
