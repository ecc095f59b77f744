"""Whatever the text, parsing ends, and the blocks are ordered spans of their page."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glede.qa.parse import Page, ParseLimits
from glede.qa.parse.html import parse as parse_html
from glede.qa.parse.markdown import parse as parse_markdown
from glede.qa.parse.text import parse as parse_text
from glede.qa.parse.wire import decode, decode_page, encode, page_frame

MARKUP = (
    "# @## @\n@\n\n@- @1. @```\n@~~~@**@[x](y)@<b>@<table><tr><td>@</td>@<ul><li>@</ul>@<pre>@&amp;@    @\t@"
    "---\n@===\n@> @| a | b |\n|---|---|\n| c |@汉字@，@。@第一章 @1.2 @kite @"
    "e\u0301@\x00@\ufeff@\u2028@😀@\r\n@<!--@-->@\\@$"
)
PIECES = st.sampled_from(MARKUP.split("@"))
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=60).map("".join)
DOCUMENTS = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=300))
PARSERS = {"a.md": parse_markdown, "a.txt": parse_text, "a.html": parse_html, "a.csv": parse_text}


def check(pages: Iterator[Page]) -> None:
    number = 0
    for page in pages:
        assert decode_page(decode(encode(page_frame(page))), number, ParseLimits()) == page
        assert page.number == number + 1
        number = page.number
        assert page.blocks
        assert unicodedata.is_normalized("NFC", page.text)
        assert "\n\n\n" not in page.text
        assert not any(
            unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in page.text
        )
        assert all(page.text[block.start : block.end].strip() for block in page.blocks)
        between = page.text
        for block in reversed(page.blocks):
            between = between[: block.start] + between[block.end :]
        assert not between.strip()


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=DOCUMENTS)
def test_any_text(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    check(PARSERS[name](path, name, ParseLimits())[1])
