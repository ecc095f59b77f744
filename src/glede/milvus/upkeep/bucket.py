"""Objects in a bucket that speaks S3: written in parts as they come, listed, deleted.

The calls are those of the Amazon S3 API reference: CreateMultipartUpload, UploadPart,
CompleteMultipartUpload, AbortMultipartUpload, ListObjectsV2 and DeleteObject.
"""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx2

from glede.milvus.probe import ProbeTarget
from glede.milvus.probe.net import Answer, ask
from glede.milvus.probe.s3 import Call, element, s3_request
from glede.milvus.probe.target import UnhealthyError, UnreachableError

# Above the 5 MiB that S3 wants of every part but the last; 10000 of them are 80 GiB.
PART_BYTES = 8 << 20
# For one part, also over a slow line.
_SECONDS = 60.0
_ABORT_SECONDS = 5.0
# More than are ever kept in one place.
_MOST_KEYS = "1000"
_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the keys that may write into it, as ``store`` has them."""

    client: httpx2.AsyncClient
    store: ProbeTarget

    async def put(self, key: str, data: AsyncIterator[bytes]) -> int:
        """Write an object; gives its size in bytes. It is there when all of it is, or not at all.

        Raises UnhealthyError or UnreachableError, and what ``data`` raises.
        """
        begun = await self._call("POST", key, {"uploads": ""})
        upload = html.unescape(element(begun.body, b"UploadId"))
        if not upload:
            raise UnreachableError(f"object store {self.store.endpoints[0]}: it does not answer as S3 does")
        try:
            return await self._write(key, upload, data)
        except BaseException:
            with suppress(UnhealthyError, UnreachableError, TimeoutError):
                # An operator that is stopped has no time for a store that does not answer.
                async with asyncio.timeout(_ABORT_SECONDS):
                    await self._call("DELETE", key, {"uploadId": upload})
            raise

    async def _write(self, key: str, upload: str, data: AsyncIterator[bytes]) -> int:
        tags, size = list[str](), 0
        async for part in parts(data):
            query = {"partNumber": str(len(tags) + 1), "uploadId": upload}
            answer = await self._call("PUT", key, query, part)
            tags.append(answer.headers.get("etag", ""))
            size += len(part)
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{html.escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, start=1)
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        answer = await self._call("POST", key, {"uploadId": upload}, body)
        # It begins to answer before it knows: a refusal may come with 200.
        if b"<Error>" in answer.body:
            raise UnhealthyError(f"object store {self.store.endpoints[0]}: {_told(answer)}")
        return size

    async def keys(self, prefix: str) -> list[str]:
        """Give the keys below a prefix, sorted. Raises UnhealthyError or UnreachableError."""
        answer = await self._call("GET", "", {"list-type": "2", "max-keys": _MOST_KEYS, "prefix": prefix})
        found = re.findall(rb"<Key>([^<]{1,1024})</Key>", answer.body)
        return sorted(html.unescape(key.decode(errors="replace")) for key in found)

    async def delete(self, key: str) -> None:
        """Delete an object; one that is gone is no error. Raises UnhealthyError or UnreachableError."""
        await self._call("DELETE", key, {})

    async def _call(self, method: str, key: str, query: Mapping[str, str], body: bytes = b"") -> Answer:
        endpoint = self.store.endpoints[0]
        # The sum of 8 MiB takes some milliseconds, which nothing else has to wait for.
        call = Call(method, key, query, body)
        request = await asyncio.to_thread(s3_request, self.client, self.store, endpoint, call)
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await ask(self.client, request)
        except TimeoutError as error:
            raise UnreachableError(f"object store {endpoint}: no answer in {_SECONDS:g} seconds") from error
        except UnreachableError as error:
            raise UnreachableError(f"object store {endpoint}: {error}") from error
        if answer.status not in {200, 204}:
            raise UnhealthyError(f"object store {endpoint}: {_told(answer)}")
        return answer


def _told(answer: Answer) -> str:
    """Give S3's own words of a refusal."""
    code, words = element(answer.body, b"Code"), element(answer.body, b"Message")
    return ": ".join(filter(None, (code, words))) or f"it answers {answer.status}"


async def parts(data: AsyncIterator[bytes], size: int = PART_BYTES) -> AsyncIterator[bytes]:
    """Cut what comes into parts of this many bytes, the last but at most; there is one at least."""
    held, any_yet = bytearray(), False
    async for piece in data:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
            any_yet = True
    if held or not any_yet:
        yield bytes(held)
