"""Reads those metrics of a pod that matter, whatever else, and however much, it has."""

import asyncio
from collections.abc import Sequence

import httpx2

# In seconds.
PATIENCE = 5.0
# A Milvus with a thousand collections has some MiB of metrics, of which all but a few lines are dropped.
MOST_READ, MOST_KEPT = 64 << 20, 8 << 20
_LONGEST_LINE = 64 << 10


class Unreadable(Exception):  # noqa: N818 - it tells of a pod, and is shown to people
    """Why the metrics of a pod cannot be read; the text is for people."""


async def fetch(client: httpx2.AsyncClient, url: str, families: Sequence[str], proof: str) -> str:
    """Give the lines of a page of metrics that begin with one of ``families``.

    Raises Unreadable, also where no line begins with ``proof``: then it is another page.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return await _fetched(client, url, families, proof)
    except TimeoutError as error:
        raise Unreadable(f"no answer in {PATIENCE:g} seconds") from error


async def _fetched(client: httpx2.AsyncClient, url: str, families: Sequence[str], proof: str) -> str:
    wanted, known = tuple(name.encode() for name in families), proof.encode()
    kept, proven, rest, size = bytearray(), False, b"", 0
    try:
        request = client.build_request("GET", url, headers={"accept-encoding": "identity"})
        response = await client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise Unreadable(f"it answers with status {response.status_code}")
            async for chunk in response.aiter_raw(64 << 10):
                *lines, rest = (rest + chunk).split(b"\n")
                size += len(chunk)
                kept += b"".join(line + b"\n" for line in lines if line.startswith(wanted))
                proven = proven or any(line.startswith(known) for line in lines)
                if size > MOST_READ or len(kept) > MOST_KEPT or len(rest) > _LONGEST_LINE:
                    raise Unreadable("it answers with too much")
        finally:
            await response.aclose()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise Unreadable(_words(error)) from error
    if not proven:
        raise Unreadable(f"it has no metric that begins with {proof}")
    return kept.decode(errors="replace")


def _words(error: BaseException) -> str:
    if isinstance(error, httpx2.ConnectError):
        return "no connection"
    return f"no whole answer ({type(error).__name__})"
