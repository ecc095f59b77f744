"""Following the operator while it replaces the pods of a Milvus that it has just got."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from glede.cli.cluster import Cluster
from glede.cli.output import CommandError
from glede.kube.objects import DEPLOYMENT, POD, Key, Object
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import MILVUS_LABEL, TEMPLATE_ANNOTATION
from glede.milvus.takeover.found import is_complete, name_of

_PAUSE_SECONDS = 1.0
# What Glede allows its own pods; then they are ended.
_SLOW_SECONDS = 120.0
# Within so long an operator that runs has told something.
_SILENT_SECONDS = 90.0
_FAILED = frozenset({"ApplyFailed", "DeadlineExceeded", "SpecRefused", "Paused", "RolledBack"})


@dataclass
class _Told:
    """What was printed: Deployments that are done, pods that stop slowly, the last word of the operator."""

    begun: float = field(default_factory=time.monotonic)
    done: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    words: str = ""


async def follow(cluster: Cluster, key: Key, seconds: float) -> None:
    """Print how far the operator is until it is done. Raises CommandError where it gives up, or is silent."""
    told = _Told()
    mine = Selection(key.namespace, f"{MILVUS_LABEL}={key.name}")
    while True:
        milvus = await cluster.get(MILVUS, key)
        deployments = await cluster.list(DEPLOYMENT, mine)
        _tell(told, milvus, deployments)
        _tell_slow(told, key, slow_to_stop(await cluster.list(POD, mine), datetime.now(UTC)))
        if _is_done(milvus, deployments):
            print(f"Milvus {key.name} is Glede's, and every pod is as its manifest wants it")
            return
        _check(told, key, milvus, seconds)
        await asyncio.sleep(_PAUSE_SECONDS)


def _tell(told: _Told, milvus: Object, deployments: list[Object]) -> None:
    for item in deployments:
        name = name_of(item)
        if _is_new(item) and is_complete(item) and name not in told.done:
            told.done.add(name)
            print(f"replaced the pods of Deployment {name}")
    words = str(_condition(milvus, "Progressing").get("message", ""))
    if _is_seen(milvus) and words not in ("", told.words):
        told.words = words
        print(f"  {words}")


def slow_to_stop(pods: list[Object], now: datetime) -> dict[str, int]:
    """Give the pods that were told to stop too long ago, with the seconds since then."""
    found = {}
    for pod in pods:
        metadata = pod["metadata"]
        if end := metadata.get("deletionTimestamp"):
            allowed = timedelta(seconds=metadata.get("deletionGracePeriodSeconds", 0))
            seconds = (now - (datetime.fromisoformat(end) - allowed)).total_seconds()
            if seconds > _SLOW_SECONDS:
                found[str(metadata["name"])] = int(seconds)
    return found


def _tell_slow(told: _Told, key: Key, slow: dict[str, int]) -> None:
    """Pods of milvus-operator's have a month to stop, and where two may not overlap all waits for them."""
    for name, seconds in slow.items():
        if name not in told.slow:
            told.slow.add(name)
            end = f"kubectl delete pod {name} -n {key.namespace} --grace-period=30"
            print(f"  pod {name} was told to stop {seconds} s ago and has not; to end it: {end}")


def _is_new(deployment: Object) -> bool:
    return TEMPLATE_ANNOTATION in deployment["metadata"].get("annotations", {})


def _is_done(milvus: Object, deployments: list[Object]) -> bool:
    updated = _condition(milvus, "MilvusUpdated").get("status") == "True"
    return _is_seen(milvus) and updated and all(map(_is_new, deployments))


def _is_seen(milvus: Object) -> bool:
    """Tell whether our operator has told of the manifest as it is now."""
    told = milvus.get("status", {})
    return "toolImage" in told and told.get("observedGeneration") == milvus["metadata"]["generation"]


def _check(told: _Told, key: Key, milvus: Object, seconds: float) -> None:
    waited = time.monotonic() - told.begun
    look = f"kubectl glede status {key.name} -n {key.namespace}"
    progress = _condition(milvus, "Progressing")
    if _is_seen(milvus) and progress.get("reason") in _FAILED and waited > _PAUSE_SECONDS:
        raise CommandError(
            f"Milvus {key.name}: {progress['reason']}: {progress.get('message', '')}; what has not been "
            f"replaced serves on. Look: {look}",
            1,
        )
    if not _is_seen(milvus) and waited > min(_SILENT_SECONDS, seconds):
        raise CommandError(
            f"Milvus {key.name}: Glede's operator has told nothing for {waited:.0f} s; does it run, and does "
            "it watch this namespace? The pods run on as they were. Start it, and run this again",
            1,
        )
    if waited > seconds:
        raise CommandError(
            f"Milvus {key.name}: not done in {seconds:g} s; the operator goes on. Look: {look}", 1
        )


def _condition(milvus: Object, type_: str) -> Object:
    conditions = milvus.get("status", {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == type_), {})
