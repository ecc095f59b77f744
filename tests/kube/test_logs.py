"""Log lines are JSON, carry the fields of their context and hold no bodies."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.kube.logs import bound, configure

log = logging.getLogger("glede.test")


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_message_and_the_bound_fields() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    with bound(kind="Kite", namespace="nests"), bound(name="red"):
        log.info("hatched %d", 3)
    log.debug("too fine")
    log.warning("alone")
    first, second = lines_of(stream)
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    assert first == {
        "level": "info",
        "logger": "glede.test",
        "message": "hatched 3",
        "kind": "Kite",
        "namespace": "nests",
        "name": "red",
    }
    assert second.keys() == {"time", "level", "logger", "message"}


def test_tasks_keep_their_own_fields() -> None:
    stream = io.StringIO()
    configure(stream=stream)

    async def work(name: str) -> None:
        with bound(name=name):
            await asyncio.sleep(0)
            log.info("at %s", name)

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert [line["message"] for line in lines_of(stream)] == [
        f"at {line['name']}" for line in lines_of(stream)
    ]


def test_an_exception_is_one_line_with_its_traceback() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    try:
        int("no wings")
    except ValueError:
        log.exception("could not fly")
    (line,) = lines_of(stream)
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("'no wings'")


@given(message=st.text(), value=st.text(), field=st.sampled_from(["name", "time", "level", "message"]))
def test_any_text_is_one_line_and_no_field_hides_another(message: str, value: str, field: str) -> None:
    stream = io.StringIO()
    configure(stream=stream)
    with bound(**{field: value}):
        log.info("%s", message)
    assert stream.getvalue().count("\n") == 1
    line = json.loads(stream.getvalue())
    assert (line["level"], line["message"]) == ("info", message)


def test_text_for_people() -> None:
    stream = io.StringIO()
    configure(json=False, stream=stream)
    with bound(name="red"):
        log.info("hatched")
    assert stream.getvalue().endswith(" INFO     hatched name=red\n")


def test_libraries_that_log_headers_are_kept_quiet() -> None:
    stream = io.StringIO()
    configure("DEBUG", stream=stream)
    logging.getLogger("httpcore2.http11").debug("authorization: Bearer secret")
    logging.getLogger("httpx2").info("HTTP Request: GET")
    assert stream.getvalue() == ""


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure("loud")
