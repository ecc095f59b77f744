from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from glede.qa.chunk import MAX_TOKENS, MIN_TOKENS, Chunk, chunk_page, count_tokens
from glede.qa.parse import Block, BlockKind, Page

Part = tuple[BlockKind, str, tuple[str, ...]]


def page_of(parts: list[Part], header: str = "") -> Page:
    text, blocks = "", []
    for kind, body, heading in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(kind, len(text), len(text) + len(body), heading, header))
        text += body
    return Page(1, text, tuple(blocks))


def texts(page: Page, chunks: list[Chunk]) -> list[str]:
    return [page.text[chunk.start : chunk.end] for chunk in chunks]


def paragraph(sentences: int, word: str = "kite") -> str:
    return " ".join(f"The {word} number {n} flies over the moor." for n in range(sentences))


BODIES = st.text("ab cd。.混\n", min_size=1, max_size=400).filter(lambda text: bool(text.strip()))
KINDS = st.sampled_from(list(BlockKind))
HEADINGS = st.sampled_from([("A",), ("A", "B"), ("C",)])


@settings(max_examples=60)
@given(st.lists(st.tuples(KINDS, BODIES.map(lambda text: text * 3), HEADINGS), min_size=1, max_size=8))
def test_chunks_cover_the_page_in_order_within_bounds(parts: list[Part]) -> None:
    page = page_of(parts)

    chunks = chunk_page(page)

    covered: set[int] = set()
    at = 0
    for chunk in chunks:
        assert 0 <= chunk.start < chunk.end <= len(page.text)
        assert chunk.start >= at
        at = chunk.start
        assert count_tokens(page.text[chunk.start : chunk.end]) <= MAX_TOKENS + MIN_TOKENS + 1
        covered.update(range(chunk.start, chunk.end))
    missing = [n for n, character in enumerate(page.text) if character.isalnum() and n not in covered]
    assert missing == []


def test_a_short_page_is_one_chunk() -> None:
    page = page_of([(BlockKind.HEADING, "Kites", ("Kites",)), (BlockKind.TEXT, "They fly.", ("Kites",))])

    [chunk] = chunk_page(page)

    assert page.text[chunk.start : chunk.end] == "Kites\n\nThey fly."
    assert (chunk.heading, chunk.script, chunk.listing) == (("Kites",), "latin", False)


def test_a_long_paragraph_is_cut_at_sentences_with_overlap() -> None:
    page = page_of([(BlockKind.TEXT, paragraph(120), ())])

    chunks = chunk_page(page)

    assert len(chunks) > 2
    for before, after in pairwise(chunks):
        assert before.start < after.start < before.end < after.end
        shared = page.text[after.start : before.end]
        assert shared.startswith("The kite number")
        assert shared.endswith("moor.")
        assert 0 < count_tokens(shared) <= 35


def test_a_new_heading_begins_a_chunk_once_the_last_is_large_enough() -> None:
    parts: list[Part] = []
    for title in ("One", "Two"):
        parts += [(BlockKind.HEADING, title, (title,)), (BlockKind.TEXT, paragraph(12, title), (title,))]

    chunks = chunk_page(page_of(parts))

    assert [chunk.heading for chunk in chunks] == [("One",), ("Two",)]


def test_a_short_tail_joins_the_chunk_before() -> None:
    parts: list[Part] = [
        (BlockKind.TEXT, paragraph(22), ("A",)),
        (BlockKind.HEADING, "Last", ("Last",)),
        (BlockKind.TEXT, "Only this.", ("Last",)),
    ]

    page = page_of(parts)

    assert [text[-10:] for text in texts(page, chunk_page(page))] == ["Only this."]


def test_a_small_table_stays_whole_and_a_large_one_keeps_its_header() -> None:
    header = "name | wingspan"
    small = f"{header}\n" + "\n".join(f"bird{n} | {n}" for n in range(10))
    large = f"{header}\n" + "\n".join(f"bird{n} | {n} centimetres across" for n in range(150))

    [whole] = chunk_page(page_of([(BlockKind.TABLE, small, ())], header))
    page = page_of([(BlockKind.TABLE, large, ())], header)
    slices = chunk_page(page)

    assert (whole.start, whole.end, whole.header) == (0, len(small), header)
    assert len(slices) > 2
    assert [chunk.header for chunk in slices] == [header] * len(slices)
    assert all(text.splitlines()[-1].endswith(("across", "wingspan")) for text in texts(page, slices))


def test_a_table_of_contents_is_a_listing() -> None:
    lines = "\n".join(f"Chapter {n} ........ {n * 10}" for n in range(8))

    [listing] = chunk_page(page_of([(BlockKind.TEXT, lines, ())]))
    [text] = chunk_page(page_of([(BlockKind.TEXT, paragraph(8), ())]))

    assert (listing.listing, text.listing) == (True, False)


def test_words_without_end_are_cut() -> None:
    page = page_of([(BlockKind.TEXT, "混" * 3000, ())])

    chunks = chunk_page(page)

    assert len(chunks) >= 9
    assert "".join(texts(page, chunks)) == page.text
    assert {chunk.script for chunk in chunks} == {"cjk"}
