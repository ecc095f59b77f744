"""What is seen of a Milvus while it is moved, event by event: pods behind its Service, addresses, volumes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from glede.kube import objects
from glede.kube.http import HttpTransport
from glede.kube.objects import Object, Resource, key_of, uid_of
from glede.kube.transport import Selection

WATCHED = (
    objects.POD,
    objects.SERVICE,
    objects.PVC,
    objects.STATEFUL_SET,
    objects.DEPLOYMENT,
    objects.CONFIG_MAP,
)
COMPONENT = "app.kubernetes.io/component"


@dataclass
class Witness:
    """Follows a namespace. ``wrong`` has what should never be, ``gaps`` the seconds without a component."""

    milvus: str
    now: dict[Resource, dict[str, Object]] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    gaps: dict[str, float] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    states: int = 0
    recreated: frozenset[str] = frozenset()
    _since: dict[str, float] = field(default_factory=dict)
    _first: dict[Resource, dict[str, Object]] = field(default_factory=dict)

    def begin(self, recreated: frozenset[str]) -> None:
        """Take what there is for what has to stay; ``recreated`` are components that may stop and start."""
        self.recreated = recreated
        self.before = self._ready()
        self._first = {resource: dict(found) for resource, found in self.now.items()}

    def take(self, resource: Resource, type_: str, body: Object) -> None:
        """Take in an event, and judge the state after it."""
        name = key_of(body).name
        if type_ == "DELETED":
            self.now[resource].pop(name, None)
        else:
            self.now[resource][name] = body
        if self.before:
            self.states += 1
            self._judge_pods()
            self._judge_kept(resource, type_, body)

    def _judge_pods(self) -> None:
        ready, moment = self._ready(), time.monotonic()
        for component, count in self.before.items():
            seen = ready.get(component, 0)
            self.most[component] = max(self._all(component), self.most.get(component, 0))
            if seen >= count:
                if component in self._since:
                    gap = moment - self._since.pop(component)
                    self.gaps[component] = max(gap, self.gaps.get(component, 0.0))
            elif component in self.recreated:
                self._since.setdefault(component, moment)
            else:
                self.wrong.append(f"{component}: {seen} of {count} ready pods")

    def _judge_kept(self, resource: Resource, type_: str, body: Object) -> None:
        name = key_of(body).name
        first = self._first[resource].get(name)
        if first is None:
            return
        if resource == objects.POD:
            if COMPONENT not in body["metadata"]["labels"] and uid_of(body) != uid_of(first):
                self.wrong.append(f"pod {name} of a dependency was made anew")
            gone = type_ == "DELETED" or "deletionTimestamp" in body["metadata"]
            if COMPONENT not in body["metadata"]["labels"] and gone:
                self.wrong.append(f"pod {name} of a dependency goes")
        elif resource != objects.DEPLOYMENT and type_ == "DELETED":
            self.wrong.append(f"{resource.kind} {name} was deleted")
        elif resource == objects.SERVICE and _address(body) != _address(first):
            self.wrong.append(f"Service {name}: {_address(first)} became {_address(body)}")
        elif resource == objects.STATEFUL_SET and body["spec"] != first["spec"]:
            self.wrong.append(f"StatefulSet {name} was changed")

    def _all(self, component: str) -> int:
        """Count the pods of a component, whatever their state."""
        labels = (pod["metadata"].get("labels", {}) for pod in self.now[objects.POD].values())
        return sum(found.get(COMPONENT) == component for found in labels)

    def _ready(self) -> dict[str, int]:
        """Count the ready pods of each component that are not going; of proxies those behind the Service."""
        found: dict[str, int] = {}
        service = self.now[objects.SERVICE][f"{self.milvus}-milvus"]["spec"]["selector"].items()
        for pod in self.now[objects.POD].values():
            labels = pod["metadata"].get("labels", {})
            component = labels.get(COMPONENT)
            if not component or "deletionTimestamp" in pod["metadata"] or not _is_ready(pod):
                continue
            if component in ("proxy", "standalone") and not service <= labels.items():
                continue
            found[component] = found.get(component, 0) + 1
        return found


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _address(service: Object) -> tuple[object, ...]:
    spec = service["spec"]
    ports = [(port["port"], port.get("nodePort")) for port in spec["ports"]]
    return uid_of(service), spec.get("clusterIP"), spec["type"], ports, spec["selector"]


@asynccontextmanager
async def watching(user: HttpTransport, namespace: str, milvus: str) -> AsyncIterator[Witness]:
    """Follow a namespace while the block lasts."""
    witness = Witness(milvus)

    async def follow(resource: Resource, version: str) -> None:
        stream = user.watch(resource, Selection(namespace), resource_version=version, timeout_seconds=3600)
        async for event in stream:
            if event.type in {"ADDED", "MODIFIED", "DELETED"}:
                witness.take(resource, event.type, event.object)

    async with asyncio.TaskGroup() as group:
        tasks = []
        for resource in WATCHED:
            page = await user.list(resource, Selection(namespace))
            witness.now[resource] = {key_of(item).name: item for item in page.items}
            tasks.append(group.create_task(follow(resource, page.resource_version)))
        try:
            yield witness
        finally:
            for task in tasks:
                task.cancel()
