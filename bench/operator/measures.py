"""The measurements, each on the operator as the ones before have left it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from bench.operator.process import Operator, cpu_by_program
from bench.operator.results import Deletion, Requests, Rest, Restart, Samples, Wave
from bench.operator.watcher import OWNED, Holds, Moment, Watcher
from bench.operator.world import NAMESPACE, OPERATOR, World
from lab.observe.audit import requests

from glede.kube.http import HttpTransport
from glede.kube.objects import CONFIG_MAP, DEPLOYMENT, POD, SERVICE, Key, Object, Resource, uid_of
from glede.milvus.kinds import MILVUS

T = TypeVar("T")

AT_ONCE = 8  # creations and deletions that are under way at one time
SETTLE_SECONDS = 5.0
PAUSE_SECONDS = 0.5
EACH_SECONDS = 5.0
LONGEST_SECONDS = 120.0
RESTART_SECONDS = 15.0


@dataclass(slots=True)
class Bench:
    """The world, the operator, a user, and the watcher."""

    world: World
    operator: Operator
    user: HttpTransport
    watcher: Watcher
    _values: Iterator[int] = field(default_factory=itertools.count)

    def asked(self, since: datetime) -> Requests:
        """Give the operator's requests that ended since a moment."""
        until = datetime.now(UTC)
        found = requests(self.world.lab.places.audit_log, since, until)
        counts: Counter[tuple[str, str]] = Counter()
        for request, count in found.items():
            if request.user == OPERATOR:
                counts[request.verb, request.resource] += count
        return Requests(counts, (until - since).total_seconds())

    async def wave(self, numbers: range) -> Wave:
        """Create Milvuses at once and wait until they are Healthy."""
        watcher, begin = self.watcher, time.perf_counter()
        since, cpu = datetime.now(UTC), cpu_by_program()
        watcher.moments.clear()
        names = [name_of(number) for number in numbers]
        sent: dict[str, float] = {}

        async def create(name: str) -> None:
            sent[name] = time.perf_counter()
            await self.user.create(MILVUS, self.world.manifest(name))

        await _at_once(create, names)
        wanted = set(names)
        end = await watcher.until(
            "all Healthy", lambda: not self._ailing(wanted), LONGEST_SECONDS + len(names) * EACH_SECONDS
        )
        await watcher.quiet(SETTLE_SECONDS)
        seen = [moment for moment in watcher.moments if moment.milvus in wanted]
        return Wave(
            count=len(names),
            exist=Samples([_exists(seen, name) - sent[name] for name in names]),
            healthy=Samples(
                [_first(seen, name, _is_healthy) - _first(seen, name, _available) for name in names]
            ),
            healthy_pod=Samples(
                [_first(seen, name, _is_healthy) - _first(seen, name, _ready) for name in names]
            ),
            requests=self.asked(since),
            whole=end - begin,
            cpu=_taken_since(cpu),
            rss=self.operator.rss,
            kinds=Counter(kind.kind for kind in OWNED for _ in watcher.all(kind.kind, names[0])),
        )

    async def rest(self, seconds: float) -> Rest:
        """Let the operator be, and see what it asks for."""
        await self.watcher.quiet(SETTLE_SECONDS)
        since, cpu = datetime.now(UTC), cpu_by_program()
        await asyncio.sleep(seconds)
        return Rest(self.asked(since), _taken_since(cpu))

    async def edits(self, names: Sequence[str]) -> Samples:
        """Edit a Milvus after the other; seconds from the request until its Deployment shows it.

        Each edit has a value of its own: one that a Milvus has already would change nothing.
        """
        return Samples([await self._edit(name, str(next(self._values))) for name in names])

    async def _edit(self, name: str, value: str) -> float:
        shown = self.watcher.expect(_shows(name, value))
        begin = time.perf_counter()
        await self._write_edit(name, value)
        moment = await asyncio.wait_for(shown, LONGEST_SECONDS)
        await self.watcher.quiet(PAUSE_SECONDS)
        return moment.at - begin

    async def _write_edit(self, name: str, value: str) -> None:
        env = [{"name": "EDIT", "value": value}]
        await self.user.patch(MILVUS, Key(NAMESPACE, name), {"spec": {"components": {"env": env}}})

    async def repairs(self, names: Sequence[str]) -> dict[str, Samples]:
        """Break what the operator made, one thing after the other; seconds until it is whole again."""
        found: dict[str, list[float]] = {}
        for name in names:
            for resource in (DEPLOYMENT, SERVICE, CONFIG_MAP):
                seconds = await self._deleted(resource, name)
                found.setdefault(f"{resource.kind} deleted", []).append(seconds)
            for alteration in ALTERATIONS:
                found.setdefault(alteration.what, []).append(await self._altered(alteration, name))
        return {what: Samples(seconds) for what, seconds in found.items()}

    async def _deleted(self, resource: Resource, name: str) -> float:
        obj = self.watcher.one(resource.kind, name)
        uid = uid_of(obj)
        back = self.watcher.expect(
            lambda m: m.kind == resource.kind and m.milvus == name and uid_of(m.object) != uid
        )
        begin = time.perf_counter()
        await self.user.delete(resource, _key(obj), uid=uid)
        moment = await asyncio.wait_for(back, LONGEST_SECONDS)
        await self.watcher.quiet(PAUSE_SECONDS)
        return moment.at - begin

    async def _altered(self, alteration: Alteration, name: str) -> float:
        resource, field = alteration.resource, alteration.field
        obj = self.watcher.one(resource.kind, name)
        right, broken = field(obj), False

        def mended(moment: Moment) -> bool:
            nonlocal broken
            if moment.kind != resource.kind or moment.milvus != name:
                return False
            broken = broken or field(moment.object) != right
            return broken and field(moment.object) == right

        back = self.watcher.expect(mended)
        begin = time.perf_counter()
        await self.user.patch(resource, _key(obj), alteration.patch(obj))
        moment = await asyncio.wait_for(back, LONGEST_SECONDS)
        await self.watcher.quiet(PAUSE_SECONDS)
        return moment.at - begin

    async def restart(self, names: Sequence[str]) -> Restart:
        """Restart with nothing to do, then once for each name, edited while no operator ran."""
        self.operator.stop()
        since = datetime.now(UTC)
        self.operator.start()
        await self.operator.ready()
        await asyncio.sleep(RESTART_SECONDS)
        # Running watches are in the audit log when they end.
        self.operator.stop()
        asked = self.asked(since)
        acting, ready = [], []
        for number, name in enumerate(names):
            shown = self.watcher.expect(_shows(name, f"down-{number}"))
            await self._write_edit(name, f"down-{number}")
            await self.watcher.quiet(PAUSE_SECONDS)
            self.operator.start()
            await self.operator.ready()
            ready.append(time.perf_counter() - self.operator.began)
            moment = await asyncio.wait_for(shown, LONGEST_SECONDS)
            acting.append(moment.at - self.operator.began)
            await self.watcher.quiet(2 * PAUSE_SECONDS)
            self.operator.stop()
        self.operator.start()
        await self.operator.ready()
        return Restart(asked, Samples(acting), Samples(ready))

    async def delete_all(self) -> Deletion:
        """Delete every Milvus at once."""
        watcher, milvuses = self.watcher, self.watcher.all(MILVUS.kind)
        begin = time.perf_counter()

        async def delete(obj: Object) -> None:
            await self.user.delete(MILVUS, _key(obj), uid=uid_of(obj))

        await _at_once(delete, milvuses)
        longest = max(LONGEST_SECONDS, len(milvuses) * EACH_SECONDS)
        gone = await watcher.until("Milvuses gone", lambda: not watcher.all(MILVUS.kind), longest)
        everything = await watcher.until("everything gone", lambda: watcher.empty, longest)
        await watcher.quiet(SETTLE_SECONDS)
        return Deletion(len(milvuses), gone - begin, everything - begin)

    def _ailing(self, names: Collection[str]) -> dict[str, Object]:
        """Give those of the Milvuses that are not Healthy, with their status."""
        found = {obj["metadata"]["name"]: obj.get("status", {}) for obj in self.watcher.all(MILVUS.kind)}
        return {name: found.get(name, {}) for name in names if found.get(name, {}).get("status") != "Healthy"}


