"""Checking a written answer against its sources, sentence by sentence."""

import re
from collections.abc import Sequence

from glede.qa.answer.model import Citation, Sentence, cite
from glede.qa.retrieve.passages import Passage
from glede.qa.text.script import dominant_script
from glede.qa.text.sentences import sentence_spans
from glede.qa.text.tokens import query_tokens, tokenize

# The share of a sentence's content tokens that its source must hold.
SUPPORT_SHARE = 0.5
_MARK = re.compile(r"\s*[\[【](\d{1,3}(?:\s*[,、，]\s*\d{1,3})*)[\]】]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def verify_answer(text: str, sources: Sequence[Passage]) -> tuple[list[Sentence], list[Citation]]:
    """Map each sentence's ``[n]`` to source n (counted from 1) and check that the source bears it out.

    Supported means: at least half of the sentence's content tokens stand in the sources it names (or
    a quarter when sentence and source are in different scripts, where words cannot match), and every
    number in it too. A mark that names no source is dropped. The citations hold, for each source
    used, its sentence that is nearest to what was claimed.
    """
    claims: dict[int, list[str]] = {}
    sentences = [_checked(piece, sources, claims) for piece in _sentences_with_marks(text)]
    citations = [_nearest(n, sources[n - 1], " ".join(claims[n])) for n in sorted(claims)]
    return sentences, citations


def without_strange_marks(text: str, sources: int) -> str:
    """Give a text whose ``[n]`` marks all name one of so many sources; the others are taken out."""

    def kept(mark: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", mark[1])]
        return "".join(f" [{number}]" for number in numbers if 1 <= number <= sources)

    return _MARK.sub(kept, text)


def _sentences_with_marks(text: str) -> list[str]:
    """Cut into sentences; marks behind a full stop belong to the sentence before it."""
    moved = re.sub(rf"([.!?。！？])((?:{_MARK.pattern})+)", lambda m: f"{m[2]}{m[1]}", text)
    return [moved[span.start : span.end] for span in sentence_spans(moved)]


def _checked(piece: str, sources: Sequence[Passage], claims: dict[int, list[str]]) -> Sentence:
    numbers = [int(number) for mark in _MARK.findall(piece) for number in re.findall(r"\d+", mark)]
    valid = tuple(dict.fromkeys(number for number in numbers if 1 <= number <= len(sources)))
    claim = _MARK.sub("", piece).strip()
    for number in valid:
        claims.setdefault(number, []).append(claim)
    supported = bool(valid) and _supported(claim, [sources[number - 1] for number in valid])
    return Sentence(claim, valid, supported)


def _supported(claim: str, sources: Sequence[Passage]) -> bool:
    text = "\n".join(f"{' '.join(source.heading)} {source.header} {source.text}" for source in sources)
    wanted = set(query_tokens(claim))
    if not wanted or not set(_NUMBER.findall(claim)) <= set(_NUMBER.findall(text)):
        return False
    crossing = dominant_script(claim) != dominant_script(text)
    held = len(wanted.intersection(tokenize(text))) / len(wanted)
    return held >= (SUPPORT_SHARE / 2 if crossing else SUPPORT_SHARE)


def _nearest(n: int, source: Passage, claim: str) -> Citation:
    wanted = set(query_tokens(claim))
    spans = sentence_spans(source.text)
    best = max(spans, key=lambda span: len(wanted.intersection(tokenize(source.text[span.start : span.end]))))
    return cite(n, source, best.start, best.end)
