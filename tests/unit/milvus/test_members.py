"""Members of dependencies take a new template one at a time, and none while another is away."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.milvus.members import next_member, spares_one
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.podviews import PodView

WANTED = intent()
OLD, NEW = "old", "new"
COUNTS = {"etcd": ("etcd", 3), "storage": ("minio", 4), "log": ("kafka", 3)}


def member(component: str, ordinal: int, **values: Any) -> PodView:
    name = f"kite-{COUNTS[component][0]}-{ordinal}"
    usual = {"ready": True, "deleting": False, "trouble": "", "uid": f"uid-{name}", "revision": NEW}
    return PodView(key=ref_key(name), milvus="kite", component=component, **{**usual, **values})


def members(**revisions: str) -> dict[str, PodView]:
    """Give all members of all dependencies, by name; those of a component have the revision that is given."""
    found = [
        member(component, ordinal, revision=revisions.get(component, NEW))
        for component, (_, count) in COUNTS.items()
        for ordinal in range(count)
    ]
    return {pod.key.name: pod for pod in found}


def states(pods: dict[str, PodView], **counts: int) -> list[DependencyState]:
    held = whole(WANTED)
    for name, _ in COUNTS.values():
        held = changed(held, f"kite-{name}", revision=NEW)
    for name, available in counts.items():
        held = changed(held, f"kite-{name}", available=available)
    return judged(WANTED, Observed(held, tuple(pods.values())))[0]


def replaced(pods: dict[str, PodView], **counts: int) -> str:
    found = next_member(states(pods, **counts))
    return found.pod.key.name if found else ""


def test_the_last_member_goes_first_and_etcd_before_the_others() -> None:
    pods = members(etcd=OLD, storage=OLD, log=OLD)
    order = []
    while name := replaced(pods):
        order.append(name)
        component = pods[name].component
        pods[name] = member(component, int(name.rpartition("-")[2]))
    assert order == [
        *("kite-etcd-2", "kite-etcd-1", "kite-etcd-0"),
        *("kite-minio-3", "kite-minio-2", "kite-minio-1", "kite-minio-0"),
        *("kite-kafka-2", "kite-kafka-1", "kite-kafka-0"),
    ]


def test_no_member_goes_while_another_is_away() -> None:
    for lost in (
        {"kite-etcd-0": member("etcd", 0, ready=False)},
        {"kite-etcd-0": member("etcd", 0, deleting=True)},
        {"kite-etcd-0": None},
    ):
        pods = {**members(etcd=OLD, log=OLD), **lost}
        assert replaced({name: pod for name, pod in pods.items() if pod}) == ""


def test_a_ready_member_that_has_not_been_so_for_its_time_is_waited_for() -> None:
    assert replaced(members(storage=OLD)) == "kite-minio-3"
    assert replaced(members(storage=OLD), minio=3) == ""


def test_a_broken_member_of_an_older_template_goes_at_once() -> None:
    pods = {**members(log=OLD), "kite-kafka-0": member("log", 0, ready=False, revision=OLD)}
    pods["kite-etcd-0"] = member("etcd", 0, ready=False)
    assert replaced(pods) == "kite-kafka-0"


def test_a_template_that_the_cluster_has_not_looked_at_yet_replaces_nobody() -> None:
    held = changed(whole(WANTED), "kite-etcd", revision=NEW, current=False)
    found, _ = judged(WANTED, Observed(held, tuple(members(etcd=OLD).values())))
    assert next_member(found) is None


def test_what_is_replaced_and_what_it_waits_for_is_told() -> None:
    held = changed(whole(WANTED), "kite-etcd", revision=NEW, ready=2, available=2)
    pods = [member("etcd", ordinal, revision=OLD) for ordinal in (1, 2)]
    _, health = judged(WANTED, Observed(held, tuple(pods)))
    assert health.outdated == ["etcd: kite-etcd-2, kite-etcd-1"]
    assert not health.updated
    # What is not compared yet, and one that has not come back.
    for values in ({"current": False}, {"updated": 2, "revision": OLD}):
        _, health = judged(WANTED, Observed(changed(held, "kite-etcd", **values), tuple(pods)))
        assert health.outdated == ["etcd: pods are being made"]
        assert not health.updated


@given(
    st.fixed_dictionaries(
        {
            (component, ordinal): st.tuples(st.sampled_from([OLD, NEW]), st.booleans(), st.booleans())
            for component, (_, count) in COUNTS.items()
            for ordinal in range(count)
        }
    )
)
def test_whatever_there_is_a_healthy_member_goes_only_from_a_whole_dependency(
    chosen: dict[tuple[str, int], tuple[str, bool, bool]],
) -> None:
    pods = {
        f"kite-{COUNTS[component][0]}-{ordinal}": member(
            component, ordinal, revision=revision, ready=ready, deleting=deleting
        )
        for (component, ordinal), (revision, ready, deleting) in chosen.items()
    }
    name = replaced(pods)
    outdated = [pod for pod in pods.values() if pod.revision == OLD and not pod.deleting]
    if not name:
        away = [pod for pod in pods.values() if pod.deleting or not pod.ready]
        assert not outdated or away
        return
    pod = pods[name]
    assert pod in outdated
    others = [other for other in pods.values() if other.component == pod.component]
    assert not pod.ready or all(other.ready and not other.deleting for other in others)


@pytest.mark.parametrize(
    ("budget", "replicas", "spares"),
    [
        (None, 1, True),
        ({"minAvailable": 1}, 1, False),
        ({"minAvailable": 2}, 3, True),
        ({"minAvailable": 3}, 3, False),
        ({"minAvailable": "51%"}, 3, True),
        ({"minAvailable": "67%"}, 3, False),
        ({"minAvailable": "100%"}, 4, False),
        ({"maxUnavailable": 0}, 3, False),
        ({"maxUnavailable": "0%"}, 3, False),
        ({"maxUnavailable": "1%"}, 3, True),
        ({"maxUnavailable": 1}, 1, True),
        ({"minAvailable": "many"}, 3, True),
    ],
)
def test_a_budget_is_asked_where_it_can_let_a_member_go(
    budget: dict[str, Any] | None, replicas: int, spares: bool
) -> None:
    resolved = WANTED.resolved
    plan = resolved.dependencies[0].in_cluster if resolved else None
    assert plan
    assert spares_one(replace(plan, budget=budget, replicas=replicas)) is spares