def _taken_since(cpu: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - cpu.get(name, 0.0) for name, seconds in cpu_by_program().items()}


def name_of(number: int) -> str:
    """Give the name of a Milvus by its number."""
    return f"milvus-{number:04}"


async def _at_once(act: Callable[[T], Awaitable[None]], items: Sequence[T]) -> None:
    left = list(reversed(items))

    async def work() -> None:
        while left:
            await act(left.pop())

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


def _key(obj: Object) -> Key:
    return Key(obj["metadata"]["namespace"], obj["metadata"]["name"])


def _exists(moments: Sequence[Moment], name: str) -> float:
    """Give when the last of a Milvus's objects came."""
    owned = {resource.kind for resource in OWNED}
    return max(m.at for m in moments if m.milvus == name and m.type == "ADDED" and m.kind in owned)


def _first(moments: Sequence[Moment], name: str, holds: Holds) -> float:
    return next(m.at for m in moments if m.milvus == name and holds(m))


def _is_healthy(moment: Moment) -> bool:
    status = moment.object.get("status", {})
    return moment.kind == MILVUS.kind and bool(status.get("status") == "Healthy")


def _available(moment: Moment) -> bool:
    return moment.kind == DEPLOYMENT.kind and bool(moment.object.get("status", {}).get("availableReplicas"))


def _ready(moment: Moment) -> bool:
    conditions = moment.object.get("status", {}).get("conditions") or []
    return moment.kind == POD.kind and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _shows(name: str, value: str) -> Holds:
    """Tell a Milvus's Deployment whose pods have an edit."""

    def holds(moment: Moment) -> bool:
        if moment.kind != DEPLOYMENT.kind or moment.milvus != name:
            return False
        containers = moment.object["spec"]["template"]["spec"]["containers"]
        return any({"name": "EDIT", "value": value} in c.get("env", []) for c in containers)

    return holds


def _first_of(data: Object) -> str:
    return sorted(data)[0]


@dataclass(frozen=True, slots=True)
class Alteration:
    """What a third party does to an object: the patch, and the field that shows it."""

    what: str
    resource: Resource
    patch: Callable[[Object], Object]
    field: Callable[[Object], object]


ALTERATIONS = (
    Alteration(
        "Deployment scaled to 0",
        DEPLOYMENT,
        lambda _obj: {"spec": {"replicas": 0}},
        lambda obj: obj["spec"].get("replicas"),
    ),
    Alteration(
        "ConfigMap's data altered",
        CONFIG_MAP,
        lambda obj: {"data": {_first_of(obj["data"]): "altered"}},
        lambda obj: obj.get("data"),
    ),
    Alteration(
        "Service's selector altered",
        SERVICE,
        lambda _obj: {"spec": {"selector": {"app.kubernetes.io/instance": "altered"}}},
        lambda obj: obj["spec"].get("selector"),
    ),
)
