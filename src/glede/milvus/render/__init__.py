"""Render a Milvus: pure functions, one file for each kind of object."""

from glede.milvus.render.canary import render_canary
from glede.milvus.render.clean import without_empty
from glede.milvus.render.configmap import config_map, config_secret
from glede.milvus.render.deployment import deployment
from glede.milvus.render.hpa import autoscalers
from glede.milvus.render.ingress import ingress
from glede.milvus.render.networkpolicy import network_policies
from glede.milvus.render.pdb import budgets
from glede.milvus.render.podmonitor import pod_monitor
from glede.milvus.render.pvc import claim
from glede.milvus.render.service import service
from glede.milvus.resolved import Object, Resolved

__all__ = ["render_canary", "render_milvus"]


def render_milvus(resolved: Resolved) -> list[Object]:
    """Render all objects of a Milvus but those of its dependencies, in the order in which they start."""
    wanted = [
        config_secret(resolved),
        config_map(resolved),
        claim(resolved),
        service(resolved),
        *(deployment(resolved, workload) for workload in resolved.workloads),
        *budgets(resolved),
        *autoscalers(resolved),
        *network_policies(resolved),
        ingress(resolved),
        pod_monitor(resolved),
    ]
    return [without_empty(obj) for obj in wanted if obj is not None]
