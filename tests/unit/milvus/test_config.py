import base64
from typing import Any

import pytest
import yaml
from tests.unit.milvus.rendered import container, rendered, resolved, with_secrets

from glede.milvus.config import bucket_name
from glede.milvus.credentials import holds_credential, variable_of
from glede.milvus.resolved import Object


def user_yaml(objects: dict[tuple[str, str], Object]) -> dict[str, Any]:
    found = yaml.safe_load(objects["ConfigMap", "kite"]["data"]["user.yaml"])
    assert isinstance(found, dict)
    return found


def test_the_settings_keep_two_milvus_apart() -> None:
    found = user_yaml(rendered())

    assert found["etcd"]["rootPath"] == "kite"
    assert found["minio"]["bucketName"] == "kite"
    assert found["msgChannel"] == {"chanNamePrefix": {"cluster": "kite"}}


def test_the_manifest_wins_over_defaults_and_the_dependencies_over_it() -> None:
    found = user_yaml(
        rendered(
            config={
                "etcd": {"rootPath": "mine", "endpoints": ["elsewhere:1"]},
                "queryCoord": {"updateNextTargetInterval": 5},
                "mq": {"type": "pulsar"},
                "log": {"level": "debug"},
            }
        )
    )

    assert found["etcd"]["rootPath"] == "mine"
    assert found["etcd"]["endpoints"] == [f"kite-etcd-{i}.kite-etcd-headless.birds:2379" for i in range(3)]
    assert found["queryCoord"]["updateNextTargetInterval"] == 5
    assert found["mq"] == {"type": "woodpecker"}
    assert found["messageQueue"] == "woodpecker"
    assert found["log"] == {"level": "debug"}


def test_our_own_default_is_told_with_its_reason() -> None:
    found = resolved()

    assert found.settings["queryCoord"]["updateNextTargetInterval"] == 1
    told = [d for d in found.derived if d.field == "spec.config.queryCoord.updateNextTargetInterval"]
    assert [d.value for d in told] == [1]
    assert told[0].reason


def test_a_log_of_the_manifests_own_is_left_alone() -> None:
    found = resolved(dependencies={"msgStreamType": "custom"}, config={"mq": {"type": "pulsar"}})

    assert found.settings["mq"] == {"type": "pulsar"}
    assert "messageQueue" not in found.settings


@pytest.mark.parametrize(
    ("name", "bucket"),
    [
        ("kite", "kite"),
        ("m1", "m1-milvus"),
        ("a", "a-milvus"),
        ("a.b.c", "a-b-c"),
        ("x" * 70, "x" * 63),
    ],
)
def test_a_bucket_has_a_legal_name(name: str, bucket: str) -> None:
    assert bucket_name(name) == bucket


def test_a_bucket_that_is_not_named_after_its_milvus_is_told() -> None:
    fields = [d.field for d in resolved(name="m1").derived]

    assert "spec.config.minio.bucketName" in fields
    written = resolved(name="m1", config={"minio": {"bucketName": "mine"}})
    assert "spec.config.minio.bucketName" not in [d.field for d in written.derived]
    assert written.settings["minio"]["bucketName"] == "mine"


CREDENTIALS = {
    "minio": {"accessKeyID": "hidden-1", "secretAccessKey": "hidden-2", "region": "r"},
    "etcd": {"auth": {"enabled": True, "userName": "root", "password": "hidden-3"}},
    "kafka": {"saslPassword": "hidden-4", "saslUsername": "u"},
    "pulsar": {"authParams": "token:hidden-5"},
    "common": {"security": {"defaultRootPassword": "hidden-6", "authorizationEnabled": True}},
    "credential": {"apikey1": {"apikey": "hidden-7"}, "aksk1": {"access_key_id": "hidden-8"}},
}


