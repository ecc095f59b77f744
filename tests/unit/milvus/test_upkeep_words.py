"""What is told of a defragmentation of etcd."""

from dataclasses import replace

from glede.milvus.upkeep import words
from glede.milvus.upkeep.defragmentation import Report

MB = 1 << 20


def told(report: Report) -> list[tuple[str, str]]:
    return [(one.type, one.reason) for one in words.defragmented(report)]


def test_what_came_of_a_defragmentation_is_told() -> None:
    done = Report(before=300 * MB, after=3 * MB, members=["e1", "e2", "e3"], blocked=1.234)
    (one,) = words.defragmented(done)
    assert one == (
        "Normal",
        "EtcdDefragmented",
        "3 members of etcd defragmented, from 314.6 MB to 3.1 MB; each was blocked for 1.23 s at most",
    )
    assert told(Report()) == told(Report(stopped="away")) == []
    assert told(replace(done, stopped="e2: away")) == [("Warning", "EtcdDefragmented")]
    assert told(replace(done, stopped=words.ROLLED)) == [("Normal", "EtcdDefragmented")]
    assert told(Report(pressed=True)) == [("Warning", "EtcdOutOfSpace")]
    assert told(Report(pressed=True, stopped="away")) == []
    ended = replace(done, pressed=True, disarmed=True)
    assert told(ended) == [("Normal", "EtcdDefragmented"), ("Normal", "EtcdSpaceAlarmEnded")]
