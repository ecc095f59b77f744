"""Carrying out the move of a Milvus step by step. What is done already is not done again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from glede.cli.cluster import Cluster
from glede.cli.output import CommandError
from glede.cli.replacing import follow
from glede.kube import objects
from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import Key, Object, key_of, owner_uid, uid_of
from glede.milvus.foreign import ADOPTED
from glede.milvus.kinds import MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.takeover import Move
from glede.milvus.takeover.found import name_of
from glede.milvus.takeover.ownership import handed_over, is_ours, status_handed_over
from glede.milvus.takeover.workloads import Rename

_TRIES = 8
_PAUSE_SECONDS = 0.3
# The garbage collector takes a moment for what is deleted and leaves its ReplicaSets behind.
_STEP_SECONDS = 60.0


async def carry_out(cluster: Cluster, move: Move, seconds: float) -> None:
    """Do a move, and wait for at most so many seconds until the operator has done its part.

    Raises CommandError, ApiError.
    """
    key = Key(move.found.namespace, move.found.name)
    if move.needed:
        for item in move.idle:
            await _delete(cluster, item)
            _told("deleted", item)
        for rename in move.renames:
            await _rename(cluster, rename)
        for item in move.hand_over:
            await _hand_over(cluster, item, move.found.name)
            _told("taken over", item)
        for rename in move.renames:
            await _hand_over(cluster, rename.body, move.found.name)
        await _label(cluster, move)
        await _adopt(cluster, key, move)
        print(f"edited Milvus {key.name}: the operator acts from here on")
    await follow(cluster, key, seconds)


async def _rename(cluster: Cluster, rename: Rename) -> None:
    """Give a ReplicaSet a Deployment of another name. Its pods go on."""
    key = key_of(rename.replica_set)
    if rename.old:
        await _delete(cluster, rename.old, propagation="Orphan")
    await _until(f"ReplicaSet {key.name} has no Deployment", lambda: _is_owned_by(cluster, key, None))
    with suppress(Conflict):
        await cluster.transport.create(objects.DEPLOYMENT, rename.body)
    new = await cluster.transport.get(objects.DEPLOYMENT, key_of(rename.body))
    await _until(
        f"ReplicaSet {key.name} is of Deployment {rename.name}",
        lambda: _is_owned_by(cluster, key, uid_of(new)),
    )
    _told("renamed to", rename.body)


async def _is_owned_by(cluster: Cluster, key: Key, uid: str | None) -> bool:
    found = await cluster.transport.get(objects.REPLICA_SET, key)
    return owner_uid(found) == uid


async def _until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + _STEP_SECONDS
    while not await holds():
        if time.monotonic() > end:
            raise CommandError(
                f"{what}: not so within {_STEP_SECONDS:g} s; does kube-controller-manager run? "
                "No pod was stopped; run this again",
                1,
            )
        await asyncio.sleep(_PAUSE_SECONDS)


async def _delete(cluster: Cluster, item: Object, propagation: str = "Background") -> None:
    """Delete a Deployment, if it still is the one that was meant."""
    with suppress(NotFound):
        await cluster.transport.delete(
            objects.DEPLOYMENT, key_of(item), uid=uid_of(item), propagation=propagation
        )


async def _hand_over(cluster: Cluster, item: Object, milvus: str) -> None:
    resource, key = RESOURCES[item["kind"]], key_of(item)

    async def once() -> None:
        live = await cluster.transport.get(resource, key)
        if not is_ours(live):
            await cluster.transport.patch(resource, key, handed_over(live, milvus))

    await _again(once)


async def _label(cluster: Cluster, move: Move) -> None:
    """Let the operator see the pods of now. One that is gone meanwhile needs no label."""
    for pod in move.pods:
        change = {"metadata": {"uid": uid_of(pod), "labels": {MILVUS_LABEL: move.found.name}}}
        with suppress(NotFound, Conflict):
            await cluster.transport.patch(objects.POD, key_of(pod), change)


async def _adopt(cluster: Cluster, key: Key, move: Move) -> None:
    async def once() -> None:
        live = await cluster.transport.get(MILVUS, key)
        if uid_of(live) != uid_of(move.found.milvus):
            raise CommandError(f"Milvus {key.name}: was made anew meanwhile; look, and run this again", 1)
        metadata = {
            "uid": uid_of(live),
            "resourceVersion": live["metadata"]["resourceVersion"],
            "annotations": {ADOPTED: "true"},
            "managedFields": status_handed_over(live),
        }
        await cluster.transport.patch(MILVUS, key, {"metadata": metadata, "spec": move.spec})

    await _again(once)


async def _again(once: Callable[[], Awaitable[None]]) -> None:
    """Read and write anew where somebody wrote in between."""
    for _ in range(_TRIES - 1):
        with suppress(Conflict):
            await once()
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    await once()


def _told(verb: str, item: Object) -> None:
    print(f"{verb} {item['kind']} {name_of(item)}")
