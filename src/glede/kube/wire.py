"""Bytes on the way to and from the API server."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from typing import Any

from glede.kube.errors import Unavailable
from glede.kube.objects import Object

# The API server reads an applied object as YAML, which JSON is only nearly: these characters break a line or
# are refused when they stand for themselves, and two escaped surrogates do not make one character.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def encode(obj: Object) -> bytes:
    """Encode an object as JSON that is YAML too."""
    text = json.dumps(obj, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def decode(content: bytes | bytearray) -> Object:
    """Decode an answer. Raises Unavailable when it is not a JSON object."""
    try:
        with _gc_paused():
            found: Any = json.loads(content.decode())
    except ValueError as error:
        raise Unavailable(0, "BadAnswer", f"not JSON ({error})") from error
    if not isinstance(found, dict):
        raise Unavailable(0, "BadAnswer", f"a JSON {type(found).__name__}, expected an object")
    return found


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Pause garbage collection: a page of objects allocates so much that it would run several times."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


async def read(chunks: AsyncIterable[bytes], most: int) -> bytes:
    """Read everything. Raises Unavailable beyond ``most`` bytes."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise _too_large("an answer", most)
    return bytes(content)


async def lines(chunks: AsyncIterable[bytes], most: int) -> AsyncGenerator[bytes]:
    """Cut a stream at line feeds only, the one separator that JSON cannot hold.

    Raises Unavailable beyond ``most`` bytes in a line, and when the stream ends within a line.
    """
    rest = bytearray()
    async for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for line in whole:
            rest += line
            if rest.strip():
                yield bytes(rest)
            rest.clear()
        rest += tail
        if len(rest) > most:
            raise _too_large("a watch event", most)
    if rest.strip():
        raise Unavailable(0, "Cut", "the connection ended within a watch event")


def _too_large(what: str, most: int) -> Unavailable:
    return Unavailable(0, "TooLarge", f"{what} has more than {most} bytes")
