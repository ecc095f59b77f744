"""Searches, and makes and drops the collection, over Milvus's REST API.

Each question has a connection of its own, so that the Service may lead it to any proxy.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glede.milvus.canarysearch.collection import NAME, ROWS, Finding, judged, question, rows, schema
from glede.milvus.canarysearch.target import CanaryTarget
from glede.milvus.probe.net import ask, http_client, resolve
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.readable import readable
from glede.milvus.restful import DIALECTS, NO_COLLECTION, SUCCESS, Dialect

# How long a search may take, and what is made; in seconds.
SEARCH_SECONDS = 3.0
MAKE_SECONDS = 20.0
_NOT_FOUND = 404


class _NoCollectionError(UnhealthyError):
    """There is no such collection."""


class _OtherDialectError(UnhealthyError):
    """It does not speak this version of the API."""


@dataclass(slots=True)
class Asker:
    """Asks one Milvus; remembers which version of the API it speaks, and which row is next."""

    target: CanaryTarget
    _dialect: int = 0
    _number: int = -1

    async def search(self) -> Finding:
        """Search for the next row, once."""
        self._number = (self._number + 1) % ROWS
        number, begin = self._number, time.monotonic()
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                hits = await self._call("search", lambda dialect: question(dialect, number))
        except TimeoutError:
            return Finding("error", f"a search in {NAME} was not answered in {SEARCH_SECONDS:g} s")
        except _NoCollectionError as error:
            return Finding("error", str(error), missing=True)
        except (UnhealthyError, UnreachableError) as error:
            return Finding("error", f"a search in {NAME}: {error}")
        return judged(hits, number, time.monotonic() - begin)

    async def make(self) -> str:
        """Make the collection and fill it; gives what was wrong, "" for nothing."""
        return await self._quietly("create", schema()) or await self.fill()

    async def fill(self) -> str:
        """Insert the rows; gives what was wrong, "" for nothing."""
        return await self._quietly("insert", rows())

    async def drop(self) -> str:
        """Drop the collection; gives what was wrong, "" for nothing."""
        return await self._quietly("drop", {"collectionName": NAME})

    async def _quietly(self, what: str, body: Mapping[str, Any]) -> str:
        try:
            async with asyncio.timeout(MAKE_SECONDS):
                await self._call(what, lambda _dialect: dict(body))
        except _NoCollectionError as error:
            return "" if what == "drop" else str(error)
        except (UnhealthyError, UnreachableError) as error:
            return f"{NAME}: {what}: {error}"
        except TimeoutError:
            return f"{NAME}: {what}: no answer in {MAKE_SECONDS:g} s"
        return ""

    async def _call(self, what: str, body: Any) -> Any:
        """Ask in the version that was right last, then in the other one. Raises the probes' errors."""
        await resolve(self.target.endpoint)
        try:
            return await self._post(DIALECTS[self._dialect], what, body)
        except _OtherDialectError:
            self._dialect = 1 - self._dialect
            return await self._post(DIALECTS[self._dialect], what, body)

    async def _post(self, dialect: Dialect, what: str, body: Any) -> Any:
        target = self.target
        scheme = "https" if target.tls else "http"
        async with http_client(target.tls) as client:
            path = getattr(dialect, what)
            request = client.build_request(
                "POST",
                f"{scheme}://{target.endpoint}{path}",
                json=body(dialect),
                headers={**_headers(target), "connection": "close"},
            )
            answer = await ask(client, request)
        if answer.status == _NOT_FOUND:
            raise _OtherDialectError("it has no REST API; is proxy.http.enabled false?")
        return _data(answer.body, answer.status)


def _headers(target: CanaryTarget) -> dict[str, str]:
    login = target.login
    if login is None:
        return {}
    return {"authorization": f"Bearer {login.token or f'{login.name}:{login.password}'}"}


def _data(body: bytes, status: int) -> Any:
    """Give an answer's data. Raises UnhealthyError where Milvus refuses, UnreachableError for no JSON."""
    try:
        content = json.loads(body)
        code = content["code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreachableError(f"it answers {status}, and not as Milvus does") from error
    if code in SUCCESS:
        return content.get("data")
    words = readable(str(content.get("message", "no message")))
    kind = _NoCollectionError if code == NO_COLLECTION else UnhealthyError
    raise kind(f"code {code}: {words}")
