from typing import Any

import pytest

from glede.milvus.podviews import pod
from glede.milvus.views import workload

CRASHED = {
    "name": "querynode",
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}},
}


def crashed(**ended: Any) -> dict[str, Any]:
    status = {**CRASHED, "lastState": {"terminated": {"exitCode": 2, **ended}}}
    return {"metadata": {"name": "kite", "namespace": "sky"}, "status": {"containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("goroutine 1\n\tpanic:  no\x00 etcd \n\n", "panic: no etcd"),
        ("\n \n", "back-off 10s restarting"),
        (None, "back-off 10s restarting"),
    ],
)
def test_a_crash_is_told_in_the_last_words_of_the_log(log: str | None, words: str) -> None:
    ended = {} if log is None else {"message": log}

    found = pod(crashed(**ended)).trouble

    assert found == f"container querynode: CrashLoopBackOff, last exit code 2: {words}"


def test_only_milvus_itself_backs_off() -> None:
    named = crashed()
    assert not pod(named).backing_off
    named["metadata"]["labels"] = {"app.kubernetes.io/component": "querynode"}
    assert pod(named).backing_off


def test_a_long_last_line_is_cut() -> None:
    assert len(pod(crashed(message="x" * 2048)).trouble) == 300


def ran(**container: Any) -> tuple[str, str, str]:
    """Give address, process and ended of a pod whose container is so."""
    status = {"podIP": "10.0.0.1", "containerStatuses": [{"name": "sidecar"}, {"name": "proxy", **container}]}
    labels = {"app.kubernetes.io/component": "proxy"}
    found = pod({"metadata": {"name": "kite", "namespace": "sky", "labels": labels}, "status": status})
    return found.address, found.process, found.ended


def test_a_pod_tells_which_run_of_milvus_is_in_it_and_which_is_over() -> None:
    running = {"containerID": "c://2", "state": {"running": {}}}
    over = {"terminated": {"containerID": "c://1"}}

    assert ran(containerID="c://1", state={"waiting": {}}) == ("10.0.0.1", "", "")
    assert ran(**running) == ("10.0.0.1", "c://2", "")
    assert ran(**running, lastState=over) == ("10.0.0.1", "c://2", "c://1")
    assert ran(containerID="c://1", state=over) == ("10.0.0.1", "", "c://1")
    assert ran(containerID="c://1", state={"waiting": {}}, lastState=over) == ("10.0.0.1", "", "c://1")


@pytest.mark.parametrize(
    ("container", "ran"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, ""),
        ({}, ""),
        ({"state": {"running": {}}}, "milvus:new"),
        ({"state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 1}}}, "milvus:new"),
    ],
)
def test_a_pod_tells_which_image_has_run_in_it(container: dict[str, Any], ran: str) -> None:
    labels = {"app.kubernetes.io/component": "proxy"}
    obj = {
        "metadata": {"name": "kite", "namespace": "sky", "labels": labels},
        "spec": {"containers": [{"name": "side", "image": "side"}, {"name": "proxy", "image": "milvus:new"}]},
        "status": {"containerStatuses": [{"name": "proxy", **container}]},
    }
    assert pod(obj).ran == ran


@pytest.mark.parametrize(("seen", "overdue"), [(2, "too late"), (1, "")])
def test_a_missed_deadline_is_of_the_template_that_was_seen(seen: int, overdue: str) -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    obj = {
        "metadata": {"name": "kite", "namespace": "sky", "generation": 2},
        "spec": {"template": {"spec": {}}},
        "status": {"observedGeneration": seen, "conditions": [{**late, "message": "too late"}]},
    }
    assert workload("glede")(obj).overdue.words == overdue
