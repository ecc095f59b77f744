"""An HTTP client with the address, trust and credentials of a kubeconfig or of a pod's service account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import yaml
from lightkube.config.client_adapter import user_auth, verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from glede.kube.errors import KubeconfigError

# What a file that is no kubeconfig, or whose certificates are none, leads to.
_UNUSABLE = (ConfigError, OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, httpx2.InvalidURL)

MOST_CONNECTIONS = 100  # a watch holds one each


def open_client(kubeconfig: Path | None, version: str) -> httpx2.AsyncClient:
    """Open a client of the API server that a kubeconfig's current context names.

    None: the pod's service account, else the file that KUBECONFIG names, else ``~/.kube/config``.
    Proxies and other settings of the environment are not used. Raises KubeconfigError.
    """
    what = str(kubeconfig or "the service account or kubeconfig")
    try:
        config = _config(kubeconfig)
        user = config.user or User()
        verify = verify_cluster(config.cluster, user, config.abs_file, trust_env=False)
        return httpx2.AsyncClient(
            base_url=config.cluster.server,
            verify=verify,
            auth=user_auth(user),
            trust_env=False,
            headers={"User-Agent": f"glede/{version}", "Accept-Encoding": "identity"},
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=30),
        )
    except KeyError as error:
        raise KubeconfigError(f"{what}: {error} is missing; write it there or name another file") from error
    except _UNUSABLE as error:
        raise KubeconfigError(
            f"{what}: cannot be used ({error}); check that `kubectl get --raw /version` works with it"
        ) from error


def _config(kubeconfig: Path | None) -> SingleConfig:
    return (KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()).get()


class Handshake:
    """Follows one request's connection, as httpcore's extension ``trace``.

    A request that is cancelled while it shakes hands would leave its socket open: httpcore closes it only
    after an Exception, which CancelledError is not.
    """

    def __init__(self) -> None:
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Close the socket when the handshake fails, however it does."""
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()
