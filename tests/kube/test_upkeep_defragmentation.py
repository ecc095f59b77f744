"""A real etcd is defragmented member by member, and only where that pays."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.kube import servers, wards
from tests.kube.servers import Served

from glede.milvus.probe import ProbeTarget
from glede.milvus.probe.gateway import coded
from glede.milvus.probe.target import UnreachableError
from glede.milvus.upkeep.defragmentation import Defragmentation, Report
from glede.milvus.upkeep.sizes import Rule

NO_STORE = ProbeTarget("1", ("sky", "kite"), "storage", "minio", ())
SMALL = Rule(floor=1 << 20)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    with servers.etcds(tmp_path_factory.mktemp("etcds")) as served:
        yield served


def defragmented(
    *members: Served, calm: tuple[str, ...] = (), rule: Rule = SMALL, quota: int = 4 << 30
) -> Report:
    """Defragment; ``calm`` is what is said against each member in turn, at last nothing."""
    said = iter(calm)

    async def ask(_pressed: bool) -> str:
        return next(said, "")

    ward = wards.ward(wards.etcd_of(*members), NO_STORE)
    return asyncio.run(Defragmentation(ward, ask, rule, pause=0.1).run())


def leader(members: list[Served]) -> str:
    told: list[Any] = [one.post("/v3/maintenance/status", {}) for one in members]
    leads = [one["header"]["member_id"] == one["leader"] for one in told]
    return members[leads.index(True)].endpoint


def test_members_go_one_by_one_and_the_leader_last(members: list[Served]) -> None:
    wards.fill(members[0], 40)
    wards.empty(*members)
    before = [wards.sizes(one) for one in members]
    assert all(size > 40_000_000 > 10 * used for size, used in before), before
    assert defragmented(*members, rule=Rule()).members == []
    report = defragmented(*members)
    assert sorted(report.members) == sorted(one.endpoint for one in members)
    assert report.members[-1] == leader(members)
    assert report.stopped == ""
    assert 0 < report.blocked < 10
    after = [wards.sizes(one)[0] for one in members]
    assert report.before == sum(size for size, _ in before)
    assert report.after == sum(after) < 3_000_000
    # What is gained once is not gained again.
    assert defragmented(*members) == Report()


def test_it_is_broken_off_where_something_comes_between(members: list[Served]) -> None:
    wards.fill(members[0], 20)
    wards.empty(*members)
    report = defragmented(*members, calm=("", "a member is not ready"))
    assert len(report.members) == 1
    assert report.stopped == "a member is not ready"
    assert sum(wards.sizes(one)[0] > 20_000_000 for one in members) == 2


def test_none_is_blocked_while_one_does_not_answer(tmp_path: Path) -> None:
    with servers.etcds(tmp_path) as served:
        wards.fill(served[0], 10)
        wards.empty(*served)
        assert served[2].process
        served[2].process.kill()
        served[2].process.wait()
        with pytest.raises(UnreachableError, match=served[2].endpoint):
            defragmented(*served)
        assert all(wards.sizes(one)[0] > 10_000_000 for one in served[:2])


def refused(etcd: Served) -> bool:
    """Tell whether etcd refuses writes for want of space."""
    body = {"key": coded("one"), "value": coded("more")}
    answer = httpx2.post(f"http://{etcd.endpoint}/v3/kv/put", json=body)
    return "database space exceeded" in answer.text


def test_an_alarm_for_space_ends_when_there_is_space_again(tmp_path: Path) -> None:
    quota = 16 << 20
    with servers.etcd(tmp_path, None, **{"quota-backend-bytes": str(quota)}) as served:
        for attempt in itertools.count():
            with pytest.raises(AssertionError, match="database space exceeded"):
                wards.fill(served, 100, start=100 * attempt, size=1 << 18)
            assert refused(served)
            report = defragmented(served, quota=quota)
            if not report.disarmed:
                break
        # All of it is in use: nothing is to be had, and the alarm would come back at once.
        assert report.pressed
        assert refused(served)
        wards.empty(served)
        report = defragmented(served, quota=quota)
        assert len(report.members) == 1
        assert report.disarmed
        assert not refused(served)
        assert served.post("/v3/maintenance/alarm", {"action": "GET"}).get("alarms", []) == []


def test_a_single_member_is_blocked_only_where_space_runs_out(tmp_path: Path) -> None:
    with servers.etcd(tmp_path) as served:
        wards.fill(served, 10)
        wards.empty(served)
        assert defragmented(served) == Report()


def test_an_etcd_with_another_alarm_is_left_alone(tmp_path: Path) -> None:
    with servers.etcds(tmp_path) as served:
        wards.fill(served[0], 10)
        wards.empty(*served)
        told: Any = served[0].post("/v3/maintenance/status", {})
        member = told["header"]["member_id"]
        served[0].post(
            "/v3/maintenance/alarm", {"action": "ACTIVATE", "memberID": member, "alarm": "CORRUPT"}
        )
        assert defragmented(*served).stopped == "it has the alarm CORRUPT"
        assert all(wards.sizes(one)[0] > 10_000_000 for one in served)
