"""Which changes become Events."""

from typing import Any

from glede.milvus.announce import announcements


def _condition(type_: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _told(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(found.type, found.reason) for found in announcements(old, new)]


def test_a_new_milvus_that_is_not_ready_is_no_news() -> None:
    assert (
        _told(
            [], [_condition("Ready", "False", "NotServing"), _condition("EtcdReady", "Unknown", "Checking")]
        )
        == []
    )


def test_a_flip_is_told_once_in_each_direction() -> None:
    well = [_condition("EtcdReady", "True", "EtcdReady")]
    ill = [_condition("EtcdReady", "False", "ConnectionFailed")]
    assert _told(well, ill) == [("Warning", "EtcdConnectionFailed")]
    assert _told(ill, well) == [("Normal", "EtcdReady")]
    assert _told(ill, ill) == []


def test_another_message_of_the_same_status_is_no_news() -> None:
    before = [_condition("Degraded", "True", "PodsMissing", "proxy: 1 of 3")]
    after = [_condition("Degraded", "True", "PodsMissing", "proxy: 2 of 3")]
    assert _told(before, after) == []


def test_each_problem_of_a_manifest_is_told_when_it_is_new() -> None:
    accepted = [_condition("SpecAccepted", "True", "Accepted")]
    refused = [_condition("SpecAccepted", "False", "Invalid", "spec.mode: ...")]
    other = [_condition("SpecAccepted", "False", "Invalid", "spec.config: ...")]
    assert _told([], accepted) == []
    assert _told([], refused) == [("Warning", "SpecInvalid")]
    assert _told(refused, other) == [("Warning", "SpecInvalid")]
    assert _told(other, accepted) == [("Normal", "SpecAccepted")]


def test_what_the_api_server_refuses_is_told() -> None:
    rolling = [_condition("Progressing", "True", "Rolling")]
    failed = [_condition("Progressing", "False", "ApplyFailed", "Deployment x: ...")]
    assert _told(rolling, failed) == [("Warning", "ProgressingApplyFailed")]
    assert _told(failed, failed) == []
    assert _told(failed, rolling) == []
