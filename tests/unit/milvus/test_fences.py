"""Which query nodes are suspended and which resumed, and what is told of it."""

from dataclasses import replace
from typing import Any

from tests.unit.milvus.rendered import milvus
from tests.unit.milvus.snapshots import intent, ref_key

from glede.milvus.announce import announcements
from glede.milvus.fences import FenceAnswer, Fencer, FenceTarget
from glede.milvus.observed import NOTED, Fences, Observed
from glede.milvus.podviews import PodView, pod
from glede.milvus.probe import Prober, ProbeResult, ProbeTarget

NEW = "milvusdb/milvus:v2.6.18"


class Asked(Prober):
    """Takes down what is asked, and answers as it is told to."""

    def __init__(self, answer: ProbeResult | None = None) -> None:
        super().__init__(lambda _: None)
        self.answer, self.targets, self.forgotten = answer, list[FenceTarget](), 0

    def result(self, target: ProbeTarget) -> ProbeResult | None:
        assert isinstance(target, FenceTarget)
        self.targets.append(target)
        return self.answer

    def forget(self, uid: str) -> None:
        self.forgotten += 1


def a_pod(component: str, address: str, **values: Any) -> PodView:
    usual = {"ready": True, "deleting": False, "trouble": "", "address": address}
    name = f"kite-{component}-{address.rpartition('.')[2]}"
    return PodView(key=ref_key(name), milvus="kite", component=component, **{**usual, **values})


FIRST, SECOND = a_pod("querynode", "10.0.0.1", fenced=True), a_pod("querynode", "10.0.0.2")
PROXY = a_pod("proxy", "10.0.0.9")


def fences(
    pods: tuple[PodView, ...],
    noted: tuple[str, ...] = (),
    answer: ProbeResult | None = None,
    image: str = NEW,
) -> tuple[Fences | None, Asked]:
    asked = Asked(answer)
    wanted = intent(components={"image": image})
    assert wanted.resolved
    read = milvus().changed(status={NOTED: list(noted)} if noted else {})
    return Fencer(asked).fences(replace(wanted.resolved, milvus=read), Observed({}, pods)), asked


def test_without_a_fence_nobody_is_asked() -> None:
    found, asked = fences((SECOND, PROXY))
    assert (found, asked.targets, asked.forgotten) == (None, [], 1)
    # The pod that was fenced is gone, and its fence with it.
    assert fences((SECOND, PROXY), ("kite-querynode-1",))[0] is None


def test_it_is_noted_first_and_then_asked_for() -> None:
    found, asked = fences((FIRST, SECOND, PROXY))
    assert found == Fences("Fencing", "kite-querynode-1 is being fenced", ("kite-querynode-1",))
    assert asked.targets[0].fenced == ()
    _, asked = fences((FIRST, SECOND, PROXY), ("kite-querynode-1",))
    assert asked.targets[0].fenced == ("10.0.0.1",)
    assert asked.targets[0].endpoints == ("10.0.0.9:9091",)


def test_what_is_left_is_told_until_nothing_is() -> None:
    for left, reason, words in (
        (3, "Fencing", "holds 3 segments and channels, which are moved"),
        (None, "Fencing", "is not registered with the coordinator"),
        (0, "Fenced", "is empty, and gets nothing"),
    ):
        answer = FenceAnswer(True, "", "", (("10.0.0.1", left),))
        found, _ = fences((FIRST, SECOND, PROXY), ("kite-querynode-1",), answer)
        assert found == Fences(reason, f"kite-querynode-1 {words}", ("kite-querynode-1",))


def test_what_is_fenced_no_more_is_resumed_and_forgotten_when_that_is_done() -> None:
    pods = (SECOND, a_pod("querynode", "10.0.0.3"), PROXY)
    found, asked = fences(pods, ("kite-querynode-2",))
    assert asked.targets[0].freed == ("10.0.0.2",)
    assert found == Fences("Fencing", "kite-querynode-2 is being freed", ("kite-querynode-2",))
    found, _ = fences(pods, ("kite-querynode-2",), FenceAnswer(True, "", "", (), ("10.0.0.2",)))
    assert found
    assert found.pods == ()


def test_a_failure_is_told_and_the_note_stays() -> None:
    found, _ = fences((FIRST, SECOND, PROXY), ("kite-querynode-1",), ProbeResult(False, "", "proxy: refused"))
    assert found == Fences("FenceFailed", "proxy: refused", ("kite-querynode-1",))


def test_the_last_ready_query_node_is_not_fenced() -> None:
    for other in (
        a_pod("querynode", "10.0.0.2", fenced=True),
        a_pod("querynode", "10.0.0.2", ready=False),
        a_pod("querynode", "10.0.0.2", deleting=True),
    ):
        found, asked = fences((FIRST, other, PROXY))
        assert found
        assert (found.reason, found.pods, asked.targets) == ("FenceRefused", (), [])


def test_an_older_version_and_one_that_is_not_told_are_not_asked() -> None:
    found, asked = fences((FIRST, SECOND, PROXY), image="milvusdb/milvus:v2.3.5")
    assert found
    assert found.reason == "FenceUnsupported"
    assert "Milvus 2.3.5 cannot empty one query node: that came with 2.5" in found.message
    assert asked.targets == []
    found, _ = fences((FIRST, SECOND, PROXY), image="mine/milvus:latest")
    assert found
    assert "set spec.components.version" in found.message


def test_only_the_word_true_fences_a_pod() -> None:
    for value, fenced in (("true", True), ("false", False), ("", False), ("yes", False)):
        metadata = {"name": "a", "namespace": "b", "uid": "c", "annotations": {"glede.io/fenced": value}}
        assert pod({"metadata": metadata}).fenced is fenced


def test_events_tell_each_state_once() -> None:
    def told(before: str, after: str) -> list[tuple[str, str]]:
        old = [{"type": "QueryNodesFenced", "status": "False", "reason": before}] if before else []
        new = [{"type": "QueryNodesFenced", "status": "False", "reason": after, "message": "words"}]
        return [(event.type, event.reason) for event in announcements(old, new)]

    assert told("", "Fencing") == [("Normal", "QueryNodesFencing")]
    assert told("Fencing", "Fenced") == [("Normal", "QueryNodesFenced")]
    assert told("Fenced", "Fenced") == []
    assert told("", "FenceUnsupported") == [("Warning", "QueryNodesFenceUnsupported")]
