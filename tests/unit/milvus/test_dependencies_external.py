"""Which log a Milvus has, and dependencies that somebody else runs."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.milvus.dependency import NEW, OLD, env, in_cluster, milvus, rendered, resolve

from glede.milvus.dependencies.endpoints import parse_endpoint
from glede.milvus.facts import Facts, SecretFacts


@pytest.mark.parametrize(
    ("mode", "version", "expected"),
    [
        ("cluster", OLD, "kafka"),
        ("cluster", NEW, "woodpecker"),
        ("standalone", OLD, "rocksmq"),
        ("standalone", NEW, "woodpecker"),
    ],
)
def test_the_log_follows_from_mode_and_version(mode: str, version: str, expected: str) -> None:
    found = resolve(milvus(mode=mode), version=version)
    assert found.log.type == expected
    (told,) = [d for d in found.derived if d.field == "dependencies.msgStreamType"]
    assert told.value == expected


@pytest.mark.parametrize(
    ("dependencies", "expected"),
    [
        ({"pulsar": {"external": True, "endpoint": "pulsar:6650"}}, "pulsar"),
        ({"kafka": {"external": True, "brokerList": ["kafka:9092"]}}, "kafka"),
    ],
)
def test_an_external_log_that_is_described_is_meant(dependencies: dict[str, Any], expected: str) -> None:
    assert resolve(milvus(dependencies), version=NEW).log.type == expected


def test_a_new_version_keeps_the_log_of_the_old_one() -> None:
    status = {"resolved": [{"field": "dependencies.msgStreamType", "value": "rocksmq", "reason": ""}]}
    assert resolve(milvus(mode="standalone", status=status), version=NEW).log.type == "rocksmq"
    facts = Facts(nodes=3, earlier={"dependencies.kafka.replicas": 3})
    assert resolve(milvus(), facts, NEW).log.type == "kafka"


@pytest.mark.parametrize(
    ("dependencies", "version", "words"),
    [
        ({"msgStreamType": "pulsar"}, OLD, "set msgStreamType: kafka, or name one"),
        ({"msgStreamType": "rocksmq"}, OLD, "lives in one pod"),
        ({"msgStreamType": "natsmq"}, NEW, "lives in one pod"),
        ({"msgStreamType": "woodpecker"}, OLD, "expected 2.6 or newer"),
    ],
)
def test_a_log_that_cannot_be_is_refused(dependencies: dict[str, Any], version: str, words: str) -> None:
    (problem,) = resolve(milvus(dependencies), version=version).problems
    assert (problem.kind, problem.field) == ("invalid", "spec.dependencies.msgStreamType")
    assert words in problem.message


def test_logs_that_are_described_and_not_used_are_told() -> None:
    problems = resolve(
        milvus({"pulsar": {"inCluster": {"values": {"broker": {"replicaCount": 1}}}}})
    ).problems
    assert [(p.kind, p.field) for p in problems] == [("unsupported", "spec.dependencies.pulsar.inCluster")]


@pytest.mark.parametrize("claim", [None, "mine"])
def test_an_embedded_log_may_outlive_its_pod(claim: str | None) -> None:
    persistence: dict[str, Any] = {"enabled": True}
    if claim:
        persistence["persistentVolumeClaim"] = {"existingClaim": claim}
    log = resolve(milvus({"rocksmq": {"persistence": persistence}}, mode="standalone")).log
    assert log.volumes == (
        {"name": "milvus-data", "persistentVolumeClaim": {"claimName": claim or "a-data"}},
    )
    assert log.volume_mounts == ({"name": "milvus-data", "mountPath": "/var/lib/milvus"},)


def test_persistence_is_told_to_have_no_effect_in_a_cluster() -> None:
    found = resolve(milvus({"woodpecker": {"persistence": {"enabled": True}}}), version=NEW)
    assert found.log.volumes == ()
    assert [(p.kind, p.field) for p in found.problems] == [
        ("unsupported", "spec.dependencies.woodpecker.persistence")
    ]


def test_a_log_of_the_manifests_own_has_no_settings() -> None:
    log = resolve(milvus({"msgStreamType": "custom"})).log
    assert (log.type, log.settings, log.embedded) == ("custom", {}, True)


def test_a_woodpecker_service() -> None:
    pools = [{"name": "p1", "seeds": ["x:18080", "y"]}]
    log = resolve(milvus({"woodpecker": {"external": True, "quorumBufferPools": pools}}), version=NEW).log
    assert log.endpoints == ("x:18080", "y:18080")
    settings = log.settings["woodpecker"]
    assert settings["storage"] == {"type": "service"}
    assert json.loads(settings["client"]["quorum"]["quorumBufferPools"]) == pools


EXTERNAL = {
    "etcd": {"external": True, "endpoints": ["e1:2379", "https://e2:2379", "e3"]},
    "storage": {"external": True, "type": "S3", "endpoint": "s3.example.com:443", "secretRef": "keys"},
    "msgStreamType": "kafka",
    "kafka": {"external": True, "brokerList": ["k1:9092", "k2"], "secretRef": "login"},
}
SECRETS = {
    "keys": SecretFacts(frozenset({"accesskey", "secretkey"}), "1"),
    "login": SecretFacts(frozenset({"username", "password", "ca.pem"}), "2"),
}


def test_external_dependencies_need_no_object() -> None:
    found = resolve(milvus(EXTERNAL), Facts(secrets=SECRETS))
    assert not found.problems
    assert rendered(milvus(EXTERNAL), Facts(secrets=SECRETS)) == {}
    assert found.etcd.endpoints == ("e1:2379", "e2:2379", "e3:2379")
    assert (found.storage.type, found.storage.secret) == ("s3", "keys")
    assert found.storage.settings == {"minio": {"address": "s3.example.com", "port": 443}}
    assert found.storage.generated == ()
    assert found.log.settings["kafka"] == {
        "brokerList": "k1:9092,k2:9092",
        "ssl": {"enabled": True, "tlsCaCert": "/milvus/configs/kafka-ca/ca.pem"},
    }
    assert env(found.log) == {
        "KAFKA_SASLUSERNAME": ("login", "username"),
        "KAFKA_SASLPASSWORD": ("login", "password"),
    }
    (volume,) = found.log.volumes
    assert volume["secret"] == {"secretName": "login", "items": [{"key": "ca.pem", "path": "ca.pem"}]}


def test_an_identity_of_the_cloud_needs_no_secret() -> None:
    storage = {"external": True, "type": "Azure", "endpoint": "core.windows.net:443"}
    found = resolve(milvus({"storage": storage}, config={"minio": {"useIAM": True}}))
    assert (found.storage.type, found.storage.secret, found.storage.env) == ("azure", None, ())


@pytest.mark.parametrize(
    ("dependencies", "field"),
    [
        ({"etcd": {"external": True}}, "etcd.endpoints"),
        ({"etcd": {"external": True, "endpoints": ["a b:1"]}}, "etcd.endpoints[0]"),
        ({"etcd": {"external": True, "endpoints": ["a:70000"]}}, "etcd.endpoints[0]"),
        ({"storage": {"external": True}}, "storage.endpoint"),
        ({"storage": {"external": True, "endpoint": "<my-store>:9000"}}, "storage.endpoint"),
        ({"kafka": {"external": True}}, "kafka.brokerList"),
        ({"pulsar": {"external": True}}, "pulsar.endpoint"),
    ],
)
def test_an_address_that_is_missing_or_malformed_is_refused(dependencies: dict[str, Any], field: str) -> None:
    (problem,) = resolve(milvus(dependencies)).problems
    assert (problem.kind, problem.field) == ("invalid", f"spec.dependencies.{field}")


def test_keys_that_a_secret_lacks_are_named() -> None:
    secrets = {"keys": SecretFacts(frozenset({"accesskey"}), "1"), "login": SecretFacts(frozenset(), "2")}
    problems = resolve(milvus(EXTERNAL), Facts(secrets=secrets)).problems
    assert [(p.field, p.message.split(";")[0]) for p in problems] == [
        ("spec.dependencies.storage.secretRef", "Secret keys has no secretkey"),
        ("spec.dependencies.kafka.secretRef", "Secret login has no username and no password"),
    ]


def test_values_beside_an_external_dependency_are_told() -> None:
    dependencies = in_cluster("etcd", {"replicaCount": 3})
    dependencies["etcd"] |= {"external": True, "endpoints": ["e:2379"]}
    (problem,) = resolve(milvus(dependencies)).problems
    assert (problem.kind, problem.field) == ("unsupported", "spec.dependencies.etcd.inCluster")


@given(st.text(max_size=40))
def test_an_endpoint_is_a_host_and_a_port_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        host, port = parse_endpoint(text, 2379)
        assert host
        assert 0 < port < 65536


@pytest.mark.parametrize("text", ["", "a b", "a:0", "a:99999", "a:x", "::1", "[::1", "a/b:1", "a:1:2"])
def test_what_is_no_endpoint_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_endpoint(text, 2379)


def test_an_ipv6_endpoint_keeps_its_brackets() -> None:
    assert parse_endpoint("[::1]:2380", 1) == ("[::1]", 2380)
    assert parse_endpoint("[::1]", 2379) == ("[::1]", 2379)
