"""The pods of one Deployment."""

from typing import Any

from glede.milvus.inherit import by_key
from glede.milvus.refresh import concerning, without_refreshed
from glede.milvus.render import volumes as places
from glede.milvus.render.configmap import USER_YAML
from glede.milvus.render.environment import digest, environment, secrets_digest
from glede.milvus.render.labels import SERVICE_LABEL, selector, serves_clients
from glede.milvus.render.probes import HEALTH_PORT, probes
from glede.milvus.render.service import client_ports
from glede.milvus.render.spread import affinity, topology_spread
from glede.milvus.render.strategy import grace_seconds, lifecycle
from glede.milvus.resolved import Object, Resolved, Workload

SETTINGS_ANNOTATION = "glede.io/settings"
SECRETS_ANNOTATION = "glede.io/secrets"

# The user that milvus-operator runs Milvus as, and the one of the image that merges the settings.
_MILVUS_USER = 1000
_TOOL_USER = 65532
_SAFE: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
# Why a container ended stands in its pod's status then, and from there in conditions and Events.
_TOLD = {"terminationMessagePolicy": "FallbackToLogsOnError"}
_SMALL: Object = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"memory": "256Mi"},
}


def pod_template(resolved: Resolved, workload: Workload) -> Object:
    """Render the template of a workload's pods."""
    spec = _spec(resolved, workload)
    labels = {**workload.labels, **selector(resolved, workload)}
    if serves_clients(workload.component):
        labels[SERVICE_LABEL] = "true"
    annotations = {
        **workload.annotations,
        SETTINGS_ANNOTATION: _settings_digest(resolved, workload),
        SECRETS_ANNOTATION: secrets_digest(resolved, spec),
    }
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec}


def _settings_digest(resolved: Resolved, workload: Workload) -> str | None:
    """Digest the settings whose change restarts these pods; None where the manifest wants no restart."""
    if resolved.milvus.spec.components.update_config_map_only:
        return None
    settings: Any = resolved.restarting
    if resolved.version.refreshes_user_yaml:
        settings = without_refreshed(settings)
    return digest([concerning(settings, workload.component), resolved.milvus.spec.hook_config or {}])


def _spec(resolved: Resolved, workload: Workload) -> Object:
    settings = workload.settings
    inits = [_copy_container(workload), _merge_container(resolved)]
    return {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_seconds(resolved, workload),
        "securityContext": _pod_security(resolved),
        "serviceAccountName": settings.service_account_name or None,
        # Milvus does not talk to the API server; an account of the manifest's own may be for a cloud.
        "automountServiceAccountToken": None if settings.service_account_name else False,
        "imagePullSecrets": settings.image_pull_secrets,
        "schedulerName": settings.scheduler_name or None,
        "priorityClassName": settings.priority_class_name or None,
        "nodeSelector": settings.node_selector,
        "tolerations": settings.tolerations,
        "affinity": affinity(resolved, workload),
        "topologySpreadConstraints": topology_spread(resolved, workload),
        "hostNetwork": settings.host_network or None,
        "dnsPolicy": settings.dns_policy or None,
        "initContainers": by_key("name", inits, settings.init_containers or []),
        "containers": by_key("name", [_container(resolved, workload)], settings.sidecars or []),
        "volumes": places.volumes(resolved, workload),
    }


def _pod_security(resolved: Resolved) -> Object:
    """Give the pod's security context. The official image runs as root unless it is asked not to."""
    profile: Object = {"seccompProfile": {"type": "RuntimeDefault"}}
    if not resolved.milvus.spec.components.run_as_non_root:
        return profile
    user = {"runAsNonRoot": True, "runAsUser": _MILVUS_USER, "runAsGroup": _MILVUS_USER}
    return profile | user | {"fsGroup": _MILVUS_USER}


def _container(resolved: Resolved, workload: Workload) -> Object:
    settings = workload.settings
    return {
        "name": workload.component,
        "image": workload.image,
        "imagePullPolicy": _pull_policy(workload),
        "args": list(workload.arguments),
        "env": environment(resolved, workload),
        "ports": _ports(resolved, workload),
        **probes(settings),
        **_TOLD,
        "lifecycle": lifecycle(resolved, workload),
        "resources": settings.resources,
        "securityContext": {**_SAFE, **(settings.security_context or {})},
        "volumeMounts": places.mounts(resolved, workload),
    }


def _pull_policy(workload: Workload) -> str:
    return workload.settings.image_pull_policy or "IfNotPresent"


def _ports(resolved: Resolved, workload: Workload) -> list[Object]:
    ports = [{"name": "metrics", "containerPort": HEALTH_PORT, "protocol": "TCP"}]
    if not serves_clients(workload.component):
        return ports
    client = client_ports(resolved)
    named = (("milvus", client.milvus), ("restful", client.restful))
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in named if port] + ports


def _copy_container(workload: Workload) -> Object:
    """Give the container that takes the settings out of Milvus's image."""
    return {
        "name": "config",
        "image": workload.image,
        "imagePullPolicy": _pull_policy(workload),
        "command": ["/bin/cp", "-RL", f"{places.CONFIGS_FOLDER}/.", places.BASE_FOLDER],
        **_TOLD,
        "resources": _SMALL,
        "securityContext": {**_SAFE, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": places.BASE, "mountPath": places.BASE_FOLDER}],
    }


def _merge_container(resolved: Resolved) -> Object:
    """Give the container that lays the Milvus's own settings over them."""
    command = ["python3", "-m", "glede.milvus.merge", "--base", places.BASE_FOLDER]
    command += ["--user", f"{places.SETTINGS_FOLDER}/{USER_YAML}", "--out", places.OUT_FOLDER]
    return {
        "name": "merge",
        "image": resolved.tool_image,
        "imagePullPolicy": "IfNotPresent",
        "command": command + (["--refreshed"] if resolved.version.refreshes_user_yaml else []),
        **_TOLD,
        "resources": _SMALL,
        "securityContext": {
            **_SAFE,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": _TOOL_USER,
        },
        "volumeMounts": [
            {"name": places.SETTINGS, "mountPath": places.SETTINGS_FOLDER, "readOnly": True},
            {"name": places.BASE, "mountPath": places.BASE_FOLDER, "readOnly": True},
            {"name": places.CONFIGS, "mountPath": places.OUT_FOLDER},
        ],
    }
