import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import snowballstemmer
from hypothesis import given
from hypothesis import strategies as st

from glede.qa.text import tokens
from glede.qa.text.script import dominant_script
from glede.qa.text.sentences import sentence_spans
from glede.qa.text.tokens import MAX_TOKEN_CHARS, query_tokens, tokenize

TEXT = st.text(max_size=300) | st.text("aB3 .,!?;:()\n的混合检索。！é-_/'’+#{}u", max_size=200)


@given(TEXT)
def test_tokens_are_what_every_standard_tokenizer_leaves_alone(text: str) -> None:
    for token in tokenize(text):
        assert token
        assert token.isalnum(), token
        assert len(token) <= MAX_TOKEN_CHARS
        assert token == token.lower()
        assert not re.search(r"\s", token)


@given(TEXT)
def test_a_question_s_tokens_are_unique_and_found_in_its_text(text: str) -> None:
    tokens = query_tokens(text)

    assert len(tokens) == len(set(tokens))
    assert bool(tokens) == bool(tokenize(text))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Running the queries", ["run", "the", "queri"]),
        ("混合检索", ["u6df7u5408", "u5408u68c0", "u68c0u7d22"]),
        ("云", ["u4e91"]),
        ("queryNode.replicas", ["queri", "node", "replica", "querynodereplicas"]),
        ("C++ and C#", ["c", "cplusplus", "and", "c", "csharp"]),
        ("Café", ["cafe"]),
        ("don't the kite's", ["don", "the", "kite"]),
        ("Milvus集群", ["milvus", "u96c6u7fa4"]),
        ("\uff2d\uff49\uff4c\uff56\uff55\uff53", ["milvus"]),
        ("", []),
        ("—…!?", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("question", "tokens"),
    [
        ("What is the quorum of etcd?", ["quorum", "etcd"]),
        ("what is it?", ["what", "is", "it"]),
        ("kite kite kite", ["kite"]),
        ("什么是备份？", ["u662fu5907", "u5907u4efd"]),
    ],
)
def test_question_tokens(question: str, tokens: list[str]) -> None:
    assert query_tokens(question) == tokens


@given(TEXT)
def test_sentences_cover_the_text_in_order(text: str) -> None:
    spans = sentence_spans(text)

    at = 0
    for span in spans:
        assert at <= span.start < span.end <= len(text)
        assert not text[at : span.start].strip()
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        at = span.end
    assert not text[at:].strip()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One kite. Two kites! Three?", ["One kite.", "Two kites!", "Three?"]),
        ("See e.g. Fig. 3 for it. Then go.", ["See e.g. Fig. 3 for it.", "Then go."]),
        ("Version 2.5.1 is out. Good.", ["Version 2.5.1 is out.", "Good."]),
        ("备份完成。可以恢复！好", ["备份完成。", "可以恢复！", "好"]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        ("a list\n- one\n- two", ["a list", "- one", "- two"]),
        ("J. R. Smith wrote it. Yes.", ["J. R. Smith wrote it.", "Yes."]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [text[span.start : span.end] for span in sentence_spans(text)] == sentences


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("plain English", "latin"),
        ("", "latin"),
        ("12345 !?", "latin"),
        ("向量数据库", "cjk"),
        ("使用 Milvus 存储向量数据", "cjk"),
        ("The word 鸢 means kite in that language of course", "latin"),
        ("カタカナ", "cjk"),
        ("한국어", "cjk"),
    ],
)
def test_dominant_script(text: str, script: str) -> None:
    assert dominant_script(text) == script


def test_threads_stem_alike() -> None:
    roots = ("relat", "organ", "hop", "fly", "condens")
    words = [f"{root}{letter}ing" for root in roots for letter in "abcdefghijklmnopqrstuvwxyz"]
    expected = [snowballstemmer.stemmer("english").stemWord(word) for word in words]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: [tokens.stem.__wrapped__(word) for word in words], range(64)))
    assert all(stems == expected for stems in found)