def test_credentials_among_the_settings_go_into_a_secret_and_the_environment() -> None:
    objects = rendered(
        config=CREDENTIALS, dependencies={"storage": {"external": True, "endpoint": "s3:9000"}}
    )

    assert "hidden" not in str(objects["ConfigMap", "kite"])
    secret = objects["Secret", "kite-config"]
    texts = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    assert texts == {
        "MINIO_ACCESSKEYID": "hidden-1",
        "MINIO_SECRETACCESSKEY": "hidden-2",
        "ETCD_AUTH_PASSWORD": "hidden-3",
        "KAFKA_SASLPASSWORD": "hidden-4",
        "PULSAR_AUTHPARAMS": "token:hidden-5",
        "COMMON_SECURITY_DEFAULTROOTPASSWORD": "hidden-6",
        "CREDENTIAL_APIKEY1_APIKEY": "hidden-7",
        "CREDENTIAL_AKSK1_ACCESS_KEY_ID": "hidden-8",
    }
    assert user_yaml(objects)["etcd"]["auth"] == {"enabled": True, "userName": "root"}
    assert user_yaml(objects)["common"]["security"] == {"authorizationEnabled": True}


def test_pods_read_the_credentials_from_that_secret() -> None:
    env = container("querynode", config={"etcd": {"auth": {"password": "hidden"}}})["env"]

    reference = {"secretKeyRef": {"name": "kite-config", "key": "ETCD_AUTH_PASSWORD"}}
    assert {"name": "ETCD_AUTH_PASSWORD", "valueFrom": reference} in env
    assert "hidden" not in str(env)


def test_credentials_in_the_manifest_are_told_without_their_value() -> None:
    found = resolved(config={"etcd": {"auth": {"password": "hidden"}}})

    assert [(p.kind, p.field) for p in found.problems] == [("warning", "spec.config.etcd.auth.password")]
    assert "Secret" in found.problems[0].message
    assert "hidden" not in str(found.problems)


def test_the_dependencys_secret_wins_over_a_credential_in_the_settings() -> None:
    found = resolved(with_secrets(mine="1"), config={"minio": {"accessKeyID": "hidden"}})

    assert found.credentials == {}
    assert [(p.kind, p.field) for p in found.problems] == [("unsupported", "spec.config.minio.accessKeyID")]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("minio.useSSL", True, False),
        ("kafka.saslPassword", "", False),
        ("proxy.minPasswordLength", 6, False),
        ("proxy.maxPasswordLength", 72, False),
        ("common.security.tlsMode", 1, False),
        ("pulsar.authParams", "file:/certs/token", False),
        ("pulsar.authParams", "token:x", True),
        ("minio.secretAccessKey", 12345, True),
        ("minio.secret_access_key", "x", True),
        ("users.rootPasswords.password", ["a", "b"], True),
        ("credential.k.anything", "x", True),
    ],
)
def test_what_is_a_credential(path: str, value: object, expected: bool) -> None:
    assert holds_credential(path, value) == expected


def test_a_setting_has_a_variable() -> None:
    assert variable_of("minio.accessKeyID") == "MINIO_ACCESSKEYID"


def test_a_hook_has_its_file_and_with_a_credential_it_is_in_the_secret() -> None:
    plain = rendered(hookConfig={"soPath": "/x.so"})
    assert yaml.safe_load(plain["ConfigMap", "kite"]["data"]["hook.yaml"]) == {"soPath": "/x.so"}

    hidden = rendered(hookConfig={"soConfig": {"apiKey": "hidden"}})
    assert "hook.yaml" not in hidden["ConfigMap", "kite"]["data"]
    assert list(hidden["Secret", "kite-config"]["data"]) == ["hook.yaml"]
    template = hidden["Deployment", "kite-milvus-proxy"]["spec"]["template"]
    sources = next(v for v in template["spec"]["volumes"] if v["name"] == "milvus-config")["projected"][
        "sources"
    ]
    assert [next(iter(source)) for source in sources] == ["configMap", "secret"]


def test_the_active_config_map_is_the_one_that_is_made_and_mounted() -> None:
    objects = rendered(components={"activeConfigMap": "kite-blue"})

    assert ("ConfigMap", "kite-blue") in objects
    template = objects["Deployment", "kite-milvus-proxy"]["spec"]["template"]
    assert {"name": "milvus-config", "configMap": {"name": "kite-blue"}} in template["spec"]["volumes"]
