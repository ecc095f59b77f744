"""Kubeconfig files with everything in them, for their owner only."""

import base64
from pathlib import Path

import yaml

from lab.certificates import Pair


def write_kubeconfig(path: Path, server: str, authority: Path, client: Pair) -> Path:
    """Write the kubeconfig of one client of ``server``; gives its path. Readers always find a whole one."""
    user = {"client-certificate-data": _data(client.certificate), "client-key-data": _data(client.key)}
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "lab", "cluster": {"server": server, "certificate-authority-data": _data(authority)}}
        ],
        "users": [{"name": "lab", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
    }
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(yaml.safe_dump(body))
    return fresh.replace(path)


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
