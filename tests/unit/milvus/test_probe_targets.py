"""What is asked of a dependency follows from the manifest and its Secrets, as Milvus itself uses them."""

import dataclasses
from typing import Any

import pytest
from tests.unit.milvus.dependency import milvus, resolved

from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.probe import Login, ProbeTarget, Tls, probe_target
from glede.milvus.resolved import DependencyKind

Secrets = dict[str, dict[str, bytes]]
ETCD = {"etcd": {"external": True, "endpoints": ["e1", "e2:2379"]}}
KAFKA = {"msgStreamType": "kafka", "kafka": {"external": True, "brokerList": ["k:9092"]}}
PULSAR = {"msgStreamType": "pulsar", "pulsar": {"external": True, "endpoint": "p:6650"}}


def store(**fields: Any) -> dict[str, Any]:
    return {"storage": {"external": True, "endpoint": "s3.example.com:443", **fields}}


def target(
    kind: DependencyKind,
    dependencies: dict[str, Any],
    secrets: Secrets | None = None,
    **parts: Any,
) -> ProbeTarget:
    secrets = secrets or {}
    facts = Facts(secrets={name: SecretFacts(frozenset(held), "") for name, held in secrets.items()})
    whole = resolved(milvus(dependencies, **parts), facts)
    (dependency,) = [one for one in whole.dependencies if one.kind == kind]
    return probe_target(whole, dependency, secrets)


def test_an_etcd() -> None:
    found = target("etcd", ETCD)
    assert found.owner == ("ns", "a")
    assert found.uid
    assert (found.endpoints, found.prefix) == (("e1:2379", "e2:2379"), "a")
    assert (found.tls, found.login) == (None, None)


def test_an_etcd_with_users_whatever_case_the_settings_have() -> None:
    config = {"etcd": {"rootPath": "x", "Auth": {"enabled": "True", "username": "u", "password": "p"}}}
    found = target("etcd", ETCD, config=config)
    assert (found.login, found.prefix) == (Login("u", "p"), "x")
    off = {"etcd": {"auth": {"enabled": False, "userName": "u", "password": "p"}}}
    assert target("etcd", ETCD, config=off).login is None


SSL = {
    "enabled": True,
    "tlsCert": "/milvus/tls/client.pem",
    "tlsKey": "/milvus/tls/client.key",
    "tlsCACert": "/milvus/ca.pem",
}
MOUNTED = {
    "volumes": [
        {
            "name": "tls",
            "secret": {"secretName": "etcd-tls", "items": [{"key": "crt", "path": "client.pem"}]},
        },
        {"name": "ca", "secret": {"secretName": "etcd-tls"}},
        {"name": "other", "configMap": {"name": "x"}},
    ],
    "volumeMounts": [
        {"name": "other", "mountPath": "/etc"},
        {"name": "tls", "mountPath": "/milvus/tls"},
        {"name": "ca", "mountPath": "/milvus/ca.pem", "subPath": "ca.crt"},
    ],
}


def test_certificates_are_found_by_where_the_pods_mount_them() -> None:
    secrets = {"etcd-tls": {"crt": b"C", "ca.crt": b"A"}}
    found = target("etcd", ETCD, secrets, config={"etcd": {"ssl": SSL}}, components=MOUNTED)
    assert found.tls == Tls(authority=b"A", certificate=b"C")


def test_an_authority_that_is_not_found_here_leaves_certificates_unchecked() -> None:
    found = target("etcd", ETCD, config={"etcd": {"ssl": SSL}})
    assert found.tls == Tls(verify=False)
    bare = target("etcd", ETCD, config={"etcd": {"ssl": {"enabled": True}}})
    assert bare.tls == Tls()


def test_a_store_with_keys_of_a_secret() -> None:
    secrets = {"keys": {"accesskey": b"a", "secretkey": b"s"}}
    found = target("storage", store(type="S3", secretRef="keys"), secrets, config={"minio": {"useSSL": True}})
    assert (found.type, found.login, found.tls) == ("s3", Login("a", "s"), Tls())
    assert (found.bucket, found.prefix, found.region) == ("a-milvus", "files/", "us-east-1")
    newer = {"keys": {"rootUser": b"a", "rootPassword": b"s"}}
    assert target("storage", store(secretRef="keys"), newer).login == Login("a", "s")


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ({}, "Secret keys does not exist; create it with the keys accesskey and secretkey"),
        ({"keys": {"accesskey": b"a"}}, "Secret keys has no secretkey; add it"),
    ],
)
def test_what_is_missing_is_said(secrets: Secrets, words: str) -> None:
    assert target("storage", store(secretRef="keys"), secrets).missing == words


