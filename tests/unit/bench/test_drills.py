"""The drills' benchmark: what is counted, kept and shown."""

import json
from dataclasses import asdict, replace

from bench.drills.drills import DRILLS, Drill
from bench.drills.report import Figure, report
from bench.drills.run import _dark, _in_turn
from bench.drills.sides import Ours, Plain, Side
from tests.e2e.searching import Answer

COUNTS = {"good": 90, "failed": 3, "late": 2, "short": 1}


def _not_run(_side: Side) -> None:
    raise AssertionError


def figure(side: str, seconds: float | None = 12.4, lost: int | None = 0) -> Figure:
    return Figure(
        drill=DRILLS[1].name,
        side=side,
        seconds=seconds,
        lost=lost,
        said="seen",
        counts={1: COUNTS, 2: {**COUNTS, "failed": 0}},
        dark={1: 4, 2: 0},
    )


def test_both_sides_are_on_one_row() -> None:
    text = report([figure(Plain.title), figure(Ours.title, seconds=None, lost=None)])
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {DRILLS[1].name} |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:5] == ["12", "3/2/1 (4 s)", "0/2/1 (0 s)", "0"]
    assert cells[5:] == ["-", "3/2/1 (4 s)", "0/2/1 (0 s)", "-"]
    assert f"- {DRILLS[1].name}, {Ours.title}: seen." in text


def test_of_several_turns_each_is_shown_where_they_differ() -> None:
    turns = [replace(figure(Ours.title, seconds=12.4 + turn), turn=turn) for turn in (1, 0)]
    (row,) = [line for line in report(turns).splitlines() if line.startswith(f"| {DRILLS[1].name} |")]
    assert [cell.strip() for cell in row.strip("|").split("|")][5:7] == ["12, 13", "3/2/1 (4 s)"]


def test_what_is_measured_several_times_is_so_after_all_others() -> None:
    turns = [
        (turn, drill.name) for turn, drill in _in_turn([Drill("a", _not_run, times=2), Drill("b", _not_run)])
    ]
    assert turns == [(0, "a"), (0, "b"), (1, "a")]


def test_a_drill_that_was_not_measured_has_empty_cells() -> None:
    text = report([figure(Plain.title)])
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(DRILLS)
    assert len({row.count("|") for row in rows}) == 1


def test_figures_are_kept_as_json() -> None:
    kept = json.loads(json.dumps(asdict(figure(Plain.title))))
    assert Figure.read(kept) == figure(Plain.title)


def test_a_second_without_a_good_answer_is_dark() -> None:
    answers = [Answer(10.2, 0.1, 10), Answer(11.0, 0.5, 3), Answer(12.1, 2.0, 10), Answer(15.0, 0.1, 0, "x")]
    # From 10 to 16: good ones end in the first and in the fifth second, the second late.
    assert _dark(answers, 10.0, 16.0) == 4
    assert _dark([], 10.0, 13.5) == 3
