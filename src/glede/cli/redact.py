"""Taking credentials out of what is to be shown to others: objects, settings and logs.

It errs on the side of taking out too much. Two passes: ``learn`` finds the values of fields that are named as
credentials are; ``clean`` and ``clean_text`` replace these fields, and their values wherever else they stand.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

REDACTED = "REDACTED"
# Shorter values are words that stand elsewhere with another meaning.
SHORTEST_LEARNT = 8
LONGEST_YAML = 1 << 20

_WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|auth[-_]?params|auth[-_]?header|authorization"
    r"|api[-_]?key|access[-_]?key|private[-_]?key|connection[-_]?string|dsn"
)
_CREDENTIAL = re.compile(_WORDS, re.IGNORECASE)
# These name a Secret, or a file, which is no secret.
_REFERENCE = re.compile(r"^existingSecret$|(?:Ref|Refs|Name|Names|Namespace|Path|Seconds|_NAME|_PATH|_FILE)$")
_ANNOTATIONS_DROPPED = ("kubectl.kubernetes.io/last-applied-configuration",)

_VALUE = r"\\?\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&}\])\"']+"
# Every repetition that a long word could feed has an upper bound: a log may hold megabytes without a space.
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), instead)
    for pattern, instead in (
        (r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)", REDACTED),
        (r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@]{1,512}@", rf"\1{REDACTED}@"),
        (r"\b(bearer|basic)\s+[a-z0-9+/=._~-]{8,}", rf"\1 {REDACTED}"),
        (rf"(--?[\w-]{{0,32}}(?:{_WORDS})[\w-]{{0,32}}[ \t]+)[^\s-]\S*", rf"\1{REDACTED}"),
        (rf"((?:{_WORDS})[\w.-]{{0,64}}\\?[\"']?[ \t]*[:=][ \t]*)(?:{_VALUE})", rf"\1{REDACTED}"),
    )
)


def is_credential(name: str) -> bool:
    """Tell whether a field, setting or variable of this name holds a credential."""
    return bool(_CREDENTIAL.search(name)) and not _REFERENCE.search(name)


class Redactor:
    """Takes out what ``learn`` has seen, and what looks like a credential."""

    def __init__(self) -> None:
        self._learnt: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: Any) -> None:
        """Remember the credentials in an object."""
        self._learnt.update(word for word in _credentials(value) if len(word) >= SHORTEST_LEARNT)
        longest_first = sorted(self._learnt, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clean(self, value: Any) -> Any:
        """Give an object without credentials, and without what only kubectl and the API server use."""
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list):
            return [self._item(value, at) for at in range(len(value))]
        return self.clean_text(value) if isinstance(value, str) else value

    def clean_text(self, text: str) -> str:
        """Give a text without credentials: YAML by its fields, anything else by its look."""
        settings = _settings(text)
        if settings is not None:
            return yaml.safe_dump(self.clean(settings), sort_keys=False, allow_unicode=True)
        return self.clean_log(text)

    def clean_log(self, text: str) -> str:
        """Give a text without what looks like a credential, or is one that was learnt."""
        if self._pattern:
            text = self._pattern.sub(REDACTED, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text

    def _mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        hidden = set(_hidden(value))
        return {
            key: REDACTED if key in hidden else self.clean(inner)
            for key, inner in value.items()
            if key != "managedFields" and key not in _ANNOTATIONS_DROPPED
        }

    def _item(self, items: list[Any], at: int) -> Any:
        return REDACTED if _is_value_of_flag(items, at) else self.clean(items[at])


def _hidden(value: dict[Any, Any]) -> Iterator[Any]:
    """Give the keys whose values are credentials."""
    for key, inner in value.items():
        # A bool is an int.
        if is_credential(str(key)) and isinstance(inner, str | int | float) and not isinstance(inner, bool):
            yield key
    # A variable of a container, and whatever else is written as a list of names and values.
    if isinstance(value.get("name"), str) and is_credential(value["name"]) and "value" in value:
        yield "value"


def _credentials(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key in _hidden(value):
            yield str(value[key])
        yield from _all(value.values())
    elif isinstance(value, list):
        yield from (str(item) for at, item in enumerate(value) if _is_value_of_flag(value, at))
        yield from _all(value)
    elif isinstance(value, str) and (settings := _settings(value)) is not None:
        yield from _credentials(settings)


def _all(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _credentials(value)


def _is_value_of_flag(items: list[Any], at: int) -> bool:
    """Tell whether an item of an argument list is the value of the credential's flag before it."""
    if at == 0 or not isinstance(items[at], str):
        return False
    flag = items[at - 1]
    return isinstance(flag, str) and flag.startswith("-") and "=" not in flag and is_credential(flag)


class _Loader(yaml.SafeLoader):
    """Reads no alias: a few of them can stand for more than fits into memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def _settings(text: str) -> dict[Any, Any] | list[Any] | None:
    """Give the mapping or list that a text of several lines is in YAML or JSON, or None."""
    if len(text) > LONGEST_YAML or ("\n" not in text and not text.startswith(("{", "["))):
        return None
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None
