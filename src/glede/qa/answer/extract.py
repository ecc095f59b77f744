"""Extractive answers: one to four sentences, verbatim, each with its citation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glede.qa.answer.confidence import THRESHOLD, confidence
from glede.qa.answer.model import Answer, Sentence, cite
from glede.qa.registry.terms import TermWeights
from glede.qa.retrieve.passages import Passage
from glede.qa.retrieve.rerank import coverage
from glede.qa.retrieve.retriever import Retrieval
from glede.qa.text.sentences import sentence_spans
from glede.qa.text.tokens import tokenize

PASSAGES = 6
MAX_SENTENCES = 4
MIN_TOKENS = 4
MAX_QUOTE_CHARS = 600
# A sentence's worth: words of the question in it, the rank of its passage, its neighbours.
RANK_WEIGHT = 0.45
NEIGHBOUR_WEIGHT = 0.15
# A further sentence must bring this share of the question that no chosen one has.
NEW_SHARE = 0.12
ENOUGH_OF_BEST = 0.55
REPEATED = 0.6


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: Passage
    place: int
    start: int
    end: int
    tokens: frozenset[str]
    covered: frozenset[str]
    score: float


def extract_answer(retrieval: Retrieval) -> Answer:
    """Choose sentences that answer the question, or tell that none was found."""
    chosen = _choose(list(_candidates(retrieval)), retrieval) if confidence(retrieval) >= THRESHOLD else []
    if not chosen:
        return Answer(answer="", found=False, citations=[], sentences=[])
    citations = [
        cite(n, candidate.passage, candidate.start, candidate.end)
        for n, candidate in enumerate(chosen, start=1)
    ]
    sentences = [Sentence(citation.quote, (citation.n,), supported=True) for citation in citations]
    text = " ".join(f"{' '.join(citation.quote.split())} [{citation.n}]" for citation in citations)
    return Answer(answer=text, found=True, citations=citations, sentences=sentences)


def _candidates(retrieval: Retrieval) -> Iterator[_Candidate]:
    for place, ranked in enumerate(retrieval.ranked[:PASSAGES]):
        passage = ranked.passage
        if passage.listing:
            continue
        spans = sentence_spans(passage.text)
        token_sets = [frozenset(tokenize(passage.text[span.start : span.end])) for span in spans]
        # Titles and table heads are asked about, but they tell nothing.
        titles = {title.strip() for title in (*passage.heading, passage.header, passage.title)}
        for index, (span, tokens) in enumerate(zip(spans, token_sets, strict=True)):
            text = passage.text[span.start : span.end]
            if len(tokens) < MIN_TOKENS or text in titles or len(text) > MAX_QUOTE_CHARS:
                continue
            covered = tokens.intersection(retrieval.tokens)
            score = _score(retrieval, covered, _around(token_sets, index), place)
            yield _Candidate(passage, place, span.start, span.end, tokens, covered, score)


def _around(token_sets: Sequence[frozenset[str]], index: int) -> frozenset[str]:
    return frozenset().union(*token_sets[max(index - 1, 0) : index + 2])


def _score(retrieval: Retrieval, covered: frozenset[str], around: frozenset[str], place: int) -> float:
    own = coverage(retrieval.tokens, covered, retrieval.weights)
    near = coverage(retrieval.tokens, around, retrieval.weights)
    return own + NEIGHBOUR_WEIGHT * near + RANK_WEIGHT / (1 + place)


def _choose(candidates: list[_Candidate], retrieval: Retrieval) -> list[_Candidate]:
    """Take the best, then those that add to it, best first."""
    chosen: list[_Candidate] = []
    told: set[str] = set()
    for candidate in sorted(candidates, key=lambda item: -item.score):
        if len(chosen) == MAX_SENTENCES:
            break
        if chosen and not _adds(candidate, chosen, told, retrieval.tokens, retrieval.weights):
            continue
        chosen.append(candidate)
        told.update(candidate.covered)
    return chosen


def _adds(
    candidate: _Candidate,
    chosen: Sequence[_Candidate],
    told: set[str],
    question: Sequence[str],
    weights: TermWeights,
) -> bool:
    if candidate.score < ENOUGH_OF_BEST * chosen[0].score:
        return False
    overlap = max(
        len(candidate.tokens & other.tokens) / min(len(candidate.tokens), len(other.tokens))
        for other in chosen
    )
    if overlap > REPEATED:
        return False
    return len(chosen) == 1 or coverage(question, candidate.covered - told, weights) >= NEW_SHARE
