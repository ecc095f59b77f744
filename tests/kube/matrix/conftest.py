"""What was checked, as a table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Row:
    """One check of the matrix, over all of its tests."""

    cases: int = 0
    seconds: float = 0.0


_TABLE: dict[str, Row] = {}
_NOTES: list[str] = []


def _row(test: str) -> Row:
    # test_r1_crash_... belongs to R1.
    return _TABLE.setdefault(test.split("_")[1].upper(), Row())


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tell how many cases a test went through."""
    row = _row(request.node.name)

    def add(cases: int) -> None:
        row.cases += cases

    return add


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Have a line put below the table: what somebody needs to do a run again."""
    return _NOTES.append


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    if call.when == "call" and item.path.parent == Path(__file__).parent:
        _row(item.name).seconds += call.duration
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _TABLE:
        return
    terminalreporter.section("fault matrix")
    terminalreporter.line(f"{'check':<6}{'cases':>6}{'seconds':>9}")
    for number, row in sorted(_TABLE.items()):
        terminalreporter.line(f"{number:<6}{row.cases:>6}{row.seconds:>9.1f}")
    for note in _NOTES:
        terminalreporter.line(note)
