"""Pods that wait for their next start though nothing is missing are made anew, and no others."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.milvus.snapshots import WELL, changed, intent, judged, pod, whole

from glede.milvus.backoff import kept_waiting
from glede.milvus.observed import Answer, Observed
from glede.milvus.podviews import PodView

WANTED = intent(
    mode="cluster",
    dependencies={
        "etcd": {"external": True, "endpoints": ["etcd:2379"]},
        "storage": {"external": True, "endpoint": "s3:9000"},
        "msgStreamType": "kafka",
        "kafka": {"external": True, "brokerList": ["kafka:9092"]},
    },
)
QUERY_NODES = "kite-milvus-querynode"


def waiting(component: str = "querynode", **values: Any) -> PodView:
    usual = {"ready": False, "backing_off": True, "trouble": "container querynode: CrashLoopBackOff"}
    return pod(component, **{**usual, **values})


def found(observed: Observed) -> list[str]:
    assert WANTED.desired is not None
    pods = kept_waiting(WANTED.desired, observed, judged(WANTED, observed)[0])
    return [view.component for view in pods]


def seen(*pods: PodView, **values: Any) -> Observed:
    held = changed(whole(WANTED), QUERY_NODES, **values) if values else whole(WANTED)
    return Observed(held, pods, answers=WELL)


def test_what_waits_in_vain_is_made_anew_whatever_it_is() -> None:
    assert found(seen(waiting(), pod("datanode"), waiting("proxy"))) == ["querynode", "proxy"]


def test_a_pod_that_is_lost_does_not_count_against_its_template() -> None:
    assert found(seen(waiting(), available=0, ready=0)) == ["querynode"]


@pytest.mark.parametrize("answer", [Answer(False, "EtcdNotReady", "away"), Answer(None)])
def test_none_is_while_a_dependency_is_away_or_not_known(answer: Answer) -> None:
    assert found(replace(seen(waiting()), answers={**WELL, "etcd": answer})) == []


def test_none_is_whose_template_has_never_run_whole() -> None:
    assert found(seen(waiting(), waiting("proxy"), rolled=False)) == ["proxy"]


@pytest.mark.parametrize("values", [{"backing_off": False}, {"deleting": True}, {"canary": True}], ids=str)
def test_none_is_that_only_begins_goes_already_or_is_watched(values: dict[str, Any]) -> None:
    assert found(seen(waiting(**values))) == []


def test_members_of_dependencies_are_left_to_the_kubelet() -> None:
    assert found(seen(waiting("etcd"))) == []
