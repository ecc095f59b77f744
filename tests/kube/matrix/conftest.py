"""What was checked, as a table."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
# What a test says goes with its report, since it may run in another process than the one that prints.
_CASES, _NOTE = "matrix cases", "matrix note"


@dataclass
class Row:
    """One check of the matrix, over all of its tests."""

    cases: int = 0
    seconds: float = 0.0


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tell how many cases a test went through."""
    return lambda cases: request.node.user_properties.append((_CASES, cases))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Have a line put below the table: what somebody needs to do a run again."""
    return lambda line: request.node.user_properties.append((_NOTE, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = _reports(terminalreporter)
    if not reports:
        return
    table: defaultdict[str, Row] = defaultdict(Row)
    for report in reports:
        # test_r1_crash_... belongs to R1.
        row = table[report.location[2].split("_")[1].upper()]
        row.cases += sum(int(str(value)) for name, value in report.user_properties if name == _CASES)
        row.seconds += report.duration
    terminalreporter.section("fault matrix")
    terminalreporter.line(f"{'check':<6}{'cases':>6}{'seconds':>9}")
    for number, row in sorted(table.items()):
        terminalreporter.line(f"{number:<6}{row.cases:>6}{row.seconds:>9.1f}")
    for report in reports:
        for name, value in report.user_properties:
            if name == _NOTE:
                terminalreporter.line(str(value))


def _reports(terminal: pytest.TerminalReporter) -> list[pytest.TestReport]:
    """Give what was reported of the matrix's tests when they ran."""
    root = terminal.config.rootpath
    return [
        report
        for reports in terminal.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        and report.when == "call"
        and (root / report.location[0]).parent == _FOLDER
    ]
