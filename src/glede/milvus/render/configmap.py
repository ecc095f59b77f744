"""The ConfigMap with Milvus's settings, and the Secret for what may not be in it."""

import base64
from collections.abc import Mapping
from typing import Any

import yaml

from glede.milvus.credentials import split
from glede.milvus.render.labels import owned
from glede.milvus.resolved import Object, Resolved

USER_YAML = "user.yaml"
HOOK_YAML = "hook.yaml"


def config_map_name(resolved: Resolved) -> str:
    """Give the name of the ConfigMap that new pods read."""
    return resolved.milvus.spec.components.active_config_map or resolved.name


def config_secret_name(resolved: Resolved) -> str:
    """Give the name of the Secret for credentials among the settings."""
    return f"{resolved.name}-config"


def config_map(resolved: Resolved) -> Object:
    """Render the settings."""
    data = {USER_YAML: _yaml(resolved.settings)}
    hook = resolved.milvus.spec.hook_config
    if hook and not hook_is_secret(resolved):
        data[HOOK_YAML] = _yaml(hook)
    metadata = owned(resolved, config_map_name(resolved))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def config_secret(resolved: Resolved) -> Object | None:
    """Render the credentials among the settings, and a hook.yaml that holds some."""
    texts = secret_texts(resolved)
    if not texts:
        return None
    data = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    metadata = owned(resolved, config_secret_name(resolved))
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def secret_texts(resolved: Resolved) -> dict[str, str]:
    """Give what that Secret holds, by key."""
    texts = dict(resolved.credentials)
    if hook_is_secret(resolved):
        texts[HOOK_YAML] = _yaml(resolved.milvus.spec.hook_config or {})
    return texts


def hook_is_secret(resolved: Resolved) -> bool:
    """Tell whether the hook's settings hold a credential. They cannot be given by the environment."""
    return bool(split(resolved.milvus.spec.hook_config or {}).credentials)


def _yaml(settings: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(settings), sort_keys=True, allow_unicode=True, default_flow_style=False)
