"""Where a Milvus is searched and as whom, and what a canary search makes of a rollout and of the status."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.unit.milvus.snapshots import KNOWN, changed, intent, judged, whole

from glede.milvus.canarysearch import CanaryReader, CanaryWatch, Counts
from glede.milvus.canarysearch.target import CanaryTarget, canary_target
from glede.milvus.conditions import Condition
from glede.milvus.deadline import Overdue
from glede.milvus.facts import SecretFacts
from glede.milvus.intent import Intent
from glede.milvus.observed import Observed, Searched
from glede.milvus.probe import Login, Tls
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.situation import Situation
from glede.milvus.status import status

OLD, NEW = "milvusdb/milvus:v2.3.4", "milvusdb/milvus:v2.3.5"
SERVED = {"currentImage": OLD, "currentVersion": "2.3.4"}
NOW, EARLIER, LATER = "2026-11-27T05:10:00Z", "2026-11-27T05:09:00Z", "2026-11-27T05:11:00Z"
WATCHED = {"canarySearch": {"enabled": True}}
BAD = "the canary search is not ok: empty: a search for row 3 of glede_canary found nothing"


def aimed(secrets: dict[str, dict[str, bytes]] | None = None, **spec: Any) -> CanaryTarget:
    secrets = secrets or {}
    facts = replace(KNOWN, secrets={n: SecretFacts(frozenset(held), "") for n, held in secrets.items()})
    facts = replace(facts, secrets={**KNOWN.secrets, **facts.secrets})
    wanted = intent(facts, **{"mode": "cluster", **spec})
    assert wanted.resolved is not None
    return canary_target(wanted.resolved, secrets)


def test_the_service_of_the_proxies_is_searched() -> None:
    found = aimed()
    assert (found.endpoint, found.tls, found.login) == ("kite-milvus.birds.svc:19530", None, None)
    assert found.owner == ("birds", "kite")
    assert aimed(components={"proxy": {"port": 443}}).endpoint == "kite-milvus.birds.svc:443"


def test_a_rest_api_with_a_port_of_its_own_and_tls() -> None:
    components = {
        "proxy": {"serviceRestfulPort": 8443},
        "rollout": WATCHED,
        "volumes": [{"name": "tls", "secret": {"secretName": "pair"}}],
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    tls = {"caPemPath": "/tls/ca.pem", "serverPemPath": "/tls/tls.crt", "serverKeyPath": "/tls/tls.key"}
    config: dict[str, Any] = {"proxy": {"http": {"port": 8080}}, "tls": tls}
    secrets = {"pair": {"ca.pem": b"authority", "tls.crt": b"certificate", "tls.key": b"key"}}
    for mode, wanted in ((1, Tls(b"authority")), (2, Tls(b"authority", True, b"certificate", b"key"))):
        config["common"] = {"security": {"tlsMode": mode}}
        found = aimed(secrets, components=components, config=config)
        assert (found.endpoint, found.tls) == ("kite-milvus.birds.svc:8443", wanted)


@pytest.mark.parametrize(
    ("held", "login"),
    [
        ({"username": b"reader", "password": b"p\n"}, Login("reader", "p")),
        ({"token": b"t"}, Login(token="t")),
    ],
)
def test_the_login_comes_from_the_secret(held: dict[str, bytes], login: Login) -> None:
    rules = {"canarySearch": {"enabled": True, "secretRef": "reader"}}
    found = aimed({"reader": held}, components={"rollout": rules})
    assert found.login == login
    assert "reader:p" not in repr(found)


def wanted_(**components: Any) -> Intent:
    return intent(status=SERVED, mode="cluster", components={"image": NEW, **components})


def rolled(wanted: Intent, canary: Searched, *waiting: str) -> Rollout:
    assert wanted.resolved is not None
    assert wanted.desired is not None
    held = whole(wanted)
    for component in waiting:
        held = changed(held, f"kite-milvus-{component}", template="old")
    return rollout(wanted.resolved, wanted.desired, Observed(held, gate=canary.shut, searched=canary))


@pytest.mark.parametrize("components", [{}, {"imageUpdateMode": "all"}], ids=["one by one", "at once"])
def test_a_search_that_fails_a_change_makes_it_overdue(components: dict[str, Any]) -> None:
    failing = Overdue("the canary search is not ok", LATER)
    found = rolled(wanted_(**components), Searched(BAD, BAD, failing), "proxy")
    assert (found.overdue, found.held) == (failing, BAD)
    assert rolled(wanted_(**components), Searched(BAD, BAD, failing)).overdue == failing


def test_it_fails_nothing_on_the_way_back() -> None:
    wanted = wanted_()
    assert wanted.resolved is not None
    milvus = wanted.resolved.milvus
    back = {**SERVED, "rolledBack": {"generation": 9, "reason": "empty"}}
    metadata = milvus.metadata.model_copy(update={"generation": 8})
    followed = milvus.model_copy(update={"metadata": metadata, "status": back})
    found = rolled(
        replace(wanted, resolved=replace(wanted.resolved, milvus=followed)),
        Searched(BAD, BAD, Overdue("empty", EARLIER)),
        "proxy",
    )
    assert (found.overdue, found.at) == (Overdue(), "proxy")


def written(canary: Searched, **components: Any) -> dict[str, Any]:
    """Give the status of a Milvus whose pods are all as its manifest wants them."""
    wanted = wanted_(**components)
    observed = Observed(whole(wanted), gate=canary.shut, searched=canary)
    _, health = judged(wanted, observed)
    turns = rolled(wanted, canary)
    situation = Situation(wanted.milvus, wanted.resolved, (), health, observed, NOW, "tool", rollout=turns)
    return status(situation)


def condition(found: dict[str, Any], type_: str) -> Condition:
    one = next(c for c in found["conditions"] if c["type"] == type_)
    return Condition(one["type"], one["status"], one["reason"], one["message"])


def test_a_change_that_all_pods_have_is_not_done_before_it_has_proved_itself() -> None:
    told = {"result": "empty", "since": EARLIER}
    found = written(Searched(BAD, BAD, Overdue("late", LATER), told))
    assert condition(found, "Progressing") == Condition("Progressing", "True", "Rolling", BAD)
    updated = condition(found, "MilvusUpdated")
    assert (updated.status, updated.message) == ("False", f"every pod is up to date; {BAD}")
    assert (condition(found, "Ready").status, condition(found, "Degraded").status) == ("True", "False")
    assert found["canarySearch"] == told
    assert "lastHealthy" not in found
    done = written(Searched(BAD, "", told=told))
    assert condition(done, "Progressing").reason == "Complete"
    assert "lastHealthy" in done


def test_without_rollback_it_stands_still_with_the_searchs_words() -> None:
    late = Overdue("the canary search is not ok since then: empty", EARLIER)
    found = written(Searched(BAD, BAD, late), rollout={"rollback": False, **WATCHED})
    progressing = condition(found, "Progressing")
    assert progressing.reason == "DeadlineExceeded"
    assert progressing.message == f"{late.words}. Correct the manifest"


class Forbidden(CanaryWatch):
    def __init__(self) -> None:
        super().__init__(lambda _owner: None, Counts(CollectorRegistry()))
        self.left: list[CanaryTarget] = []

    def record(self, *_arguments: Any) -> Any:
        raise AssertionError("it is searched")

    def leave(self, target: CanaryTarget) -> bool:
        self.left.append(target)
        return len(self.left) > 1


@pytest.mark.parametrize(
    ("status_", "rules", "left"),
    [
        (SERVED, {}, 0),
        ({}, WATCHED, 0),
        ({**SERVED, "canarySearch": {"result": "ok"}}, {}, 1),
    ],
    ids=["not wanted", "nothing has served yet", "wanted no more"],
)
def test_who_is_not_searched_waits_for_nothing(
    status_: dict[str, Any], rules: dict[str, Any], left: int
) -> None:
    wanted = intent(status=status_, mode="cluster", components={"image": NEW, "rollout": rules})
    assert wanted.resolved is not None
    assert wanted.desired is not None
    watch = Forbidden()
    snapshot = Observed(whole(wanted))
    found = CanaryReader(watch).watched(wanted.resolved, wanted.desired, snapshot, {})
    assert found.gate == ""
    assert found.searched.told == status_.get("canarySearch", {}), "until it is dropped"
    assert len(watch.left) == left
    again = CanaryReader(watch).watched(wanted.resolved, wanted.desired, snapshot, {})
    assert again == snapshot
