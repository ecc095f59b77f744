"""How pods are replaced, and how long each may take to stop."""

from glede.milvus.render.pvc import claim_name
from glede.milvus.resolved import Object, Resolved, Workload

# A new query node is Ready long before it holds data, and Deployments wait for nothing else.
_MIN_READY_SECONDS = {"querynode": 15, "streamingnode": 15}
_GRACE_SECONDS = {
    "proxy": 60,
    "cdc": 60,
    "rootcoord": 60,
    "datacoord": 60,
    "indexcoord": 60,
    "querycoord": 60,
}
_DEFAULT_GRACE_SECONDS = 120
# Where it holds others up: Version.stopping_holds_up.
_SHORT_GRACE_SECONDS = 2
# Requests still come for a while after a pod is given up: until every load balancer, or proxy, knows.
_SLEEP_SECONDS = {"proxy": 15, "standalone": 15, "querynode": 10, "streamingnode": 10}


def strategy(resolved: Resolved, workload: Workload) -> Object:
    """Give a Deployment's strategy: one more at a time, or all at once where two cannot be."""
    if not _may_overlap(resolved, workload):
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def _may_overlap(resolved: Resolved, workload: Workload) -> bool:
    name = workload.component
    if name == "standalone" and claim_name(resolved) is not None:
        return False
    if name.endswith("coord") or name == "standalone":
        return name in resolved.standby
    return name != "cdc"


def min_ready_seconds(workload: Workload) -> int | None:
    """Give how long a pod must have been ready to count; None for no time."""
    return _MIN_READY_SECONDS.get(workload.component)


def grace_seconds(resolved: Resolved, workload: Workload) -> int:
    """Give how long a pod may take to stop."""
    written = workload.settings.termination_grace_period_seconds
    if written is not None:
        return written
    if workload.component.endswith("coord") and resolved.version.stopping_holds_up:
        return _SHORT_GRACE_SECONDS
    return _GRACE_SECONDS.get(workload.component, _DEFAULT_GRACE_SECONDS)


def lifecycle(resolved: Resolved, workload: Workload) -> Object | None:
    """Give the pause before a pod is told to stop, at most half of the time that it has."""
    seconds = min(_SLEEP_SECONDS.get(workload.component, 0), grace_seconds(resolved, workload) // 2)
    if seconds == 0:
        return None
    return {"preStop": {"exec": {"command": ["/bin/sleep", str(seconds)]}}}
