"""Credentials that a manifest gives among its settings: found, and taken out of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The last word of a setting that holds a credential, in any writing: minio.secretAccessKey,
# etcd.auth.password, kafka.saslPassword, pulsar.authParams, common.security.defaultRootPassword.
_SECRET = re.compile(
    r"(password|passwd|secret|secretkey|token|apikey|accesskey|accesskeyid|secretaccesskey|authparams"
    r"|credentialjson|privatekey)$"
)
# Names that end like a credential, and are none.
_HARMLESS = re.compile(r"(usetoken|enabletoken|maxtoken|mintoken)$")


@dataclass(frozen=True, slots=True)
class Split:
    """Settings without credentials, and these by the dotted path they were written at."""

    settings: dict[str, Any]
    credentials: dict[str, str]


def split(settings: Mapping[str, Any], at: str = "") -> Split:
    """Take the credentials out of settings. An empty one is none, and stays."""
    left: dict[str, Any] = {}
    found: dict[str, str] = {}
    for name, value in settings.items():
        path = f"{at}.{name}" if at else str(name)
        if isinstance(value, Mapping):
            below = split(value, path)
            found |= below.credentials
            if below.settings or not value:
                left[name] = below.settings
        elif holds_credential(path, value):
            found[path] = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        else:
            left[name] = value
    return Split(left, found)


def holds_credential(path: str, value: object) -> bool:
    """Tell whether a setting is a credential: by its name, and because its value is a text or number."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in values):
        return False
    # A path is none: pulsar.authParams may name a file.
    if not any(item != "" and not str(item).startswith("file:") for item in values):
        return False
    section, _, below = path.partition(".")
    if below and setting_key(section) == "credential":
        return True
    last = setting_key(path.rpartition(".")[2])
    return bool(_SECRET.search(last)) and not _HARMLESS.search(last)


def setting_key(name: str) -> str:
    """Give a setting's name as Milvus compares it: lower case, without dots, underscores and slashes."""
    return re.sub(r"[._/]", "", name.lower())


def variable_of(path: str) -> str:
    """Give the environment variable that Milvus reads a setting from."""
    return re.sub(r"[^A-Z0-9-]", "_", path.upper())
