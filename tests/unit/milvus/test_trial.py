"""Where the canary of a change is, what waits for it, and what is made and deleted meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.milvus.fewer import counts
from tests.unit.milvus.snapshots import changed, intent, judged, ref_key, whole

from glede.canary import Watched
from glede.milvus.deadline import Overdue
from glede.milvus.desired import Ref, ref_of, template_of
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed
from glede.milvus.plan import Plan, plan
from glede.milvus.podviews import PodView
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.views import Held, WorkloadView

OLD, NEW = "milvusdb/milvus:v2.3.4", "milvusdb/milvus:v2.3.5"
SERVED = {"currentImage": OLD, "currentVersion": "2.3.4"}
PROXY, CANARY = (Ref("Deployment", ref_key(f"kite-milvus-{name}")) for name in ("proxy", "proxy-canary"))
BEFORE_PROXY = ["indexnode", "mixcoord", "querynode", "datanode"]


def wanted_by(status: dict[str, Any] | None = None, proxy: Any = None, **components: Any) -> Intent:
    proxy = {"replicas": 3, "canary": {"share": 1}} if proxy is None else proxy
    return intent(status=SERVED | (status or {}), components={"image": NEW, "proxy": proxy, **components})


def held_by(wanted: Intent, old: tuple[str, ...] = ("proxy",), pods: int | None = None, **values: Any) -> Any:
    """Give what there is: these components have their old template, and so many pods are of the canary."""
    found = whole(wanted)
    for component in old:
        found = changed(found, f"kite-milvus-{component}", template="old")
    return found if pods is None else found | {CANARY: canary(wanted, found, pods, **values)}


def canary(wanted: Intent, found: dict[Ref, Held], pods: int, **values: Any) -> WorkloadView:
    proxy = found[PROXY]
    assert isinstance(proxy, WorkloadView)
    assert wanted.desired is not None
    assert wanted.desired.canary is not None
    own = replace(proxy.owned, key=CANARY.key, uid="uid-canary")
    usual = {"owned": own, "canary": True, "template": template_of(wanted.desired.canary), **counts(pods)}
    return replace(proxy, **{**usual, "rolled": True, **values})


def pods_of(number: int, **values: Any) -> tuple[PodView, ...]:
    usual: dict[str, Any] = {"ready": True, "deleting": False, "trouble": "", "canary": True}
    return tuple(
        PodView(ref_key(f"kite-milvus-proxy-canary-{n}"), "kite", "proxy", **{**usual, **values})
        for n in range(number)
    )


def turn(
    wanted: Intent, held: dict[Ref, Held], pods: int | tuple[PodView, ...] = 0, **observed: Any
) -> Rollout:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    found = Observed(held, pods if isinstance(pods, tuple) else pods_of(pods), **observed)
    return rollout(wanted.resolved, wanted.desired, found)


def step(wanted: Intent, held: dict[Ref, Held], pods: int = 0, **observed: Any) -> Plan:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    found = Observed(held, pods_of(pods), **observed)
    return plan(wanted.resolved, wanted.desired, found, *judged(wanted, found))


def made(found: Plan) -> dict[Ref, Any]:
    return {ref_of(obj): obj["spec"].get("replicas") for obj in found.apply if obj["kind"] == "Deployment"}


def test_it_is_made_in_the_proxies_turn_and_not_before() -> None:
    wanted = wanted_by()
    early = turn(wanted, held_by(wanted, ("datanode", "proxy")))
    assert (early.at, early.waiting, early.canary) == ("datanode", (PROXY,), None)
    found = turn(wanted, held_by(wanted))
    assert (found.at, found.waiting, found.canary) == ("proxy", (PROXY,), 1)
    applied = made(step(wanted, held_by(wanted)))
    assert applied[CANARY] == 1
    assert PROXY not in applied


@pytest.mark.parametrize(
    ("share", "proxies", "pods"),
    [
        (1, 3, 1),
        (2, 3, 2),
        (7, 3, 3),
        ("1%", 3, 1),
        ("34%", 3, 2),
        ("100%", 3, 3),
        ("25%", 8, 2),
        ("25%", 9, 3),
    ],
)
def test_its_share_is_rounded_up_and_not_more_than_all(share: int | str, proxies: int, pods: int) -> None:
    wanted = wanted_by(proxy={"replicas": proxies, "canary": {"share": share}})
    assert turn(wanted, held_by(wanted)).canary == pods


def test_under_an_autoscaler_it_is_a_share_of_what_there_is() -> None:
    hpa = {"minReplicas": 2, "maxReplicas": 20}
    wanted = wanted_by(proxy={"hpa": hpa, "canary": {"share": "25%"}})
    held = changed(held_by(wanted), "kite-milvus-proxy", **counts(8))
    assert turn(wanted, held).canary == 2
    # It keeps its number while it is watched, whatever the autoscaler does.
    fewer = changed(held_by(wanted, pods=2), "kite-milvus-proxy", **counts(4))
    found = turn(wanted, fewer, 2)
    assert (found.trial.phase, found.canary) == ("watched", 2)


@pytest.mark.parametrize(
    ("pods", "ready", "values", "words"),
    [
        (0, 0, {"rolled": False}, "1 new pod of proxy is being made, 0 of 1 ready"),
        (1, 0, {"available": 0}, "1 new pod of proxy is being made, 0 of 1 ready"),
        (1, 1, {"rolled": False}, "1 new pod of proxy is being made, 1 of 1 ready"),
        (2, 2, {}, "1 new pod of proxy is being made, 2 of 1 ready"),
        (1, 1, {}, "1 new pod of proxy is watched for 120 s"),
    ],
)
def test_it_is_watched_once_it_is_whole(pods: int, ready: int, values: dict[str, Any], words: str) -> None:
    wanted = wanted_by()
    held = held_by(wanted, pods=1, **values)
    thrown_out = replace(pods_of(1, ready=False)[0], key=ref_key("kite-milvus-proxy-canary-evicted"))
    found = turn(wanted, held, (*pods_of(pods, ready=bool(ready)), thrown_out))
    assert (found.at, found.held, found.waiting, found.canary) == ("proxy", words, (PROXY,), 1)
    assert found.trial.phase == ("watched" if "watched" in words else "starting")


def test_when_it_is_good_the_proxies_follow_and_it_stays_until_they_have() -> None:
    wanted, good = wanted_by(), Watched("good", "0.00 % of 900 requests failed")
    held = held_by(wanted, pods=1)
    applied = made(step(wanted, held, 1, watched=good))
    assert (applied[PROXY], applied[CANARY]) == (3, 1)
    rolling = changed(held_by(wanted, (), pods=1), "kite-milvus-proxy", rolled=False, updated=1)
    assert turn(wanted, rolling, 1).canary == 1
    assert not step(wanted, rolling, 1).delete
    done = held_by(wanted, (), pods=1)
    assert [one.ref for one in step(wanted, done, 1).delete] == [CANARY]
    assert made(step(wanted, done, 1)).keys() == made(step(wanted, held_by(wanted, ()))).keys()


def test_when_it_is_bad_the_change_fails_with_the_figures() -> None:
    wanted, bad = wanted_by(), Watched("bad", "5.00 % of 900 requests failed")
    found = turn(wanted, held_by(wanted, pods=1), 1, watched=bad)
    assert found.overdue == Overdue("canary of proxy, 1 new pod: 5.00 % of 900 requests failed")
    assert (found.waiting, found.canary) == ((PROXY,), 1)


def test_it_goes_when_the_status_tells_of_it_and_an_edit_begins_anew() -> None:
    told = {"canary": {"generation": 4, "reason": "canary of proxy: it failed"}}
    wanted = of_generation(wanted_by(told), 4)
    found = turn(wanted, held_by(wanted, pods=1), 1)
    assert (found.overdue.words, found.waiting, found.canary) == (
        "canary of proxy: it failed",
        (PROXY,),
        None,
    )
    assert [one.ref for one in step(wanted, held_by(wanted, pods=1), 1).delete] == [CANARY]
    assert turn(of_generation(wanted, 5), held_by(wanted)).trial.phase == "missing"


def of_generation(wanted: Intent, generation: int) -> Intent:
    assert wanted.resolved is not None
    milvus = wanted.resolved.milvus
    metadata = milvus.metadata.model_copy(update={"generation": generation})
    changed_ = milvus.model_copy(update={"metadata": metadata})
    return replace(wanted, milvus=changed_, resolved=replace(wanted.resolved, milvus=changed_))


def test_a_pod_that_crashes_after_it_served_is_bad() -> None:
    wanted = wanted_by()
    trouble = "container proxy: CrashLoopBackOff, last exit code 1: no memory"
    crashing = pods_of(1, ready=False, trouble=trouble, ran=NEW)
    found = turn(wanted, held_by(wanted, pods=1, available=0), crashing)
    assert found.trial.phase == "bad"
    assert "CrashLoopBackOff, last exit code 1: no memory" in found.overdue.words


def test_a_pod_that_is_drained_and_finds_no_other_node_is_waited_for() -> None:
    wanted = wanted_by()
    found = turn(
        wanted,
        held_by(wanted, pods=1, available=0),
        pods_of(1, ready=False, trouble="cannot be placed: full"),
    )
    assert (found.trial.phase, found.overdue) == ("starting", Overdue())
    assert found.held.endswith("0 of 1 ready: pod kite-milvus-proxy-canary-0 cannot be placed: full")


def test_one_that_never_serves_misses_its_deadline() -> None:
    wanted = wanted_by()
    late = Overdue("its deadline has passed", "2026-01-01T00:00:00Z")
    held = held_by(wanted, pods=1, rolled=False, available=0, overdue=late)
    found = turn(wanted, held, pods_of(1, ready=False, trouble="container proxy: ErrImagePull"))
    assert found.trial.phase == "starting"
    assert found.overdue.since == late.since
    assert found.overdue.words.endswith("container proxy: ErrImagePull")


def test_one_of_another_change_is_made_anew() -> None:
    wanted = wanted_by()
    found = turn(wanted, held_by(wanted, pods=1, template="of another change"), 1, watched=Watched("good"))
    assert (found.trial.phase, found.waiting, found.canary) == ("missing", (PROXY,), 1)
    # While it is not the proxies' turn any more, there is none.
    earlier = held_by(wanted, ("datanode", "proxy"), pods=1, template="of another change")
    assert [one.ref for one in step(wanted, earlier, 1).delete] == [CANARY]


def test_where_metrics_cannot_be_read_it_is_held_and_told() -> None:
    wanted = wanted_by()
    found = turn(wanted, held_by(wanted, pods=1), 1, watched=Watched("unread", "no connection"))
    assert (found.trial.phase, found.waiting, found.overdue) == ("unread", (PROXY,), Overdue())
    assert "its metrics cannot be read: no connection. It goes on when they can" in found.held


def test_behind_a_gate_none_begins_and_one_that_is_there_stays() -> None:
    wanted, gate = wanted_by(), "not now"
    shut = turn(wanted, held_by(wanted), gate=gate)
    assert (shut.at, shut.waiting, shut.held, shut.canary) == ("", (PROXY,), gate, None)
    there = turn(wanted, held_by(wanted, pods=1), 1, gate=gate)
    assert (there.waiting, there.canary) == ((PROXY,), 1)
    good = turn(wanted, held_by(wanted, pods=1), 1, gate=gate, watched=Watched("good"))
    assert (good.waiting, good.held, good.canary) == ((PROXY,), gate, 1)
    bad = turn(wanted, held_by(wanted, pods=1), 1, gate=gate, watched=Watched("bad", "it fails"))
    assert bad.overdue.words


@pytest.mark.parametrize(
    ("status", "components"),
    [
        ({}, {"proxy": {"replicas": 3}}),
        ({}, {"proxy": {"replicas": 0, "canary": {"share": 1}}}),
        ({}, {"proxy": {"replicas": 3, "paused": True, "canary": {"share": 1}}}),
        ({}, {"imageUpdateMode": "all"}),
        ({}, {"imageUpdateMode": "force"}),
        ({}, {"enableRollingUpdate": False}),
        ({"currentImage": ""}, {}),
        ({"rolledBack": {"generation": 9, "reason": "no"}}, {}),
    ],
)
def test_there_is_none(status: dict[str, Any], components: Any) -> None:
    wanted = of_generation(wanted_by(status, **components), 4)
    found = turn(wanted, held_by(wanted))
    assert found.canary is None
    assert PROXY not in found.waiting
    # One that is left goes.
    left = held_by(wanted) | {CANARY: canary(wanted_by(), held_by(wanted), 1)}
    assert CANARY in [one.ref for one in step(wanted, left, 1).delete]


def test_proxies_that_do_not_serve_are_mended_without() -> None:
    wanted = wanted_by()
    broken = changed(held_by(wanted), "kite-milvus-proxy", available=0, ready=0, rolled=False)
    assert turn(wanted, broken).canary is None
    assert PROXY in made(step(wanted, broken))


def test_it_counts_for_nothing_but_itself() -> None:
    wanted = wanted_by()
    held = held_by(wanted, (), pods=1)
    observed = Observed(held, pods_of(1))
    _, health = judged(wanted, observed)
    _, without = judged(wanted, Observed(held_by(wanted, ())))
    assert (health.ready, health.parts) == (without.ready, without.parts)
    assert CANARY.key not in [view.key for view in observed.deployments()]
    assert [view.key for view in observed.canaries()] == [CANARY.key]


def test_its_pods_are_the_services_and_nobody_elses() -> None:
    wanted = wanted_by()
    assert wanted.desired is not None
    assert wanted.desired.canary is not None
    labels = wanted.desired.canary["spec"]["template"]["metadata"]["labels"]
    objects = {
        (obj["kind"], obj["metadata"]["name"]): obj["spec"] for obj in wanted.desired.milvus if "spec" in obj
    }

    def selects(selector: dict[str, str]) -> bool:
        return set(selector.items()) <= set(labels.items())

    assert selects(objects["Service", "kite-milvus"]["selector"])
    assert selects(objects["NetworkPolicy", "kite-milvus"]["podSelector"]["matchLabels"])
    assert not selects(objects["Deployment", "kite-milvus-proxy"]["selector"]["matchLabels"])
    assert not selects(objects["PodDisruptionBudget", "kite-milvus-proxy"]["selector"]["matchLabels"])
    assert selects(wanted.desired.canary["spec"]["selector"]["matchLabels"])
    own, proxy = (obj["spec"]["template"]["spec"] for obj in (wanted.desired.canary, deployment(wanted)))
    assert own["containers"] == proxy["containers"]


def deployment(wanted: Intent) -> dict[str, Any]:
    assert wanted.desired is not None
    return next(obj for _, ref, obj in wanted.desired.deployments() if ref == PROXY)
