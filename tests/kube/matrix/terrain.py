"""Where Milvuses walk: an API server with an operator, volumes for every claim, and neighbours."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.api import ApiLab
from lightkube import Client
from lightkube.core.exceptions import ApiError as LightkubeError
from lightkube.resources.core_v1 import Pod
from tests.kube import servers
from tests.kube.live import connected
from tests.kube.matrix.chronicle import NAMESPACE
from tests.kube.matrix.lives import VOLUME
from tests.kube.matrix.walks import NODES
from tests.kube.operators import TOOL_IMAGE, install_definitions, operating

from glede.kube.http import Bounds, HttpTransport
from glede.kube.objects import POD, PVC, SECRET, Key, Object, Resource, key_of, uid_of, version_of
from glede.kube.transport import Selection, Transport
from glede.milvus import secretreader
from glede.milvus.desired import Ref
from glede.milvus.facts import Facts
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL

FORGOTTEN_SECONDS = 20.0
COLLECTED_SECONDS = 120.0
# A machine that is busy with many walks is not what they look for.
PATIENT = Bounds(request=60.0)
_LISTED = b"<ListBucketResult/>"
KINDS = tuple(resource for kind, resource in RESOURCES.items() if kind != "PodMonitor")
Spoil = Callable[[Transport], Transport]


@dataclass
class Terrain:
    """``places`` are the addresses of what runs outside: an etcd, an object store and a log."""

    user: HttpTransport
    places: dict[str, str]
    _now: dict[Key, Object] = field(default_factory=dict)
    _news: dict[Key, asyncio.Event] = field(default_factory=dict)

    async def namespace(self) -> str:
        """Make a namespace. It goes with the API server."""
        name = f"walk-{secrets.token_hex(4)}"
        await self.user.create(
            NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        return name

    def milvus(self, key: Key) -> Object | None:
        """Give a Milvus as it was last seen."""
        return self._now.get(key)

    async def news(self, key: Key, seconds: float) -> None:
        """Wait until a Milvus changes, at most for so long."""
        event = self._news.setdefault(key, asyncio.Event())
        event.clear()
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return

    async def owned(self, key: Key) -> dict[Ref, Object]:
        """List everything with a Milvus's label that the operator made or claims were made for."""
        labels = Selection(key.namespace, f"{MILVUS_LABEL}={key.name}")
        pages = await asyncio.gather(*(self.user.list(resource, labels) for resource in KINDS))
        return {Ref(obj["kind"], key_of(obj)): obj for page in pages for obj in page.items}

    async def pods(self, key: Key) -> list[str]:
        """Give the names of a Milvus's pods."""
        labels = Selection(key.namespace, f"{MILVUS_LABEL}={key.name}", metadata_only=True)
        return [key_of(obj).name for obj in (await self.user.list(POD, labels)).items]

    async def facts(self, namespace: str) -> Facts:
        """Give what the operator may know of the world beside the manifest."""
        found = (await self.user.list(SECRET, Selection(namespace))).items
        known = {key_of(obj).name: secretreader._value_of(obj).facts for obj in found}
        return Facts(nodes=NODES, tool_image=TOOL_IMAGE, secrets=known)

    async def follow(
        self, resource: Resource, heard: Callable[[str, Object], Any], begun: asyncio.Event
    ) -> None:
        """Hand on all that happens to a kind, for ever."""
        version = (await self.user.list(resource, Selection(), limit=1)).resource_version
        begun.set()
        while True:
            stream = self.user.watch(resource, Selection(), resource_version=version, timeout_seconds=3600)
            async with aclosing(stream):
                async for event in stream:
                    version = version_of(event.object)
                    if event.type != "BOOKMARK":
                        await heard(event.type, event.object)

    async def hear(self, type_: str, body: Object) -> None:
        """Take down a change of a Milvus."""
        key = key_of(body)
        if type_ == "DELETED":
            self._now.pop(key, None)
        else:
            self._now[key] = body
        if key in self._news:
            self._news[key].set()

    async def provide(self, type_: str, claim: Object) -> None:
        """Make the volume for a new claim, as a storage class does."""
        if type_ != "ADDED":
            return
        key = key_of(claim)
        reference = {"namespace": key.namespace, "name": key.name, "uid": uid_of(claim)}
        spec = {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/nowhere/{uid_of(claim)}"},
            "claimRef": {"apiVersion": "v1", "kind": PVC.kind, **reference},
        }
        metadata = {"name": f"pv-{uid_of(claim)}"}
        await self.user.create(
            VOLUME, {"apiVersion": "v1", "kind": VOLUME.kind, "metadata": metadata, "spec": spec}
        )


