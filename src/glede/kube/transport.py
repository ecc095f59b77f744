"""The requests that the runtime makes. One implementation talks to an API server; tests wrap it in faults."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from glede.kube.objects import Key, Object, Resource


class WatchEvent(NamedTuple):
    """``type`` is ADDED, MODIFIED, DELETED, BOOKMARK (only a resourceVersion) or ERROR (a Status)."""

    type: str
    object: Object


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; ``continue_`` asks for the next part, None in the last one."""

    items: list[Object]
    resource_version: str
    continue_: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is listed and watched: a namespace or all, and a label selector.

    ``metadata_only`` asks for PartialObjectMetadata: Secrets' data never come here.
    """

    namespace: str | None = None
    labels: str | None = None
    metadata_only: bool = False


class Transport(Protocol):
    """Requests to one API server. All raise ApiError and nothing else.

    Objects that are given back always have ``apiVersion`` and ``kind``, also in pages.
    """

    async def get(self, resource: Resource, key: Key) -> Object:
        """Read one object."""
        ...

    async def list(
        self, resource: Resource, selection: Selection, *, limit: int = 500, continue_: str | None = None
    ) -> Page:
        """Read a page of a consistent list: all pages show one moment, never one before the request."""
        ...

    def watch(
        self, resource: Resource, selection: Selection, *, resource_version: str, timeout_seconds: int
    ) -> AsyncGenerator[WatchEvent]:
        """Give what happens after a version, with bookmarks; ends after the time-out.

        Raises Unavailable when nothing at all, not even a bookmark, has come for about 75 seconds: the
        connection is half open. Close the generator.
        """
        ...

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
        ...

    async def create(self, resource: Resource, obj: Object, *, subresource: str | None = None) -> Object:
        """Create an object, or a subresource of one. Raises Conflict when the name is taken."""
        ...

    async def replace(self, resource: Resource, key: Key, obj: Object) -> Object:
        """Replace an object. Raises Conflict when it is not at the version that ``obj`` carries."""
        ...

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
        ...

    async def delete(
        self,
        resource: Resource,
        key: Key,
        *,
        uid: str,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> None:
        """Delete the object with this uid and no other; ``grace`` are the seconds that a pod has to stop.

        Raises NotFound when there is none, Conflict when another has the name now.
        """
        ...
