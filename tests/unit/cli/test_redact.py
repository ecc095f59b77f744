"""No credential passes, whatever field, text or log it stands in, and what is none passes."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from glede.cli.redact import REDACTED, Redactor, is_credential

SECRETS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=8, max_size=40).filter(
    lambda word: word not in REDACTED
)
NAMES = st.sampled_from(
    [
        "password",
        "MINIO_SECRET_KEY",
        "secretAccessKey",
        "accessKeyID",
        "apiKey",
        "auth_token",
        "saslPassword",
        "authParams",
    ]
)


def at_places(name: str, secret: str) -> dict[str, Any]:
    settings = yaml.safe_dump({"minio": {name: secret, "port": 9000}, "log": {"level": "info"}})
    return {
        "kind": "ConfigMap",
        "metadata": {
            "name": "kites",
            "managedFields": [{"manager": secret}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": f'{{"x":"{secret}"}}'},
        },
        "data": {
            "user.yaml": settings,
            "plain": f"{name}={secret}\nother=1",
            "repeated": f"see {secret} again",
        },
        "env": [{"name": name, "value": secret}, {"name": "PORT", "value": "9000"}],
        "args": [f"--{name}={secret}", f"--{name}", secret, f"http://user:{secret}@host/"],
        "numbers": {name: 12345678},
    }


@given(NAMES, SECRETS)
def test_a_credential_passes_nowhere(name: str, secret: str) -> None:
    redactor = Redactor()
    given_object = at_places(name, secret)
    redactor.learn(given_object)
    cleaned = redactor.clean(given_object)

    assert secret not in yaml.safe_dump(cleaned, width=10_000)
    assert "12345678" not in yaml.safe_dump(cleaned)
    assert cleaned["env"][1]["value"] == "9000"
    assert yaml.safe_load(cleaned["data"]["user.yaml"]) == {
        "minio": {name: REDACTED, "port": 9000},
        "log": {"level": "info"},
    }
    assert secret not in redactor.clean_log(f"dial tcp: {secret} refused")


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2222",
        'connecting {"secretAccessKey":"hunter2222","port":1}',
        'escaped "{\\"password\\":\\"hunter2222\\"}"',
        "token: 'hunter2222'",
        "GET http://root:hunter2222@etcd:2379/",
        "Authorization: Bearer hunter2222",
        "authorization=Basic hunter2222==",
        "mc alias set x --secret-key hunter2222",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2222\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2222",
    ],
)
def test_a_log_line_is_cleaned_by_its_look(line: str) -> None:
    cleaned = Redactor().clean_log(line)
    assert "hunter2222" not in cleaned
    assert REDACTED in cleaned


@pytest.mark.parametrize(
    "kept",
    [
        {"secretRef": "kites-minio", "existingSecret": "kites-minio", "secretName": "kites-tls"},
        {"env": [{"name": "MINIO_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]},
        {"automountServiceAccountToken": False, "replicas": 3, "image": "milvusdb/milvus:v2.3.5"},
        {"message": "etcd: 3 of 3 members answer\nsee the logs", "empty": "", "none": None},
    ],
)
def test_what_is_no_credential_stays(kept: dict[str, Any]) -> None:
    assert Redactor().clean(kept) == kept


def test_names_of_credentials() -> None:
    assert all(map(is_credential, ("rootPassword", "API_KEY", "gcpCredentialJSON", "token")))
    assert not any(map(is_credential, ("secretName", "TOKEN_FILE", "replicas", "endpoint", "user")))


def test_short_words_are_hidden_where_they_are_credentials_and_not_everywhere() -> None:
    redactor = Redactor()
    redactor.learn({"password": "milvus"})
    assert redactor.clean({"password": "milvus", "app": "milvus"}) == {"password": REDACTED, "app": "milvus"}


def test_text_that_is_made_to_cost_time_and_memory_does_not() -> None:
    # The tests' own time limit would end what is not bounded.
    redactor = Redactor()
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    assert len(redactor.clean_text(bomb)) < 10_000
    assert len(redactor.clean_text("[" * 100_000 + "\n")) == 100_001
    redactor.clean_log("a" * 1_000_000 + "://" + "token" * 100_000)
