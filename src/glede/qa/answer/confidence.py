"""Whether the documents hold an answer at all."""

import math
from dataclasses import dataclass

from glede.qa.retrieve.rerank import coverage
from glede.qa.retrieve.retriever import Retrieval
from glede.qa.text.script import question_script
from glede.qa.text.sentences import sentence_spans
from glede.qa.text.tokens import tokenize

# Where an answer is looked for: so many neighbouring sentences in so many of the best passages.
PASSAGES = 3
WINDOW = 2
# The confidence from which an answer is given; the models' constants put it where 85 % of the tune sets'
# answerable questions are answered.
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for an answer: the question's words that stand together, and the best cosine, 0 to 1."""

    words: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic model of answerability."""

    constant: float
    words: float
    similarity: float

    def probability(self, signals: Signals) -> float:
        """Estimate, 0 to 1, that the question is answered."""
        logit = self.constant + self.words * signals.words + self.similarity * signals.similarity
        return 1 / (1 + math.exp(-logit))


# Fitted by `python -m bench.qa.calibrate` on the tune sets, whose questions are asked with and without
# the section that answers them.
LATIN = Model(-3.34, 0.82, 6.96)
LATIN_WORDS = Model(-0.39, 1.27, 0.0)
CJK = Model(-0.27, 0.98, 0.0)


def confidence(retrieval: Retrieval) -> float:
    """Estimate, 0 to 1, that the best passages answer the question.

    The score of the best hit says next to nothing of that: some passage always ranks first. What does
    is how much of the question, weighed by IDF, stands together in two neighbouring sentences, and with
    an embedder how near the nearest passage is.
    """
    if not retrieval.ranked:
        return 0.0
    if question_script(retrieval.question) == "cjk":
        model = CJK
    else:
        model = LATIN if retrieval.similarity is not None else LATIN_WORDS
    return model.probability(signals(retrieval))


def signals(retrieval: Retrieval) -> Signals:
    """Measure a retrieval."""
    windows = [0.0]
    for ranked in retrieval.ranked[:PASSAGES]:
        text = ranked.passage.text
        sentences = [frozenset(tokenize(text[span.start : span.end])) for span in sentence_spans(text)]
        for place in range(len(sentences)):
            window = frozenset().union(*sentences[place : place + WINDOW])
            windows.append(coverage(retrieval.tokens, window, retrieval.weights))
    return Signals(max(windows), max(retrieval.similarity or 0.0, 0.0))
