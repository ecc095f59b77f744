"""How Milvus gets credentials: environment variables that refer to Secrets."""

from glede.milvus.dependencies.pods import secret_env
from glede.milvus.facts import SecretFacts
from glede.milvus.resolved import Object

STORAGE_KEYS = ("accesskey", "secretkey")
# The names in the Secrets of the newer charts of MinIO and of its forks.
_ROOT_KEYS = ("rootUser", "rootPassword")
# Settings of milvus.yaml by environment (dots become underscores), then the names that milvus-operator gives.
_ACCESS = ("MINIO_ACCESSKEYID", "MINIO_ACCESS_KEY", "MINIO_ACCESS_KEY_ID")
_SECRET = ("MINIO_SECRETACCESSKEY", "MINIO_SECRET_KEY", "MINIO_SECRET_ACCESS_KEY")


def storage_keys(facts: SecretFacts | None) -> tuple[str, str]:
    """Give the keys under which a Secret holds the store's access key and secret key."""
    if facts and not facts.keys.intersection(STORAGE_KEYS) and facts.keys.issuperset(_ROOT_KEYS):
        return _ROOT_KEYS
    return STORAGE_KEYS


def storage_env(secret: str, facts: SecretFacts | None) -> tuple[Object, ...]:
    """Give Milvus's variables for the object store: an access key, a secret key, then more names."""
    access, key = storage_keys(facts)
    pairs = zip(_ACCESS, _SECRET, strict=True)
    return tuple(
        secret_env(name, secret, place)
        for pair in pairs
        for name, place in zip(pair, (access, key), strict=True)
    )


def kafka_env(secret: str) -> tuple[Object, ...]:
    """Give Milvus's variables for Kafka's credentials, which win over kafka.saslUsername and saslPassword."""
    return (
        secret_env("KAFKA_SASLUSERNAME", secret, "username"),
        secret_env("KAFKA_SASLPASSWORD", secret, "password"),
    )


def missing_keys(facts: SecretFacts | None, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Give the keys that a Secret lacks; none for a Secret that is not there (yet)."""
    return tuple(key for key in keys if facts and key not in facts.keys)
