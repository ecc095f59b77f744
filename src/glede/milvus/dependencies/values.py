"""Read ``inCluster.values`` in the words that people wrote for the charts of etcd, MinIO and Kafka.

Every value is asked for by name. What is malformed, and what nobody asked for, becomes a Problem.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from glede.milvus.resolved import Problem

_QUANTITY = re.compile(r"\d{1,18}(\.\d{1,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_MOST = 1000


class Values:
    """The values at one place of a manifest; what was read of them, and what is wrong in them."""

    def __init__(self, given: Mapping[str, Any], path: str) -> None:
        self.path = path
        self._given = {name: value for name, value in given.items() if value is not None}
        self._asked: set[str] = set()
        self._sections: dict[str, Values] = {}
        self._problems: list[Problem] = []

    def section(self, name: str) -> "Values":
        """Give the values below a name; none where there are none."""
        if name not in self._sections:
            found = self._take(name)
            if not isinstance(found, dict | None):
                self.wrong(name, found, "a mapping", f"write the settings below {name}:")
                found = None
            self._sections[name] = Values(found or {}, f"{self.path}.{name}")
        return self._sections[name]

    def given(self, name: str) -> bool:
        """Tell whether a value is written, even an empty one."""
        return name in self._given

    def text(self, name: str) -> str | None:
        """Read a text; a number counts as its digits."""
        found = self._take(name)
        if found is None or isinstance(found, str):
            return found
        if isinstance(found, int | float) and not isinstance(found, bool):
            return str(found)
        self.wrong(name, found, "a text", "put it in quotes")
        return None

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """Read one of several words."""
        found = self.text(name)
        if not found or found in choices:
            return found or None
        self.wrong(name, found, f"one of {', '.join(choices)}", "write one of these")
        return None

    def flag(self, name: str) -> bool | None:
        """Read true or false."""
        found = self._take(name)
        if found is None or isinstance(found, bool):
            return found
        if found in ("true", "false"):
            return bool(found == "true")
        self.wrong(name, found, "true or false", "write one of these")
        return None

    def count(self, name: str, *, least: int = 1, most: int = _MOST) -> int | None:
        """Read a whole number within limits."""
        found = self._take(name)
        number = int(found) if isinstance(found, str) and re.fullmatch(r"\d{1,9}", found) else found
        if number is None or (type(number) is int and least <= number <= most):
            return number
        expected = f"a whole number from {least} to {most}"
        self.wrong(name, found, expected, f"for example {name}: {max(least, 3)}")
        return None

    def quantity(self, name: str) -> str | None:
        """Read a positive amount of storage, for example 10Gi."""
        found = self.text(name)
        if not found:
            return None
        if _QUANTITY.fullmatch(found) and float(re.split("[a-zA-Z]", found)[0]) > 0:
            return found
        self.wrong(name, found, "an amount of storage", f"for example {name}: 10Gi")
        return None

    def mapping(self, name: str) -> dict[str, Any] | None:
        """Read a mapping that is handed through unchanged."""
        found = self._take(name)
        if found is None or isinstance(found, dict):
            return found
        self.wrong(name, found, "a mapping", "write it as name: value")
        return None

    def texts(self, name: str) -> dict[str, str] | None:
        """Read a mapping of texts, for example labels."""
        found = self.mapping(name)
        if found is None or all(isinstance(value, str) for value in found.values()):
            return found
        wrong = next(value for value in found.values() if not isinstance(value, str))
        self.wrong(name, wrong, "a text for each name", "put the values in quotes")
        return None

    def items(self, name: str) -> tuple[dict[str, Any], ...] | None:
        """Read a list of mappings that are handed through unchanged."""
        found = self._take(name)
        if found is None:
            return None
        if isinstance(found, list) and all(isinstance(item, dict) for item in found):
            return tuple(found)
        self.wrong(name, found, "a list of mappings", "begin each with a dash")
        return None

    def names(self, name: str) -> tuple[str, ...] | None:
        """Read a list of names, each as a text or as ``{name: ...}``."""
        found = self._take(name)
        if found is None:
            return None
        items = found if isinstance(found, list) else [found]
        read = [item.get("name") if isinstance(item, dict) else item for item in items]
        texts = tuple(item for item in read if isinstance(item, str) and item)
        if len(texts) == len(read):
            return texts
        self.wrong(name, found, "a list of names", "begin each with a dash")
        return None

    def off(self, *names: str) -> None:
        """Read features that are not offered: to write that they are off is fine, to ask for them is told."""
        for name in names:
            found = self._take(name)
            if not _asks_nothing(found):
                self.unsupported(name, "is not offered for a dependency that the operator runs")

    def without_effect(self, names: Iterable[str], why: str) -> None:
        """Read values that cannot have an effect here, and tell why where they are written."""
        for name in names:
            if self._take(name) is not None:
                self.unsupported(name, why)

    def unsupported(self, name: str, why: str) -> None:
        """Tell that a value has no effect."""
        message = f"{why}; it has no effect, remove it"
        self._problems.append(Problem("unsupported", f"{self.path}.{name}", message))

    def wrong(self, name: str, found: object, expected: str, remedy: str) -> None:
        """Tell that a value cannot be used."""
        message = f"found {_shown(found)}, expected {expected}; {remedy}"
        self._problems.append(Problem("invalid", f"{self.path}.{name}", message))

    def problems(self) -> tuple[Problem, ...]:
        """Give all that is wrong, here and below, and every value that nobody asked for."""
        below = [problem for section in self._sections.values() for problem in section.problems()]
        strange = [
            Problem("unsupported", f"{self.path}.{name}", "is not understood; it has no effect, remove it")
            for name, value in self._given.items()
            if name not in self._asked and not _empty(value)
        ]
        return (*self._problems, *below, *strange)

    def _take(self, name: str) -> Any:
        self._asked.add(name)
        return self._given.get(name)


def _empty(value: object) -> bool:
    return value in ("", {}, []) if not isinstance(value, bool | int | float) else False


def _asks_nothing(value: object) -> bool:
    if isinstance(value, dict):
        if any(value.get(name) is False for name in ("enabled", "create")):
            return True
        return all(_asks_nothing(child) for child in value.values())
    return value is None or value is False or _empty(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
