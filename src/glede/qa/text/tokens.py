"""The lexical leg's tokens, the same on Milvus Lite and on a cluster.

Milvus's analyzers differ between its editions and versions, so text is tokenised here and stored as
space-joined tokens of ASCII letters and digits (other alphabets keep their letters), which every
``standard`` tokenizer leaves as they are:

- Latin words: accents folded, lower case, English stem;
- identifiers and paths (``queryCoord.updateNextTargetInterval``): joined whole, and their parts;
- CJK runs: overlapping character bigrams, each encoded by code points (混合 -> ``u6df7u5408``).
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, pairwise, repeat

import snowballstemmer

from glede.qa.text.script import CJK

MAX_TOKEN_CHARS = 64

_CJK = re.compile(rf"[{CJK}]")
_WORD = re.compile(rf"[^\W{CJK}]+(?:[.\-/:'’@+][^\W{CJK}]+)*[+#]*")
_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|{_WORD.pattern}")
_PART = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_APOSTROPHE = re.compile(r"['’](?:s|S|t|T|re|ve|ll|d|m)?\b")

STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about above after again against all also am an and any are as at be because been before being
    below between both but by can could did do does doing down during each few for from further had has
    have having he her here hers him his how i if in into is it its itself just let me more most my no
    nor not now of off on once only or other our ours out over own please same she should so some such
    tell than that the their theirs them then there these they this those through to too under until up
    very was we were what when where which while who whom why will with would you your yours
    """,
    )
)
# Function characters: a question's bigrams that hold one of these say how it is asked, not what about.
CJK_FUNCTION = frozenset("的了吗呢吧啊么什哪谁怎嘛呀之与及和或被把给让您你我他她它们這这那請请嗎麼")
CJK_PHRASES = re.compile(
    "什么样|什么|甚麼|怎么样|怎么办|怎样|怎么|怎樣|如何|为什么|為什麼|为何|哪些|哪个|哪里|哪种|是不是|能不能|可不可以|"
    "可以|应该|應該|需要|多少|是否|有没有|请问|請問|吗|呢"
)


class _Stemmers(threading.local):
    """A stemmer for each thread: it keeps its word in itself while it works."""

    def __init__(self) -> None:
        self.english = snowballstemmer.stemmer("english")


_stemmers = _Stemmers()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Stem a lower-case ASCII word (Snowball English); words with digits stay as they are."""
    return (
        str(_stemmers.english.stemWord(word)) if word.isascii() and word.isalpha() and len(word) > 3 else word
    )


def tokenize(text: str) -> list[str]:
    """Give the index tokens of a text, in order, with repeats."""
    folded = unicodedata.normalize("NFKC", text)
    if _CJK.search(folded):
        return list(_tokens(folded))
    # Rerank tokenises dozens of passages a question, and most runs are words seen before.
    return list(chain.from_iterable(map(_words, _WORD.findall(folded), repeat(False))))


def query_tokens(question: str) -> list[str]:
    """Give a question's content tokens: those of tokenize() less words that only shape a question.

    When nothing else is left ("what is it?") all tokens are given. Order is kept, repeats dropped.
    """
    folded = unicodedata.normalize("NFKC", question)
    content = dict.fromkeys(_tokens(CJK_PHRASES.sub(" ", folded), question=True))
    return list(content or dict.fromkeys(_tokens(folded)))


def _tokens(text: str, *, question: bool = False) -> Iterator[str]:
    for match in _RUN.finditer(text):
        if match.lastgroup:
            yield from _bigrams(match.group(), question=question)
        else:
            yield from _words(match.group(), question)


def _bigrams(run: str, *, question: bool) -> Iterator[str]:
    if len(run) == 1:
        if not (question and run in CJK_FUNCTION):
            yield _encode(run)
        return
    for left, right in pairwise(run):
        if not (question and (left in CJK_FUNCTION or right in CJK_FUNCTION)):
            yield _encode(left + right)


@lru_cache(maxsize=65536)
def _encode(characters: str) -> str:
    return "".join(f"u{ord(character):04x}" for character in characters)


@lru_cache(maxsize=65536)
def _words(run: str, question: bool) -> tuple[str, ...]:
    run = _APOSTROPHE.sub("", run)
    folded = [piece.lower() for part in _PART.findall(_fold(run)) for piece in _CAMEL.findall(part)]
    words = [stem(word)[:MAX_TOKEN_CHARS] for word in folded if not (question and word in STOPWORDS)]
    suffix = "".join({"+": "plus", "#": "sharp"}[sign] for sign in run[len(run.rstrip("+#")) :])
    if len(folded) > 1 or suffix:
        words.append(("".join(folded) + suffix)[:MAX_TOKEN_CHARS])
    return tuple(words)


def _fold(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
