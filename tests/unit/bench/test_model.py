from dataclasses import replace
from pathlib import Path

import pytest
from bench.qa.datasets.model import Corpus, Question, Section, read, write
from bench.qa.datasets.sampling import cut, han_share, sample, share


@pytest.fixture
def corpus() -> Corpus:
    sections = [
        Section("m/a#0", "答", "甲 text\u2028more", "m/a"),
        Section("m/a#1", "", "two", "m/a", page=2),
    ]
    questions = [
        Question("q1", "为什么？", frozenset({"m/a#0"}), "甲"),
        Question("q2", "why", frozenset({"m/a#1"})),
    ]
    return Corpus("tiny", "zh", "tune", "none", sections, questions, {"m": "1.0"})


def test_a_corpus_survives_the_disk(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "sets" / "tiny.jsonl"
    write(corpus, path)
    assert read(path) == corpus
    assert list(path.parent.iterdir()) == [path]


def test_a_question_without_its_section_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match=r"question 'q1' needs a relevant section.*m/a#0"):
        replace(corpus, sections=corpus.sections[1:]).check()


def test_a_set_without_questions_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="no questions were extracted"):
        replace(corpus, questions=[]).check()


def test_repeated_section_ids_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="1 section ids repeat"):
        replace(corpus, sections=[*corpus.sections, corpus.sections[0]]).check()


def test_a_sample_depends_on_keys_not_on_order() -> None:
    names = [f"file-{number}" for number in range(100)]
    forward = sample(names, 10, lambda name: name)
    backward = sample(list(reversed(names)), 10, lambda name: name)
    assert len(forward) == 10
    assert forward == sorted(backward, key=names.index)
    assert forward != names[:10]


def test_halves_by_hash_are_about_even_and_differ_by_salt() -> None:
    names = [f"file-{number}" for number in range(2000)]
    half = {name for name in names if share(name, "half") < 0.5}
    assert 900 < len(half) < 1100
    assert half != {name for name in names if share(name, "other") < 0.5}


def test_the_cut_keeps_every_relevant_section_and_no_stub() -> None:
    sections = [Section(f"s{number}", "", "word " * 40, "d") for number in range(30)]
    sections += [Section("stub", "", "short", "d"), Section("gold", "", "brief gold", "d")]
    kept = {section.id for section in cut(sections, [Question("q", "?", frozenset({"gold"}))], 10)}
    assert len(kept) == 10
    assert "gold" in kept
    assert "stub" not in kept


def test_han_share_counts_letters_only() -> None:
    assert han_share("软件包 v1.2（12）") == 0.75
    assert han_share("123") == 0.0
