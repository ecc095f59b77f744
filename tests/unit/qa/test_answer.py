from itertools import pairwise

import pytest

from glede.qa.answer.confidence import confidence
from glede.qa.answer.extract import extract_answer
from glede.qa.answer.verify import verify_answer, without_strange_marks
from glede.qa.registry.terms import TermWeights
from glede.qa.retrieve.passages import Passage
from glede.qa.retrieve.rerank import Evidence, rerank
from glede.qa.retrieve.retriever import Retrieval
from glede.qa.text.tokens import query_tokens

TEXT = "The red kite drains a query node for 30 minutes. Its nest is lined with wool from the moor."


def passage(text: str, key: int = 1, start: int = 0) -> Passage:
    return Passage(
        key=key,
        document_id="d",
        document="d.md",
        page=2,
        label="ii",
        page_kind="page",
        title="",
        heading=(),
        header="",
        text=text,
        start=start,
        end=start + len(text),
        listing=False,
    )


def retrieval(question: str, *texts: str, similarity: float | None = None) -> Retrieval:
    tokens = query_tokens(question)
    weights = TermWeights(1000, dict.fromkeys(tokens, 5))
    candidates = [(passage(text, key), 1.0 / key) for key, text in enumerate(texts, start=1)]
    ranked = rerank(candidates, Evidence(tokens, weights, {}, {}))
    return Retrieval(question, tokens, ranked, weights, similarity)


@pytest.mark.parametrize(
    ("text", "marks", "supported"),
    [
        ("The red kite drains a query node for 30 minutes [1].", (1,), True),
        ("The red kite drains a query node for 30 minutes. [1]", (1,), True),
        ("The red kite drains a query node for 40 minutes [1].", (1,), False),
        ("The red kite drains a query node for 30 minutes.", (), False),
        ("The red kite drains a query node for 30 minutes [9].", (), False),
        ("The red kite drains a query node for 30 minutes [0].", (), False),
        ("The red kite drains a query node [1, 9].", (1,), True),
        ("The red kite drains a query node 【1】.", (1,), True),
        ("Falcons migrate over the Sahara every winter [1].", (1,), False),
        ("红鸢排空查询节点需要 30 分钟 [1]。", (1,), False),
    ],
)
def test_verification(text: str, marks: tuple[int, ...], supported: bool) -> None:
    sentences, citations = verify_answer(text, [passage(TEXT, start=100)])

    assert [(sentence.citations, sentence.supported) for sentence in sentences] == [(marks, supported)]
    assert [citation.n for citation in citations] == list(marks)
    assert "[" not in sentences[0].text


def test_a_citation_is_the_nearest_sentence_by_position() -> None:
    text = "Wool lines its nest [2]. The kite drains a query node [1]."

    sentences, citations = verify_answer(text, [passage(TEXT, start=100), passage(TEXT, start=500)])

    assert [sentence.citations for sentence in sentences] == [(2,), (1,)]
    first, second = TEXT.split(". ", maxsplit=1)[0] + ".", TEXT.split(". ")[1]
    assert [(c.n, c.quote, c.start) for c in citations] == [
        (1, first, 100),
        (2, second, 500 + TEXT.index(second)),
    ]
    assert all(citation.end - citation.start == len(citation.quote) for citation in citations)


QUESTION = "How long does the red kite drain a query node?"
STEPS = (
    "Nothing of it here at all.",
    "A kite flies.",
    "The red kite flies.",
    "The red kite drains it.",
    TEXT,
)


def test_confidence_grows_with_the_words_found() -> None:
    values = [confidence(retrieval(QUESTION, text)) for text in STEPS]

    assert all(0 < value < 1 for value in values)
    assert all(before < after for before, after in pairwise(values))
    assert confidence(retrieval(QUESTION)) == 0


def test_confidence_grows_with_similarity() -> None:
    values = [confidence(retrieval(QUESTION, TEXT, similarity=value)) for value in (0.0, 0.3, 0.6, 0.9)]

    assert all(before < after for before, after in pairwise(values))


def test_an_extract_is_verbatim_and_in_place() -> None:
    answer = extract_answer(retrieval(QUESTION, TEXT, "Other text of the falcon stays behind here."))

    assert answer.found
    assert answer.citations[0].quote == "The red kite drains a query node for 30 minutes."
    for citation in answer.citations:
        assert TEXT[citation.start : citation.end] == citation.quote
        assert (citation.page, citation.label) == (2, "ii")
    assert answer.answer.startswith("The red kite drains a query node for 30 minutes. [1]")


def test_nothing_is_extracted_from_nothing() -> None:
    answer = extract_answer(retrieval(QUESTION))

    assert (answer.found, answer.answer, answer.citations, answer.sentences) == (False, "", [], [])


def test_marks_that_name_no_source_are_taken_out() -> None:
    assert without_strange_marks("A [1]. B [9]. C [2, 7] d [0].", 2) == "A [1]. B. C [2] d."
