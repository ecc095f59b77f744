"""Calls of an etcd over its JSON gateway, with the login and TLS of a target.

The paths are those of etcd's API guide (3.4 and newer).
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from glede.milvus.probe.net import Answer, ask, http_client
from glede.milvus.probe.target import ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

T = TypeVar("T")

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """One endpoint of an etcd, logged in where it has users."""

    client: httpx2.AsyncClient
    base: str
    token: str = ""

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        """Call ``/v3/<path>``. Raises UnreachableError."""
        return await ask(self.client, self.request(path, body))

    def request(self, path: str, body: dict[str, Any]) -> httpx2.Request:
        """Build the call of ``/v3/<path>``."""
        headers = {"authorization": self.token} if self.token else {}
        return self.client.build_request("POST", f"{self.base}/v3/{path}", json=body, headers=headers)

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call ``/v3/<path>`` and give its answer. Raises UnreachableError, and UnhealthyError if refused."""
        answer = await self.post(path, body)
        if answer.status != 200:
            raise UnhealthyError(f"{path} answers {answer.status}: {message_of(answer)}")
        return object_of(answer)


@asynccontextmanager
async def gateway(target: ProbeTarget, endpoint: str) -> AsyncIterator[Gateway]:
    """Connect and log in. Raises UnreachableError, and UnhealthyError where the login is refused."""
    base = f"{'https' if target.tls else 'http'}://{endpoint}"
    async with http_client(target.tls) as client:
        open_ = Gateway(client, base)
        yield Gateway(client, base, await _token(open_, target))


async def at_one(target: ProbeTarget, call: Callable[[Gateway], Awaitable[T]]) -> T:
    """Call the first endpoint that answers. Raises UnhealthyError or UnreachableError."""
    failure: UnhealthyError | UnreachableError = UnreachableError("no endpoint is named")
    for endpoint in target.endpoints:
        try:
            async with asyncio.timeout(SECONDS), gateway(target, endpoint) as etcd:
                return await call(etcd)
        except TimeoutError:
            failure = UnreachableError(f"{endpoint}: no answer in {SECONDS:g} seconds")
        except (UnhealthyError, UnreachableError) as error:
            failure = error
    raise failure


async def _token(open_: Gateway, target: ProbeTarget) -> str:
    if not target.login:
        return ""
    body = {"name": target.login.name, "password": target.login.password}
    answer = await open_.post("auth/authenticate", body)
    if answer.status == 200:
        return str(object_of(answer).get("token", ""))
    words = message_of(answer)
    if "not enabled" in words:
        return ""
    raise UnhealthyError(f"it refuses the user or password: {words}")


def coded(key: str) -> str:
    """Give a key, or an end of a range of keys, as the gateway wants it."""
    return base64.b64encode(key.encode()).decode()


def end_of(prefix: str) -> str:
    """Give the end of the range of keys below a prefix that ends with a slash."""
    # Which is the prefix with its last byte counted up: after "/" comes "0".
    return f"{prefix.removesuffix('/')}0"


def object_of(answer: Answer) -> dict[str, Any]:
    """Give the JSON object of an answer. Raises UnreachableError where it holds none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise UnreachableError("it does not answer as etcd does") from error
    if not isinstance(found, dict):
        raise UnreachableError("it does not answer as etcd does")
    return found


def message_of(answer: Answer) -> str:
    """Give etcd's own words of an answer that is a refusal. Raises UnreachableError where there are none."""
    found = object_of(answer)
    return readable(str(found.get("message") or found.get("error") or answer.status))