def test_the_settings_of_a_store() -> None:
    config = {"minio": {"bucketName": "b-1", "rootPath": "/deep/down", "region": "eu-1", "useIAM": True}}
    found = target("storage", store(), config=config)
    assert (found.bucket, found.prefix, found.region) == ("b-1", "deep/down/", "eu-1")
    assert (found.login, found.missing, found.tls) == (None, "", None)
    aliyun = target("storage", store(), config={"minio": {"cloudProvider": "aliyun"}})
    assert aliyun.virtual_host


@pytest.mark.parametrize(
    ("ssl", "secrets", "expected"),
    [
        ({"enabled": True}, {}, Tls()),
        ({"enabled": True, "insecureSkipVerify": True}, {}, Tls(verify=False)),
        ({"enabled": True, "caCertificateRef": "ca"}, {"ca": {"ca.crt": b"A"}}, Tls(authority=b"A")),
        ({"enabled": True, "caCertificateRef": "ca"}, {}, Tls(verify=False)),
        ({"enabled": False}, {}, None),
    ],
)
def test_tls_to_a_store(ssl: dict[str, Any], secrets: Secrets, expected: Tls | None) -> None:
    assert target("storage", store(ssl=ssl), secrets).tls == expected


def test_an_azure_account() -> None:
    secrets = {"keys": {"accesskey": b"account", "secretkey": b"a2V5"}}
    found = target("storage", store(type="Azure", secretRef="keys"), secrets)
    assert (found.type, found.login) == ("azure", Login("account", "a2V5"))
    identity = target("storage", store(type="Azure"), config={"minio": {"accessKeyID": "account"}})
    assert identity.login == Login("account", "")


def kafka(**fields: Any) -> dict[str, Any]:
    return {**KAFKA, "kafka": {**KAFKA["kafka"], **fields}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("settings", "login", "tls"),
    [
        ({}, None, None),
        ({"saslUsername": "u", "saslPassword": "p"}, Login("u", "p"), Tls()),
        (
            {"saslUsername": "u", "saslPassword": "p", "securityProtocol": "SASL_PLAINTEXT"},
            Login("u", "p"),
            None,
        ),
        ({"saslUsername": "u", "saslPassword": "p", "securityProtocol": "PLAINTEXT"}, None, None),
        ({"securityProtocol": "SSL"}, None, Tls()),
        ({"ssl": {"enabled": True}}, None, Tls()),
    ],
)
def test_the_protocol_of_kafka_is_the_one_milvus_takes(
    settings: dict[str, Any], login: Login | None, tls: Tls | None
) -> None:
    found = target("log", KAFKA, config={"kafka": settings})
    assert (found.login, found.tls) == (login, tls)


def test_kafka_with_a_secret() -> None:
    secrets = {"login": {"username": b"u", "password": b"p", "ca.pem": b"A"}}
    config = {"kafka": {"saslMechanisms": "SCRAM-SHA-512"}}
    found = target("log", kafka(secretRef="login"), secrets, config=config)
    assert (found.login, found.tls, found.mechanism) == (
        Login("u", "p"),
        Tls(authority=b"A"),
        "SCRAM-SHA-512",
    )
    absent = target("log", kafka(secretRef="login"))
    assert absent.missing == "Secret login has no username or no password; write both into it"


@pytest.mark.parametrize(
    ("settings", "token"),
    [
        ({}, ""),
        ({"authPlugin": "token", "authParams": "token:t"}, "t"),
        ({"authPlugin": "token", "authParams": "file:/milvus/ca.pem"}, "from-file"),
        ({"authPlugin": "tls", "authParams": "tlsCertFile:x"}, ""),
    ],
)
def test_the_token_of_pulsar(settings: dict[str, Any], token: str) -> None:
    secrets = {"etcd-tls": {"ca.crt": b"from-file\n"}}
    found = target("log", PULSAR, secrets, config={"pulsar": settings}, components=MOUNTED)
    assert found.login == (Login(token=token) if token else None)


def test_two_targets_with_other_credentials_are_not_the_same() -> None:
    found = target("etcd", ETCD)
    assert dataclasses.replace(found, login=Login("u", "p")) != dataclasses.replace(
        found, login=Login("u", "q")
    )
