"""ConfigMaps of one flock in a namespace, an informer of them, and an API server by script."""

from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from tests.kube.live import QUICK, config_map

from glede.kube.errors import ApiError
from glede.kube.informer import Informer, Pace
from glede.kube.objects import CONFIG_MAP, Key, Object, key_of, uid_of
from glede.kube.transport import Page, Selection, Transport, WatchEvent

Data = dict[str, str]
Told = tuple[str, str, Data | None, Data | None]
ONE_FLOCK = "flock=one"


def data_of(obj: Object) -> Data:
    return dict(obj["data"])


class Watched:
    """An informer of a namespace's ConfigMaps, what its handlers were told, and the view that makes."""

    def __init__(self, transport: Transport, namespace: str, pace: Pace = QUICK, **options: Any) -> None:
        self.namespace = namespace
        selection = Selection(namespace, ONE_FLOCK)
        self.informer = Informer(transport, CONFIG_MAP, selection, data_of, **options)
        self.informer.pace = pace
        self.told: list[Told] = []
        self.view: dict[str, Data] = {}
        self.informer.add_handler(self.tell)

    def tell(self, event: str, key: Key, old: Data | None, new: Data | None) -> None:
        assert self.view.get(key.name) == old, "what is old follows what was new"
        self.told.append((event, key.name, old, new))
        if new is None:
            del self.view[key.name]
        else:
            self.view[key.name] = new

    def now(self) -> dict[str, Data]:
        store = self.informer.store
        found = {key.name: store.get(key) or {} for key in store}
        assert found == self.view
        return found


def in_flock(namespace: str, name: str, **data: str) -> Object:
    obj = config_map(namespace, name, **data)
    obj["metadata"]["labels"] = {"flock": "one"}
    return obj


async def put(transport: Transport, namespace: str, name: str, **data: str) -> Object:
    obj = in_flock(namespace, name, **data)
    return await transport.apply(CONFIG_MAP, key_of(obj), obj)


async def remove(transport: Transport, namespace: str, name: str) -> None:
    key = Key(namespace, name)
    await transport.delete(CONFIG_MAP, key, uid=uid_of(await transport.get(CONFIG_MAP, key)))


async def truth(transport: Transport, namespace: str) -> dict[str, Data]:
    page = await transport.list(CONFIG_MAP, Selection(namespace, ONE_FLOCK))
    return {key_of(obj).name: data_of(obj) for obj in page.items}


class Scripted:
    """An API server of answers that a real one cannot be made to give: pages, then events, then an end."""

    def __init__(self) -> None:
        self.pages: deque[Page | ApiError] = deque()
        self.watches: deque[list[WatchEvent | ApiError]] = deque()
        self.asked: list[str] = []

    async def list(self, *_: Any, **__: Any) -> Page:
        self.asked.append("list")
        found = self.pages.popleft() if len(self.pages) > 1 else self.pages[0]
        if isinstance(found, ApiError):
            raise found
        return found

    async def watch(self, *_: Any, resource_version: str, **__: Any) -> AsyncGenerator[WatchEvent]:
        self.asked.append(f"watch {resource_version}")
        for event in self.watches.popleft() if self.watches else []:
            if isinstance(event, ApiError):
                raise event
            yield event

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"an informer does not {name}")


def versioned(name: str, version: int, uid: str = "u", **data: str) -> Object:
    metadata = {"namespace": "a", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": metadata, "data": data}
