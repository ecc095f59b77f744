"""Pods that do not come up: kwok leaves them alone, and what a kubelet would tell of them is told here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from tests.kube.matrix.chronicle import Chronicle

from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import POD, Key, Object, key_of
from glede.kube.transport import Selection

# ``image``: cannot be pulled, so that nothing ever ran; ``crash``: ran, and ended.
Trouble = Literal["image", "crash"]
LABEL = "matrix.test/trouble"
LEFT_ALONE = {"kwok.x-k8s.io/status": "custom"}
PULLING = "Back-off pulling image"
PANIC = "panic: no such bird"


def falling_ill(trouble: Trouble) -> Object:
    """Give the settings of a component whose pods have this trouble."""
    return {"podLabels": {LABEL: trouble}, "podAnnotations": dict(LEFT_ALONE)}


@asynccontextmanager
async def nursing(chronicle: Chronicle) -> AsyncIterator[None]:
    """Look after the pods that do not come up, in all namespaces, while the block lasts."""
    task = asyncio.create_task(_nurse(chronicle))
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()


async def _nurse(chronicle: Chronicle) -> None:
    selection = Selection(labels=LABEL)
    page = await chronicle.user.list(POD, selection)
    stream = chronicle.user.watch(
        POD, selection, resource_version=page.resource_version, timeout_seconds=3600
    )
    async for event in stream:
        if event.type not in {"ADDED", "MODIFIED"}:
            continue
        try:
            await _see(chronicle, event.object)
        except (NotFound, Conflict):
            continue


async def _see(chronicle: Chronicle, pod: Object) -> None:
    meta, key = pod["metadata"], key_of(pod)
    if not pod["spec"].get("nodeName"):
        return
    if "deletionTimestamp" in meta:
        # From then on kwok sees it, and lets it end.
        if LEFT_ALONE.items() <= meta.get("annotations", {}).items():
            annotations: dict[str, Any] = dict.fromkeys(LEFT_ALONE)
            await chronicle.user.patch(POD, key, {"metadata": {"annotations": annotations}})
    elif not pod["status"].get("containerStatuses"):
        await _tell(chronicle, key, pod)


async def _tell(chronicle: Chronicle, key: Key, pod: Object) -> None:
    states: dict[str, Object] = {
        "image": {"state": {"waiting": {"reason": "ImagePullBackOff", "message": PULLING}}},
        "crash": {
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}},
            "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "message": PANIC}},
        },
    }
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            **states[pod["metadata"]["labels"][LABEL]],
        }
        for container in pod["spec"]["containers"]
    ]
    conditions = [
        *pod["status"].get("conditions", []),
        *({"type": type_, "status": "False"} for type_ in ("Ready", "ContainersReady")),
    ]
    status = {"phase": "Pending", "conditions": conditions, "containerStatuses": containers}
    await chronicle.user.patch(POD, key, {"status": status}, subresource="status")
