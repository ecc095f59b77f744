"""The objects of a dependency that the operator runs: StatefulSet, Services, PodDisruptionBudget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glede.milvus.dependencies.plan import LABEL, selector_of
from glede.milvus.labels import VINTAGE_ANNOTATION
from glede.milvus.resolved import Dependency, InClusterPlan, Object, Resolved, Volume

# The user that the images' own folders are open to; volumes are given to this group.
USER = 1000
DATA = "data"


@dataclass(frozen=True, slots=True)
class Program:
    """What a dependency's one container runs.

    ``ports`` by name, the one for clients first; ``probes`` are fields of a container; ``grace`` is how long
    a stop may take, in seconds.
    """

    name: str
    ports: Mapping[str, int]
    data_path: str
    probes: Mapping[str, Any]
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Sequence[Object] = ()
    grace: int = 30
    read_only: bool = False
    min_ready_seconds: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)


def objects_of(resolved: Resolved, dependency: Dependency, program: Program) -> list[Object]:
    """Render a dependency's objects, those that are needed first in front."""
    plan = dependency.in_cluster
    if plan is None:
        return []
    client = _service(resolved, dependency, plan.workload, program, headless=False)
    members = _service(resolved, dependency, headless_name(plan), program, headless=True)
    rendered = [client, members, _stateful_set(resolved, dependency, plan, program)]
    if plan.budget is not None:
        rendered.append(_budget(resolved, dependency, plan, program.name))
    return rendered


def headless_name(plan: InClusterPlan) -> str:
    """Give the name of the Service by which the members find each other."""
    return f"{plan.workload}-headless"


def domain_of(plan: InClusterPlan, namespace: str) -> str:
    """Give what follows a pod's name in its host name."""
    return f".{headless_name(plan)}.{namespace}"


def host_of(plan: InClusterPlan, namespace: str, ordinal: int) -> str:
    """Give a member's host name within the cluster."""
    return f"{plan.workload}-{ordinal}{domain_of(plan, namespace)}"


def field_env(name: str, path: str) -> Object:
    """Give an environment variable that holds a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def plain_env(variables: Mapping[str, str]) -> list[Object]:
    """Give environment variables of a mapping."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def secret_env(name: str, secret: str, key: str) -> Object:
    """Give an environment variable that holds a key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def merged_env(own: Sequence[Object], given: Sequence[Object]) -> list[Object]:
    """Lay the manifest's variables over the operator's own, by name, in a stable order."""
    merged = {str(item.get("name")): dict(item) for item in own}
    for item in given:
        merged[str(item.get("name"))] = dict(item)
    return list(merged.values())


def metadata_of(resolved: Resolved, name: str, dependency: Dependency, program: str) -> Object:
    """Give the metadata of one of a dependency's objects."""
    return {
        "name": name,
        "namespace": resolved.namespace,
        "labels": labels_of(resolved, dependency, program),
    }


def labels_of(resolved: Resolved, dependency: Dependency, program: str) -> dict[str, str]:
    """Give a dependency's labels: those that its pods are found by, its part, and who keeps it."""
    return {
        **selector_of(resolved.name, program),
        f"{LABEL}/component": dependency.kind,
        f"{LABEL}/managed-by": "milvus-operator",
    }


def _service(
    resolved: Resolved, dependency: Dependency, name: str, program: Program, *, headless: bool
) -> Object:
    ports = [{"name": port, "port": number, "targetPort": port} for port, number in program.ports.items()]
    spec: Object = {"type": "ClusterIP", "selector": selector_of(resolved.name, program.name)}
    if headless:
        # Members look for each other before any of them is ready.
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": ports}
    else:
        spec["ports"] = ports[:1]
    metadata = metadata_of(resolved, name, dependency, program.name)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _stateful_set(
    resolved: Resolved, dependency: Dependency, plan: InClusterPlan, program: Program
) -> Object:
    spec: Object = {
        "serviceName": headless_name(plan),
        "replicas": plan.replicas,
        "podManagementPolicy": "Parallel",
        # Members are replaced by the operator, which looks at all of them: glede.milvus.members.
        "updateStrategy": {"type": "OnDelete"},
        "selector": {"matchLabels": selector_of(resolved.name, program.name)},
        "template": _template(resolved, dependency, plan, program),
    }
    if program.min_ready_seconds:
        spec["minReadySeconds"] = program.min_ready_seconds
    if plan.volume:
        spec["volumeClaimTemplates"] = [_claim(resolved, plan.volume, program.name)]
    metadata = metadata_of(resolved, plan.workload, dependency, program.name)
    if plan.vintage:
        metadata["annotations"] = {VINTAGE_ANNOTATION: str(plan.vintage)}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}


def _claim(resolved: Resolved, volume: Volume, program: str) -> Object:
    spec: Object = {
        "accessModes": [volume.access_mode],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    return {"metadata": {"name": DATA, "labels": selector_of(resolved.name, program)}, "spec": spec}


def _template(resolved: Resolved, dependency: Dependency, plan: InClusterPlan, program: Program) -> Object:
    spec: Object = {
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": program.grace,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan, program)],
    }
    if plan.volume is None:
        spec["volumes"] = [{"name": DATA, "emptyDir": {}}]
    if plan.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in plan.pull_secrets]
    if plan.node_selector:
        spec["nodeSelector"] = dict(plan.node_selector)
    if plan.tolerations:
        spec["tolerations"] = list(plan.tolerations)
    if plan.affinity:
        spec["affinity"] = plan.affinity
    metadata: Object = {"labels": {**plan.pod_labels, **labels_of(resolved, dependency, program.name)}}
    annotations = {**program.annotations, **plan.pod_annotations}
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": spec | plan.pod}


def _container(plan: InClusterPlan, program: Program) -> Object:
    security: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if program.read_only:
        security["readOnlyRootFilesystem"] = True
    container: Object = {
        "name": program.name,
        "image": plan.image,
        "imagePullPolicy": plan.pull_policy,
        "env": merged_env(program.env, plan.env),
        "ports": [{"name": name, "containerPort": port} for name, port in program.ports.items()],
        "resources": plan.resources,
        "securityContext": security,
        "volumeMounts": [{"name": DATA, "mountPath": program.data_path}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **program.probes,
    }
    if program.command:
        container["command"] = list(program.command)
    if program.args:
        container["args"] = list(program.args)
    return container


def _budget(resolved: Resolved, dependency: Dependency, plan: InClusterPlan, program: str) -> Object:
    spec = {
        "selector": {"matchLabels": selector_of(resolved.name, program)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        **(plan.budget or {}),
    }
    metadata = metadata_of(resolved, plan.workload, dependency, program)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
