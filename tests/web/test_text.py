"""The parts of the page that compute: positions, markers, sentences, the event stream."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.desk import Desk

# Few letters, so that a quote occurs more than once, some outside the basic plane or combining.
TEXT = st.text(st.sampled_from("ab🪁𠮷文\u0301\n"), max_size=40)


@given(text=TEXT, data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_equals_python_slices(desk: Desk, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    citation = {"start": start, "end": end, "quote": text[start:end]}
    cut = desk.script("text.js", "m.cutQuote(a[0], a[1])", text, citation)
    if start < end:
        assert cut == [text[:start], text[start:end], text[end:]]
    else:
        assert cut is None


def test_unit_index_counts_as_python_does(desk: Desk) -> None:
    text = "a🪁文𠮷\u200d🏔️z"
    counted = desk.script(
        "text.js", "a[1].map((n) => m.unitIndex(a[0], n))", text, list(range(len(text) + 2))
    )
    assert counted == [len(text[:n].encode("utf-16-le")) // 2 for n in range(len(text) + 2)]


def test_quote_that_moved_is_found_and_a_lost_one_is_not(desk: Desk) -> None:
    def cut(quote: str) -> object:
        return desk.script(
            "text.js", "m.cutQuote(a[0], a[1])", "one two three", {"start": 0, "end": 3, "quote": quote}
        )

    assert cut("two") == ["one ", "two", " three"]
    assert cut("four") is None


def test_markers(desk: Desk) -> None:
    pieces = desk.script("text.js", "m.splitMarkers(a[0], new Set([1, 12]))", "a [1][12] b [3] c[1]")
    assert pieces == [
        {"text": "a "},
        {"marker": 1},
        {"marker": 12},
        {"text": " b [3] c"},
        {"marker": 1},
    ]


@pytest.mark.parametrize(
    ("text", "shown"), [("so [", "so "), ("so [1", "so "), ("so [1]", "so [1]"), ("[x", "[x")]
)
def test_half_a_marker_waits(desk: Desk, text: str, shown: str) -> None:
    assert desk.script("text.js", "m.settled(a[0])", text) == shown


def test_unsupported_spans(desk: Desk) -> None:
    answer = "风筝 滑翔。[1]\n\nIt sings [2]. It sings. End."
    sentences = [
        {"text": "风筝滑翔。", "supported": True},
        {"text": "It sings.", "supported": True},
        {"text": "It sings.", "supported": False},
        {"text": "Not there.", "supported": False},
        {"text": "End.", "supported": False},
    ]
    spans = desk.script("text.js", "m.unsupportedSpans(a[0], a[1])", answer, sentences)
    assert [answer[start:end] for start, end in spans] == ["It sings.", "End."]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_event_stream_in_any_pieces(desk: Desk, newline: str, size: int) -> None:
    lines = [
        ": keep-alive",
        "",
        "event: delta",
        'data: {"text":',
        'data: "风筝🪁: [1]"}',
        "",
        "event: done",
        "data:{}",
        "",
        "",
    ]
    data = list(newline.join(lines).encode())
    events = desk.script(
        "api.js",
        """await (async () => {
          const bytes = Uint8Array.from(a[0]), found = [];
          const body = new ReadableStream({ start(c) {
            for (let i = 0; i < bytes.length; i += a[1]) c.enqueue(bytes.slice(i, i + a[1]));
            c.close();
          } });
          for await (const event of m.events({ body })) found.push(event);
          return found;
        })()""",
        data,
        size,
    )
    wanted = [{"event": "delta", "data": {"text": "风筝🪁: [1]"}}, {"event": "done", "data": {}}]
    assert json.loads(json.dumps(events)) == wanted
