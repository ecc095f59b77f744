"""The transport to a real API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2
from lightkube.core.exceptions import ConfigError

from glede.kube import wire
from glede.kube.connection import Handshake, open_client
from glede.kube.errors import ApiError, Unavailable, error_from
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Page, Selection, WatchEvent

JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
_METADATA = "application/json;as={};g=meta.k8s.io;v=v1"

Observe = Callable[[str, str, int, float], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long, in seconds, and how large, in bytes, anything may be.

    ``silence`` is how long a watch may bring nothing: bookmarks come about once a minute.
    """

    request: float = 10.0
    page: float = 30.0
    silence: float = 75.0
    object_bytes: int = 8 << 20
    page_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class _Call:
    """One request; ``verb`` is what it is counted as."""

    verb: str
    resource: Resource
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Object | None = None
    content: str = JSON
    accept: str = JSON


class HttpTransport:
    """Talks to an API server; every request is bounded in time and size. Close it with ``aclose``.

    ``manager`` owns the fields that are written. ``observe`` gets of each request its verb (get, list,
    watch, apply, create, update, patch, delete), plural, HTTP code (0 without an answer) and the seconds
    until the answer began.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        manager: str,
        observe: Observe | None = None,
        *,
        bounds: Bounds = Bounds(),
    ) -> None:
        self._client = client
        self._manager = manager
        self._observe = observe
        self._bounds = bounds

    @classmethod
    def connect(
        cls,
        kubeconfig: Path | None,
        *,
        manager: str,
        version: str = "unknown",
        observe: Observe | None = None,
        bounds: Bounds = Bounds(),
    ) -> Self:
        """Open a transport by a kubeconfig, or by what the environment has. Raises KubeconfigError."""
        return cls(open_client(kubeconfig, version), manager, observe, bounds=bounds)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, resource: Resource, key: Key) -> Object:
        """Read one object."""
        return await self._answer(_Call("get", resource, "GET", resource.path(*key)))

    async def list(
        self, resource: Resource, selection: Selection, *, limit: int = 500, continue_: str | None = None
    ) -> Page:
        """Read a page of a consistent list."""
        params = {**_selecting(selection), "limit": str(limit)}
        if continue_:
            params["continue"] = continue_
        accept = _METADATA.format("PartialObjectMetadataList") if selection.metadata_only else JSON
        path = resource.path(selection.namespace)
        call = _Call("list", resource, "GET", path, params, accept=accept)
        found = await self._answer(call)
        items = [_named(resource, item) for item in found.get("items") or ()]
        metadata = found.get("metadata") or {}
        return Page(items, str(metadata.get("resourceVersion") or ""), metadata.get("continue") or None)

    async def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncGenerator[WatchEvent]:
        """Give what happens after a version, with bookmarks; ends after the time-out."""
        params = {
            **_selecting(selection),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_seconds),
        }
        accept = _METADATA.format("PartialObjectMetadata") if selection.metadata_only else JSON
        path = resource.path(selection.namespace)
        call = _Call("watch", resource, "GET", path, params, accept=accept)
        with _as_api_errors(call):
            async with self._opened(call, self._bounds.silence) as response:
                async for line in wire.lines(response.aiter_raw(), self._bounds.object_bytes):
                    yield _event(resource, wire.decode(line))

    async def apply(
        self,
        resource: Resource,
        key: Key,
        obj: Object,
        *,
        subresource: str | None = None,
        manager: str | None = None,
    ) -> Object:
        """Server-side apply by force; a field that the API server does not know is refused."""
        path = resource.path(key.namespace, key.name, subresource)
        params = {**self._writing(manager), "force": "true"}
        return await self._answer(_Call("apply", resource, "PATCH", path, params, obj, APPLY_PATCH))

    async def create(self, resource: Resource, obj: Object, *, subresource: str | None = None) -> Object:
        """Create an object, or a subresource of one. Raises Conflict when the name is taken."""
        meta = obj["metadata"]
        path = resource.path(meta.get("namespace"), meta["name"] if subresource else None, subresource)
        return await self._answer(_Call("create", resource, "POST", path, self._writing(), obj))

    async def replace(self, resource: Resource, key: Key, obj: Object) -> Object:
        """Replace an object. Raises Conflict when it is not at the version that ``obj`` carries."""
        return await self._answer(_Call("update", resource, "PUT", resource.path(*key), self._writing(), obj))

    async def patch(
        self,
        resource: Resource,
        key: Key,
        patch: Object,
        *,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Send a JSON merge patch; ``dry_run`` has it checked and answered, and nothing kept."""
        path = resource.path(key.namespace, key.name, subresource)
        params = self._writing() | ({"dryRun": "All"} if dry_run else {})
        return await self._answer(_Call("patch", resource, "PATCH", path, params, patch, MERGE_PATCH))

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        uid: str,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        """Delete the object with this uid and no other."""
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        }
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        await self._answer(_Call("delete", resource, "DELETE", resource.path(*key), body=options))

    def _writing(self, manager: str | None = None) -> dict[str, str]:
        return {"fieldManager": manager or self._manager, "fieldValidation": "Strict"}

    async def _answer(self, call: _Call) -> Object:
        bounds = self._bounds
        most, seconds = bounds.object_bytes, bounds.request
        if call.verb == "list":
            most, seconds = bounds.page_bytes, bounds.page
        with _as_api_errors(call):
            async with asyncio.timeout(seconds), self._opened(call, seconds) as response:
                return wire.decode(await wire.read(response.aiter_raw(), most))

    @asynccontextmanager
    async def _opened(self, call: _Call, silence: float) -> AsyncIterator[httpx2.Response]:
        """Send a request and give the answer, if it is a good one, to be read."""
        request = self._request(call, silence)
        began, code = time.perf_counter(), 0
        try:
            response = await self._client.send(request, stream=True)
            code = response.status_code
        finally:
            if self._observe:
                self._observe(call.verb, call.resource.plural, code, time.perf_counter() - began)
        try:
            if not response.is_success:
                content = await wire.read(response.aiter_raw(), self._bounds.object_bytes)
                raise error_from(code, content, _seconds(response.headers.get("Retry-After")))
            yield response
        finally:
            await response.aclose()

    def _request(self, call: _Call, silence: float) -> httpx2.Request:
        content = None if call.body is None else wire.encode(call.body)
        headers = {"Accept": call.accept, **({"Content-Type": call.content} if content else {})}
        return self._client.build_request(
            call.method,
            call.path,
            params=call.params,
            content=content,
            headers=headers,
            timeout=httpx2.Timeout(self._bounds.request, read=silence),
            extensions={"trace": Handshake()},
        )


@contextmanager
def _as_api_errors(call: _Call) -> Iterator[None]:
    """Turn what a connection or a credential plugin raises into Unavailable."""
    try:
        yield
    except ApiError:
        raise
    # A plugin for credentials may be missing (OSError) or print something else (ValueError, KeyError).
    except (httpx2.HTTPError, ConfigError, OSError, ValueError, KeyError) as error:
        what = f"{call.verb} {call.path}: {type(error).__name__} {error}".rstrip()
        raise Unavailable(0, type(error).__name__, what) from error


def _selecting(selection: Selection) -> dict[str, str]:
    return {"labelSelector": selection.labels} if selection.labels else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None


def _named(resource: Resource, obj: Object) -> Object:
    # Items of a list come without their kind, and metadata alone with another.
    return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}


def _event(resource: Resource, line: Object) -> WatchEvent:
    kind, obj = line["type"], line["object"]
    return WatchEvent(kind, obj if kind in ("BOOKMARK", "ERROR") else _named(resource, obj))
