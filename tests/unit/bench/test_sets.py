"""The builders, on manuals small enough to see through."""

from pathlib import Path

import pytest
from bench.qa.datasets import SETS
from bench.qa.datasets.crossref import Manual, cross_references, held_out
from bench.qa.datasets.faq import tune_zh
from bench.qa.datasets.handbook import handbook, unanswerable
from bench.qa.datasets.packages import Packages
from bench.qa.datasets.postgres import postgres
from bench.qa.datasets.titles import titles

FILLER = "Rows that nobody can see any more are kept until somebody takes the trouble to remove them. " * 3
HAN_FILLER = (
    "软件包管理系统会在安装时检查依赖关系，并且在需要时下载其他软件包，这样用户就不必自己寻找它们。" * 4
)


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path)


def put(packages: Packages, cache: Path, package: str, pages: dict[str, str]) -> None:
    """Place pages where a fetched and unpacked package would have them."""
    root = cache / "packages" / package
    for name, text in pages.items():
        page = root / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<html><head><title>Page</title></head><body>{text}</body></html>", encoding="utf-8")
    (cache / "packages" / f"{package}.version").write_text("1", encoding="utf-8")
    assert packages.path(package) == root


def test_a_faq_question_is_not_in_the_text_that_answers_it(packages: Packages, tmp_path: Path) -> None:
    faq = (
        "<h1>软件包</h1><div class='toc'><ul><li><a href='#a'>什么是软件包？</a></li></ul></div>"
        f"<h2>1.1. 什么是软件包？</h2><p>{HAN_FILLER}</p><h2>简介</h2><p>{HAN_FILLER}</p>"
    )
    put(packages, tmp_path, "debian-faq-zh-cn", {"usr/share/doc/debian/FAQ/zh-cn/basics.html": faq})
    other = f"<h1>参考</h1><p>{HAN_FILLER}</p>"
    put(packages, tmp_path, "debian-reference-zh-cn", {"usr/share/debian-reference/ch01.zh-cn.html": other})
    corpus = tune_zh(packages)
    corpus.check()
    (question,) = corpus.questions
    assert question.text == "什么是软件包？"
    assert all("什么是软件包" not in section.indexed for section in corpus.sections)
    assert {section.title for section in corpus.sections} == {"软件包", "软件包 > 简介", "参考"}
    assert corpus.packages == {"debian-faq-zh-cn": "1", "debian-reference-zh-cn": "1"}


def test_a_help_page_is_indexed_without_its_title(packages: Packages, tmp_path: Path) -> None:
    pages = {
        f"usr/share/libreoffice/help/en-US/text/swriter/{number}.html": (
            f"<h1>Removing the rows {number}</h1><p>{FILLER}</p><h2>Steps</h2><p>Press a key.</p>"
        )
        for number in range(20)
    }
    put(packages, tmp_path, "libreoffice-help-en-us", pages)
    halves = [titles(packages, "en", "tune"), titles(packages, "en", "report")]
    for corpus in halves:
        corpus.check()
        assert all("Removing the rows" not in section.indexed for section in corpus.sections)
        assert all("Steps\nPress a key." in section.text for section in corpus.sections)
    tune, report = ({section.id for section in corpus.sections} for corpus in halves)
    assert not tune & report
    assert len(tune | report) == 20


def test_a_cross_reference_is_asked_of_a_corpus_without_its_source(
    packages: Packages, tmp_path: Path
) -> None:
    pages = {
        f"doc/p{number}.html": (
            f"<h1>Topic {number}</h1><p>{FILLER} The old rows of table {number} are removed while nobody"
            f" looks (see <a href='p{(number + 1) % 30}.html'>Topic {(number + 1) % 30}</a>).</p>"
        )
        for number in range(30)
    }
    put(packages, tmp_path, "manual", pages)
    corpus = cross_references(Manual("manual", "doc", "*.html", "en"), "report", packages, (100, 100))
    corpus.check()
    assert not any(held_out(section) for section in corpus.sections)
    for question in corpus.questions:
        number = int(question.id.removeprefix("manual/p").split(".")[0])
        assert question.text == f"The old rows of table {number} are removed while nobody looks."
        assert question.relevant == {f"manual/p{(number + 1) % 30}.html#0"} or question.relevant == {
            f"manual/p{(number + 1) % 30}.html#1"
        }
        assert all(question.text not in section.text for section in corpus.sections)


def test_index_terms_lead_to_their_sections_and_titles_are_no_terms(
    packages: Packages, tmp_path: Path
) -> None:
    folder = "usr/share/doc/postgresql-doc-15/html"
    pages = {
        f"{folder}/p{number}.html": f"<div id='S{number}'><h2>Topic {number}</h2><p>{FILLER}</p></div>"
        for number in range(30)
    }
    entries = "".join(
        f"<dt>dead rows {number}, <a class='indexterm' href='p{number}.html#S{number}'>Topic</a></dt>"
        f"<dd><dl><dt>counting, <a class='indexterm' href='p{number}.html#S{number}'>Topic</a></dt></dl></dd>"
        f"<dt>topic {number}, <a class='indexterm' href='p{number}.html#S{number}'>Topic {number}</a></dt>"
        for number in range(30)
    )
    pages[f"{folder}/bookindex.html"] = f"<dl>{entries}</dl>"
    put(packages, tmp_path, "postgresql-doc-15", pages)
    by_term, _ = postgres(packages)
    by_term.check()
    number_of = {question.text: next(iter(question.relevant)) for question in by_term.questions}
    assert len(number_of) >= 20
    for text, section in number_of.items():
        words = text.split()
        assert words[:2] == ["dead", "rows"]
        assert words[3:] in ([], ["counting"])
        assert section.startswith(f"postgresql-doc-15/p{words[2]}.html#")
    assert {len(text.split()) for text in number_of} == {3, 4}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_handbook_answer_is_found_by_the_parsers(language: str) -> None:
    corpus = handbook(language)
    corpus.check()
    assert len(corpus.questions) >= 70
    assert all(question.answer for question in corpus.questions)
    assert len(unanswerable(language)["near"]) >= 30
    assert len(unanswerable(language)["far"]) >= 10


def test_set_names_tell_split_and_language() -> None:
    for name in SETS:
        split, language, _ = name.split("-", 2)
        assert split in {"tune", "report"}
        assert language in {"en", "zh", "cross"}
