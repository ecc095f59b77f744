from collections.abc import Sequence

import pytest
from bench.qa.baselines import WordBm25, latin_words, unique
from bench.qa.datasets.model import Corpus, Question, Section
from bench.qa.quality import chosen_sets, chosen_systems, measure
from bench.qa.report import Result, render

SECTIONS = [
    Section("kite", "Birds", "The red kite soars over the valley", "d"),
    Section("pump", "", "A pump moves water from the valley", "d"),
    Section("loom", "", "A loom weaves cloth", "d"),
    Section("kiln", "", "A kiln fires clay", "d"),
]
CORPUS = Corpus(
    "tiny",
    "en",
    "report",
    "Small.",
    SECTIONS,
    [
        Question("q1", "what moves water?", frozenset({"pump"})),
        Question("q2", "birds", frozenset({"kite"})),
    ],
    {"pkg": "1.0"},
)


class Fixed:
    """Gives the same ranking to every question."""

    name = "fixed"

    def __init__(self, ranking: list[str]) -> None:
        self._ranking = ranking

    def index(self, sections: Sequence[Section]) -> None:
        assert sections

    def search(self, questions: Sequence[str], limit: int) -> list[list[str]]:
        return [self._ranking[:limit] for _ in questions]

    def close(self) -> None:
        pass


def test_bm25_finds_by_title_and_text_and_gives_no_hit_without_a_common_word() -> None:
    bm25 = WordBm25("BM25", latin_words)
    bm25.index(SECTIONS)
    water, birds, nothing = bm25.search(["what moves water?", "birds", "zeppelin"], 10)
    assert water[0] == "pump"
    assert birds == ["kite"]
    assert nothing == []


def test_unique_keeps_the_first_of_repeats() -> None:
    assert unique(["a", "b", "a", "c", "d"], 3) == ["a", "b", "c"]


def test_scores_follow_the_order_of_the_questions() -> None:
    result = measure(Fixed(["pump", "kite"]), CORPUS)
    assert result.scores("recall@1") == [1.0, 0.0]
    assert result.scores("recall@5") == [1.0, 1.0]
    assert result.scores("MRR@10") == [1.0, 0.5]


def test_the_report_has_means_and_the_paired_difference() -> None:
    good = Result("good", CORPUS, [["pump"], ["kite"]], 0.0, 0.02)
    bad = Result("bad", CORPUS, [["loom"], ["kiln"]], 1.5, 0.04)
    report = render([good, bad], reference="good")
    assert "4 sections, 2 questions. pkg 1.0." in report
    rows = {line.split(" | ")[0].strip("| "): line for line in report.splitlines() if line.startswith("| ")}
    good_rows = [line for line in report.splitlines() if line.startswith("| good |")]
    bad_rows = [line for line in report.splitlines() if line.startswith("| bad |")]
    assert "system" in rows
    assert bad_rows[0] == "| bad | 0.000 |"
    assert "| 1.000 [1.00, 1.00] |" in good_rows[1]
    assert good_rows[1].endswith("| – |")
    assert bad_rows[1].endswith("| 1.5 | 20.0 | -1.000 [-1.000, -1.000] * |")


def test_sets_are_chosen_by_prefix_and_a_stranger_is_named() -> None:
    assert all(name.startswith("tune-zh") for name in chosen_sets(["tune-zh"]))
    assert len(chosen_sets(["tune-zh"])) >= 2
    with pytest.raises(ValueError, match="--sets tunes: no such set"):
        chosen_sets(["tunes"])


def test_systems_are_chosen_by_a_part_of_their_name_and_a_stranger_is_named() -> None:
    assert [system.name for system in chosen_systems(["jieba"], None)] == ["BM25 jieba"]
    with pytest.raises(ValueError, match="--systems lucene: no such system"):
        chosen_systems(["lucene"], None)
