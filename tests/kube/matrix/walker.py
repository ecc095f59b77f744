"""Takes a Milvus on its walk, and looks at everything there is whenever it has settled."""

import asyncio
import time
from dataclasses import dataclass, field

from tests.kube.matrix.fresh import Fresh, declared, differences, intent_of_new, shape, unlike, volumes_of
from tests.kube.matrix.heeded import unheeded
from tests.kube.matrix.judged import (
    Stage,
    leftovers,
    not_settled,
    too_many_coordinators,
    without_keys,
)
from tests.kube.matrix.terrain import Terrain
from tests.kube.matrix.walks import Walk, placed

from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import Key, Object, uid_of
from glede.milvus.desired import Ref, ref_of
from glede.milvus.intent import Intent
from glede.milvus.kinds import MILVUS
from glede.milvus.scalein import UNSAFE

SETTLE_SECONDS = 150.0
# So long what is told may be ahead of what there is: a controller has not seen the last change yet.
TRUE_SECONDS = 20.0
GONE_SECONDS = 60.0
AGAIN_SECONDS = 0.5
Shapes = dict[Ref, Object]


@dataclass
class Walker:
    """One Milvus on its walk, in a namespace of its own."""

    terrain: Terrain
    fresh: Fresh
    name: str
    namespace: str = ""
    stages: list[Stage] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """Where the Milvus is."""
        return Key(self.namespace, self.name)

    async def walk(self, walk: Walk) -> None:
        """Walk to the end. Raises AssertionError, with the step, where something is not right."""
        self.namespace = await self.terrain.namespace()
        seen: list[tuple[object, Shapes]] = []
        for number, step in enumerate(walk.steps):
            where = f"step {number + 1} of {len(walk.steps)}"
            generation = await self._write(step.spec)
            if step.pause is not None:
                await asyncio.sleep(step.pause)
                await self._stage(settled=False)
                continue
            found = await self._settled(step.spec, generation, where)
            body = self.terrain.milvus(self.key)
            what = (step.spec, declared(body), volumes_of(body), self._keys())
            for before, shapes in seen:
                changed = unlike(found, shapes) if before == what else ""
                assert not changed, f"{where}: put back, and not as before: {changed}"
            seen.append((what, found))
        await self._delete(f"deleted after {len(walk.steps)} steps")

    async def _write(self, spec: Object) -> int:
        """Write the manifest as a user does; gives its generation."""
        user, wanted = self.terrain.user, placed(spec, self.name, self.terrain.places)
        while True:
            try:
                body = await user.get(MILVUS, self.key)
                written = await user.replace(MILVUS, self.key, {**body, "spec": wanted})
            except NotFound:
                # An etcd that kwok plays cannot tell what is loaded: nobody waits for its word.
                allowed: Object = {} if _is_real(wanted) else {"annotations": {UNSAFE: "true"}}
                metadata = {"name": self.name, "namespace": self.namespace, **allowed}
                body = {"apiVersion": MILVUS.api_version, "kind": MILVUS.kind, "metadata": metadata}
                written = await user.create(MILVUS, {**body, "spec": wanted})
            except Conflict:
                continue
            return int(written["metadata"]["generation"])

    async def _stage(self, *, settled: bool) -> Intent:
        """Note what the manifest of now comes to: what it makes may outlive it."""
        body = await self.terrain.user.get(MILVUS, self.key)
        intent = intent_of_new(body, await self.terrain.facts(self.namespace))
        self.stages.append(Stage(intent, settled))
        return intent

    def _keys(self) -> object:
        """Give the digests of the Secrets in use: a key that was made up and replaced never comes back."""
        resolved = self.stages[-1].intent.resolved
        return resolved and resolved.secret_digests

    async def _settled(self, spec: Object, generation: int, where: str) -> Shapes:
        """Wait until it is told that all is well, and then until it is so."""
        end, told = time.monotonic() + SETTLE_SECONDS, False
        while True:
            words = not_settled(self.terrain.milvus(self.key), generation)
            if not words:
                if not told:
                    end, told = time.monotonic() + TRUE_SECONDS, True
                words, found = await self._compared(spec)
                if not words:
                    return found
            assert time.monotonic() < end, f"{where}: {'told to be well: ' if told else ''}{words}"
            await self.terrain.news(self.key, AGAIN_SECONDS)

    async def _compared(self, spec: Object) -> tuple[str, Shapes]:
        """Tell in what the cluster is not as the manifest says; "" for nothing."""
        intent = await self._stage(settled=True)
        if intent.desired is None:
            return f"the manifest is refused: {intent.problems}", {}
        live = await self.terrain.owned(self.key)
        rendered = intent.desired.objects
        words = [
            differences(live, await self.fresh.shapes(rendered), rendered),
            leftovers(live.keys(), self.stages, deleted=False),
            without_keys(live, intent),
            too_many_coordinators(intent, live),
        ]
        if not any(words):
            words.append(unheeded(placed(spec, self.name, self.terrain.places), live))
        if any(words):
            self.stages.pop()
        shapes = {ref_of(obj): shape(live[ref_of(obj)], obj) for obj in rendered if ref_of(obj) in live}
        return "; ".join(filter(None, words)), shapes

    async def _delete(self, where: str) -> None:
        """Delete the Milvus, and wait until nothing is left but what it declares to leave."""
        user = self.terrain.user
        await user.delete(MILVUS, self.key, uid=uid_of(await user.get(MILVUS, self.key)))
        end = time.monotonic() + GONE_SECONDS
        while words := await self._left():
            assert time.monotonic() < end, f"{where}: {words}"
            await asyncio.sleep(AGAIN_SECONDS)

    async def _left(self) -> str:
        if self.terrain.milvus(self.key):
            return "the Milvus is still there"
        live = await self.terrain.owned(self.key)
        sets = [ref.key.name for ref in live if ref.kind == "StatefulSet"]
        pods = [pod for pod in await self.terrain.pods(self.key) if pod.rpartition("-")[0] not in sets]
        words = leftovers(live.keys(), self.stages, deleted=True)
        return words or (f"pods are left: {', '.join(pods)}" if pods else "")


def _is_real(spec: Object) -> bool:
    return bool(spec.get("dependencies", {}).get("etcd", {}).get("external"))
