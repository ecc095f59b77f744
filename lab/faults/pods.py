"""Faults of one pod: its processes are killed or stopped where they are, or nobody hears of it any more."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod

from lab.cluster import missing_is_fine, node_of, ready
from lab.daemons import wait_for
from lab.errors import LabError
from lab.faults.network import cut_pod
from lab.nodes import cgroups

READY_SECONDS = 120.0


def pod_processes(pod: Pod) -> list[int]:
    """Give the ids of the processes of a pod's containers; the one that holds its network is left out."""
    found: set[int] = set()
    for folder in cgroups.folders(node_of(pod)):
        for group in folder.rglob(f"*pod{pod.metadata.uid}*"):
            for path in group.rglob("cgroup.procs"):
                with contextlib.suppress(OSError):
                    found.update(int(line) for line in path.read_text().split())
    return sorted(pid for pid in found if _program(pid) != "pause")


@contextlib.contextmanager
def killed_pod(api: Client, pod: Pod, *, wait: bool = True) -> Iterator[None]:
    """Kill the processes of a pod's containers; on leaving, wait until it is Ready again."""
    before = _restarts(api, pod)
    for pid in _some(pod):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    yield
    if wait:
        for _ in wait_for(f"pod {pod.metadata.name} ready again", READY_SECONDS, pause=0.3):
            found = _again(api, pod)
            # Without a controller or with one, either this pod restarted or another took its place.
            if found is None or (ready(found) and _restarts(api, pod) > before):
                return


@contextlib.contextmanager
def frozen_pod(pod: Pod) -> Iterator[None]:
    """Stop a pod's processes where they are: its connections stay, and nothing answers."""
    pids = _some(pod)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def lost_member(pod: Pod) -> Iterator[None]:
    """Take a member of a quorum (etcd, Kafka, MinIO) away from everybody, its data kept for its return."""
    with cut_pod(pod):
        yield


def _some(pod: Pod) -> list[int]:
    pids = pod_processes(pod)
    if not pids:
        raise LabError(f"pod {pod.metadata.name}: none of its processes runs; wait until it is ready")
    return pids


def _again(api: Client, pod: Pod) -> Pod | None:
    try:
        return api.get(Pod, pod.metadata.name, namespace=pod.metadata.namespace)
    except ApiError as error:
        if missing_is_fine(error):
            return None
        raise


def _restarts(api: Client, pod: Pod) -> int:
    found = _again(api, pod)
    statuses = (found.status.containerStatuses if found and found.status else None) or []
    return sum(status.restartCount for status in statuses)


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
