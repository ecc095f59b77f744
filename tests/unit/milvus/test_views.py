from typing import Any

import pytest

from glede.milvus.views import pod

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


def test_a_long_last_line_is_cut() -> None:
    assert len(pod(crashed(message="x" * 2048)).trouble) == 300
