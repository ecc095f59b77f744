"""A pod's volumes, and where its containers see them."""

from glede.milvus.inherit import by_key
from glede.milvus.layers import OPERATOR_FOLDER
from glede.milvus.render.configmap import HOOK_YAML, config_map_name, config_secret_name, hook_is_secret
from glede.milvus.resolved import Object, Resolved, Workload

SETTINGS_FOLDER = "/glede/settings"
BASE_FOLDER = "/glede/base"
OUT_FOLDER = "/glede/configs"
CONFIGS_FOLDER = "/milvus/configs"
DATA_FOLDER = "/var/lib/milvus"
SETTINGS = "milvus-config"
BASE = "glede-base-configs"
CONFIGS = "glede-configs"
DATA = "milvus-data"
_REMOVE = "_remove"


def volumes(resolved: Resolved, workload: Workload) -> list[Object]:
    """Give the pod's volumes; one of the manifest takes the place of ours with its name."""
    ours = [
        _settings(resolved),
        {"name": BASE, "emptyDir": {}},
        {"name": CONFIGS, "emptyDir": {}},
        {"name": DATA, "emptyDir": {}},
    ]
    theirs = [volume for dependency in resolved.dependencies for volume in dependency.volumes]
    return by_key("name", ours, theirs, workload.settings.volumes or [])


def _settings(resolved: Resolved) -> Object:
    """Give the volume with the settings, which is kept fresh while pods run."""
    config = {"name": config_map_name(resolved)}
    if not hook_is_secret(resolved):
        return {"name": SETTINGS, "configMap": config}
    hook = {"name": config_secret_name(resolved), "items": [{"key": HOOK_YAML, "path": HOOK_YAML}]}
    return {"name": SETTINGS, "projected": {"sources": [{"configMap": config}, {"secret": hook}]}}


def mounts(resolved: Resolved, workload: Workload) -> list[Object]:
    """Give what the Milvus container sees; the manifest may add to it, replace and remove by path."""
    ours: list[Object] = [
        {"name": CONFIGS, "mountPath": CONFIGS_FOLDER},
        {"name": SETTINGS, "mountPath": f"{CONFIGS_FOLDER}/{OPERATOR_FOLDER}", "readOnly": True},
        {"name": DATA, "mountPath": DATA_FOLDER},
    ]
    theirs: list[Object] = [
        mount for dependency in resolved.dependencies for mount in dependency.volume_mounts
    ]
    merged = by_key("mountPath", ours, theirs, workload.settings.volume_mounts or [])
    return [mount for mount in merged if mount.get("name") != _REMOVE]
