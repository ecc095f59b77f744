"""The canary: a second Deployment of the proxies, which is there while a change of theirs is watched."""

from dataclasses import replace

from glede.api.milvus.components import Proxy
from glede.milvus.labels import CANARY_SUFFIX
from glede.milvus.render.clean import without_empty
from glede.milvus.render.deployment import deployment
from glede.milvus.resolved import Object, Resolved, Workload


def canaried(resolved: Resolved) -> Workload | None:
    """Give the workload whose manifest asks for a canary; None where there is none, or it has no pods."""
    for workload in resolved.workloads:
        settings = workload.settings
        asked = isinstance(settings, Proxy) and settings.canary is not None and not workload.group
        # What is paused is replaced by hand, whenever somebody likes.
        if asked and workload.replicas != 0 and not settings.paused:
            return workload
    return None


def render_canary(resolved: Resolved) -> Object | None:
    """Render the canary, None where none is asked for; how many pods it has is decided by what there is."""
    workload = canaried(resolved)
    if workload is None:
        return None
    name = f"{workload.name}{CANARY_SUFFIX}"
    canary = replace(workload, name=name, replicas=1, canary=True)
    rendered: Object = without_empty(deployment(resolved, canary))
    return rendered
