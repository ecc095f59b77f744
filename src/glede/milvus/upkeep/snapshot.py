"""A snapshot of an etcd as it comes over the JSON gateway, checked.

``/v3/maintenance/snapshot`` answers with lines of JSON, each with a piece of the database as base64; the last
32 bytes are the SHA-256 of all before them (etcd's ``server/etcdserver/api/v3rpc/maintenance.go``).
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from glede.milvus.probe.gateway import Gateway, coded, message_of
from glede.milvus.probe.net import Answer, read_all, streamed
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.readable import readable

# Pieces are of 32 KiB; a line with one is far shorter than this.
_LONGEST_LINE = 1 << 20
_SUM_BYTES = 32
# A member that reads its file sends a piece many times a second.
_STALL_SECONDS = 30.0
_DENIED = "permission denied"


async def up_to_date(etcd: Gateway) -> None:
    """Return when a member knows all that was written before: it asks the quorum for a read.

    A refusal of the key comes from the quorum too. Raises UnhealthyError or UnreachableError.
    """
    answer = await etcd.post("kv/range", {"key": coded("health"), "limit": 1})
    if answer.status != 200 and _DENIED not in message_of(answer):
        raise UnhealthyError(f"it does not read: {message_of(answer)}")


async def snapshot(etcd: Gateway) -> AsyncGenerator[bytes, None]:
    """Give a member's database in pieces, with the checksum at its end, as ``etcdutl`` restores it.

    Raises UnhealthyError or UnreachableError; what was given before is then of no use.
    """
    check, held = hashlib.sha256(), b""
    try:
        async with aclosing(_blobs(etcd)) as blobs:
            async for blob in blobs:
                held += blob
                check.update(held[:-_SUM_BYTES])
                held = held[-_SUM_BYTES:]
                yield blob
    except UnreachableError as error:
        raise UnreachableError(f"etcd {etcd.base}: {error}") from error
    except UnhealthyError as error:
        raise UnhealthyError(f"etcd {etcd.base}: {error}") from error
    if check.digest() != held:
        raise UnhealthyError(f"etcd {etcd.base}: its snapshot is not whole: the checksum is another")


async def _blobs(etcd: Gateway) -> AsyncGenerator[bytes, None]:
    async with aclosing(_lines(etcd)) as lines:
        async for line in lines:
            try:
                found = json.loads(line)
                if "error" in found:
                    words = readable(str(found["error"].get("message", "")))
                    raise UnhealthyError(f"it ends the snapshot: {words}")
                yield base64.b64decode(found["result"].get("blob", ""), validate=True)
            except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
                raise UnreachableError("it does not answer as etcd does") from error


async def _lines(etcd: Gateway) -> AsyncGenerator[bytes, None]:
    request = etcd.request("maintenance/snapshot", {})
    async with streamed(etcd.client, request) as response:
        if response.status_code != 200:
            answer = Answer(response.status_code, await read_all(response))
            raise UnhealthyError(f"it gives no snapshot: {message_of(answer)}")
        held = bytearray()
        chunks = response.aiter_raw(64 * 1024)
        while (chunk := await _next(chunks)) is not None:
            held += chunk
            *whole, rest = held.split(b"\n")
            for line in whole:
                yield bytes(line)
            held = rest
            if len(held) > _LONGEST_LINE:
                raise UnreachableError("it answers with too much in one line")
        if held.strip():
            yield bytes(held)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    """Give the next piece, None at the end. Raises UnreachableError where none comes."""
    try:
        async with asyncio.timeout(_STALL_SECONDS):
            return await anext(chunks, None)
    except TimeoutError as error:
        raise UnreachableError(f"it sends nothing for {_STALL_SECONDS:g} seconds") from error
