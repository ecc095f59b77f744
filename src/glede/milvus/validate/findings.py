"""Taking down what is wrong: each field with what was found, what is expected and a remedy."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from glede.api.milvus.faults import shown
from glede.milvus.resolved import Problem


class Words(str):
    """What was found, in words: a value itself may be a credential, which no message shows."""

    __slots__ = ()


@dataclass(slots=True)
class Findings:
    """What was found, in the order of finding."""

    problems: list[Problem] = field(default_factory=list)

    def invalid(self, at: str, found: object, expected: str, remedy: str) -> None:
        """Tell what stops the change."""
        words = found if isinstance(found, Words) else shown(found)
        self.refuse(at, f"found {words}, expected {expected}; {remedy}")

    def refuse(self, at: str, message: str) -> None:
        """Tell what stops the change, in words of their own."""
        self.problems.append(Problem("invalid", at, message))

    def unsupported(self, at: str, why: str, remedy: str = "remove it") -> None:
        """Tell what has no effect."""
        self.problems.append(Problem("unsupported", at, f"has no effect: {why}; {remedy}"))

    def unknown(self, at: str, remedy: str) -> None:
        """Tell a field that nobody knows."""
        self.problems.append(Problem("unknown", at, f"found a field that is not known; {remedy}"))

    def warn(self, at: str, message: str) -> None:
        """Tell what has its effect, and probably not the one that is meant."""
        self.problems.append(Problem("warning", at, message))

    def one_of(self, at: str, found: object, choices: Iterable[str]) -> None:
        """Tell a word that is not one of those that are taken; None is taken too."""
        choices = list(choices)
        if found is not None and found not in choices:
            self.invalid(at, found, f"one of {', '.join(choices)}", "write one of these")