def _tidy(client: Client, before: datetime) -> None:
    """Take away pods whose end began before a moment: of many at once kwok leaves one now and then."""
    for pod in client.list(Pod, namespace="*"):
        grace = timedelta(seconds=pod.metadata.deletionGracePeriodSeconds or 0)
        end = pod.metadata.deletionTimestamp
        if end and end - grace < before:
            with contextlib.suppress(LightkubeError):
                client.delete(Pod, pod.metadata.name, namespace=pod.metadata.namespace, grace_period=0)


async def _keep_tidy(client: Client) -> None:
    """End the pods that kwok has forgotten, for ever."""
    while True:
        await asyncio.sleep(FORGOTTEN_SECONDS / 2)
        before = datetime.now(UTC) - timedelta(seconds=FORGOTTEN_SECONDS)
        await asyncio.to_thread(_tidy, client, before)


async def _take_all(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


@asynccontextmanager
async def laid_out(
    lab: ApiLab, folder: Path, spoil: Spoil = lambda transport: transport
) -> AsyncIterator[Terrain]:
    """Run an operator on a whole lab while the block lasts; ``spoil`` puts something in its way."""
    async with AsyncExitStack() as stack:
        etcd = stack.enter_context(servers.etcd(folder))
        store = await stack.enter_async_context(servers.faulty(servers.http(200, _LISTED)))
        queue = await stack.enter_async_context(servers.faulty(_take_all))
        user = HttpTransport.connect(lab.kubeconfig, manager="user", bounds=PATIENT)
        stack.push_async_callback(user.aclose)
        own = HttpTransport.connect(lab.kubeconfig, manager=MANAGER)
        stack.push_async_callback(own.aclose)
        terrain = Terrain(user, {"ETCD": etcd.endpoint, "STORE": store, "QUEUE": queue})
        group = await stack.enter_async_context(asyncio.TaskGroup())
        begun = [asyncio.Event(), asyncio.Event()]
        tasks = [
            group.create_task(terrain.follow(MILVUS, terrain.hear, begun[0])),
            group.create_task(terrain.follow(PVC, terrain.provide, begun[1])),
            group.create_task(_keep_tidy(lab.client())),
        ]
        stack.callback(lambda: [task.cancel() for task in tasks])
        for event in begun:
            await event.wait()
        await stack.enter_async_context(operating(spoil(own), "default"))
        yield terrain


async def prepare(lab: ApiLab) -> None:
    """Install the definitions, and nodes that kwok plays; ends when what a Milvus leaves is collected."""
    await install_definitions(lab.kubeconfig)
    lab.add_fake_nodes([f"walk-{number}" for number in range(NODES)])
    async with connected(lab.kubeconfig, "user", bounds=PATIENT) as user:
        await _collected(user)


async def _collected(user: HttpTransport) -> None:
    """Wait until the garbage collector follows Milvuses.

    It looks for new kinds every 30 s. Of an owner that is gone by then it hears nothing: it asks for it,
    after ever longer waits, and what that one owned outlives it by a minute and more. Only a collector that
    follows a kind ends a foreground deletion of it.
    """
    key = Key("default", "first")
    metadata = {"name": key.name, "namespace": key.namespace}
    body = {"apiVersion": MILVUS.api_version, "kind": MILVUS.kind, "metadata": metadata, "spec": {}}
    made = await user.create(MILVUS, body)
    await user.delete(MILVUS, key, uid=uid_of(made), propagation="Foreground")
    end = time.monotonic() + COLLECTED_SECONDS
    while (await user.list(MILVUS, Selection(key.namespace))).items:
        assert time.monotonic() < end, f"not collected within {COLLECTED_SECONDS:g} s: {key}"
        await asyncio.sleep(0.5)
