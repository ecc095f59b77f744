"""Why a manifest cannot be read: each fault's field, what was found, what was expected, and a remedy."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

_MOST_TOLD = 5
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that cannot be read."""

    field: str
    found: str
    expected: str
    remedy: str

    @property
    def message(self) -> str:
        """The fault in one line, without the field."""
        return f"found {self.found}, expected {self.expected}; {self.remedy}"


class ManifestProblem(Exception):  # noqa: N818 - it holds problems, which are told and not raised
    """A manifest that cannot be read.

    ``field`` is the first fault's, ``message`` tells it and the next few, ``faults`` has all.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        self.field = self.faults[0].field
        told = [self.faults[0].message]
        told += [f"{fault.field}: {fault.message}" for fault in self.faults[1:_MOST_TOLD]]
        more = len(self.faults) - _MOST_TOLD
        self.message = "\n".join(told) + (f"\nand {more} more" if more > 0 else "")
        super().__init__(f"{self.field}: {self.message}")


def shown(value: object) -> str:
    """Show what a field holds, in one short line: a section by its kind, anything else as it is written."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    # A number may be too long to be written in decimal digits at all.
    text = hex(value) if isinstance(value, int) and value.bit_length() > 256 else ascii_safe(repr(value))
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."


def ascii_safe(text: str) -> str:
    """Replace half characters, which cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def faults_of(details: Iterable[ErrorDetails]) -> list[Fault]:
    """Put pydantic's errors into words, one for each field."""
    found: dict[str, Fault] = {}
    for detail in details:
        field = _field(detail["loc"])
        found.setdefault(field, _fault(field, detail))
    return list(found.values())


def _field(location: tuple[int | str, ...]) -> str:
    parts = [part for part in location if part not in _UNION_MEMBERS]
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{ascii_safe(str(part))}"
    return path.lstrip(".") or "manifest"


# The members of a choice of types, which pydantic adds to a field's place.
_UNION_MEMBERS = frozenset({"int", "str", "[key]"})


def _fault(field: str, detail: ErrorDetails) -> Fault:
    kind = detail["type"]
    name = field.rpartition(".")[2]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return Fault(field, "nothing", "a value", f"write {name}")
    found = shown(detail["input"])
    if kind == "literal_error":
        return _choice(field, found, str(context.get("expected", "")), detail["input"])
    for pattern, expected, remedy in _WORDS:
        if re.fullmatch(pattern, kind):
            return Fault(field, found, expected(context), remedy.format(name=name))
    return Fault(field, found, detail["msg"].lower(), f"correct {name}")


def _choice(field: str, found: str, expected: str, value: object) -> Fault:
    choices = [choice for choice in re.findall(r"'([^']*)'", expected) if choice]
    close = (
        difflib.get_close_matches(str(value)[:100], choices, n=1, cutoff=0.5)
        if isinstance(value, str)
        else []
    )
    remedy = f"did you mean {close[0]}?" if close else "write one of these"
    return Fault(field, found, f"one of {', '.join(choices)}", remedy)


def _always(words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _context: words


_WORDS: tuple[tuple[str, Callable[[Mapping[str, Any]], str], str], ...] = (
    (
        r"(model|dict|mapping|model_attributes)_type",
        _always("a mapping"),
        "write the settings of {name} below it",
    ),
    (r"list_type", _always("a list"), "begin each item of {name} with a dash"),
    (
        r"too_long",
        lambda context: f"at most {context.get('max_length')} items, not {context.get('actual_length')}",
        "shorten {name}",
    ),
    (r"string_.*", _always("a text"), "put {name} in quotes"),
    (r"bool_.*", _always("true or false"), "write one of these without quotes"),
    (r"(int|finite_number)_.*", _always("a whole number"), "write {name} as a whole number"),
    (r"float_.*", _always("a number"), "write {name} as a number"),
    (r"greater_than_equal", lambda context: f"at least {context.get('ge')}", "raise {name}"),
    (r"less_than_equal", lambda context: f"at most {context.get('le')}", "lower {name}"),
    (r"invalid_key", _always("a text as the name of a field"), "put the name in quotes"),
)
