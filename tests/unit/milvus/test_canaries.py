"""Which pods are watched, by which limits, and until when."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.milvus.snapshots import changed, ref_key
from tests.unit.milvus.test_trial import held_by, of_generation, pods_of, turn, wanted_by

from glede.canary import Limits, Subject, Watched
from glede.milvus.canaries import Canaries, metrics_of
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.podviews import PodView


@dataclass
class Recorded:
    """Stands for a watcher, and notes what it is asked."""

    subjects: list[Subject] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def watched(self, key: str, subject: Subject) -> Watched:
        self.subjects.append(subject)
        return Watched("good", key)

    def known(self, _key: str) -> Watched | None:
        return Watched("good", "0.00 % of 900 requests failed")

    def forget(self, key: str) -> None:
        self.forgotten.append(key)


def proxy(name: str, **values: Any) -> PodView:
    usual: dict[str, Any] = {
        "ready": True,
        "deleting": False,
        "trouble": "",
        "address": "10.0.0.1",
        "uid": name,
    }
    return PodView(ref_key(name), "kite", "proxy", **{**usual, **values})


def asked(wanted: Intent, observed: Observed, recorded: Recorded) -> Watched | None:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    return Canaries(recorded).watched(wanted.resolved, wanted.desired, observed)  # type: ignore[arg-type]


def test_the_canarys_pods_and_those_that_serve_beside_them() -> None:
    limits = {"share": 1, "watchSeconds": 30, "maxErrorRate": 0.1, "maxLatencyRatio": 2, "minRequests": 7}
    wanted = of_generation(wanted_by(proxy={"replicas": 3, "canary": limits}), 4)
    recorded = Recorded()
    new = replace(pods_of(1)[0], address="10.0.0.9", uid="new", process="containerd://1")
    others = (
        proxy("b"),
        proxy("a", address="fd00::1", process="containerd://2"),
        proxy("unready", ready=False),
        proxy("leaving", deleting=True),
        proxy("nowhere", address=""),
        replace(proxy("c"), component="querynode"),
    )
    observed = Observed(held_by(wanted, pods=1), (new, *others))
    uid = wanted.milvus.metadata.uid
    assert asked(wanted, observed, recorded) == Watched("good", uid)
    [subject] = recorded.subjects
    assert (subject.owner, subject.seconds) == (("birds", "kite"), 30.0)
    assert subject.limits == Limits(0.1, 2.0, 7)
    assert [(t.url, t.process) for t in subject.canary] == [
        ("http://10.0.0.9:9091/metrics", "new containerd://1")
    ]
    assert [(t.name, t.process) for t in subject.others] == [("a", "a containerd://2"), ("b", "b ")]
    # An edit that leaves the template alone begins anew too.
    asked(of_generation(wanted, 5), observed, recorded)
    assert recorded.subjects[1].attempt != subject.attempt


def test_what_was_seen_is_told_while_the_others_follow() -> None:
    wanted, recorded = wanted_by(), Recorded()
    held = changed(held_by(wanted, (), pods=1), "kite-milvus-proxy", rolled=False)
    known = asked(wanted, Observed(held, pods_of(1)), recorded)
    assert (recorded.subjects, recorded.forgotten) == ([], [])
    found = turn(wanted, held, 1, watched=known)
    assert found.trial.words == "a canary was good: 0.00 % of 900 requests failed"


@pytest.mark.parametrize("pods", [None, 1])
def test_where_nothing_depends_on_it_nobody_is_asked(pods: int | None) -> None:
    wanted, recorded = wanted_by(), Recorded()
    rolled = held_by(wanted, () if pods else ("proxy",), pods=pods)
    assert asked(wanted, Observed(rolled, pods_of(1)), recorded) is None
    assert (recorded.subjects, recorded.forgotten) == ([], [wanted.milvus.metadata.uid])


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.0.0.1", "http://10.0.0.1:9091/metrics"), ("fd00::1", "http://[fd00::1]:9091/metrics")],
)
def test_metrics_are_where_milvus_has_them(address: str, url: str) -> None:
    assert metrics_of(proxy("a", address=address)) == url
