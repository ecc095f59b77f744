"""From a manifest and its Secrets to where is searched, and as whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from glede.milvus.probe import Login, Tls, tls_of_clients
from glede.milvus.render.service import client_ports, front, service_name, service_port
from glede.milvus.resolved import Resolved


@dataclass(frozen=True, slots=True)
class CanaryTarget:
    """Where a Milvus is searched: the Service of its proxies, as host:port, and the login it asks for.

    ``uid`` and ``owner`` (namespace, name) tell which Milvus it is.
    """

    uid: str
    owner: tuple[str, str]
    endpoint: str
    tls: Tls | None = None
    login: Login | None = None


def canary_target(resolved: Resolved, secrets: Mapping[str, Mapping[str, bytes]]) -> CanaryTarget:
    """Give where a Milvus is searched.

    ``secrets`` are the Secrets that the manifest names and that exist: name to key to value.
    """
    meta = resolved.milvus.metadata
    secret = resolved.milvus.spec.components.rollout.canary_search.secret_ref
    return CanaryTarget(
        uid=meta.uid,
        owner=(meta.namespace, meta.name),
        endpoint=endpoint_of(resolved),
        tls=tls_of_clients(resolved.milvus, secrets),
        login=_login(secrets.get(secret, {})) if secret else None,
    )


def endpoint_of(resolved: Resolved) -> str:
    """Give host and port of the Service at which the REST API is."""
    found = front(resolved)
    port = service_port(found[1]) if found else 0
    if found and client_ports(resolved).restful and found[1].service_restful_port:
        port = found[1].service_restful_port
    return f"{service_name(resolved)}.{resolved.namespace}.svc:{port}"


def _login(held: Mapping[str, bytes]) -> Login:
    """Read a token, or a name and a password; what is lacking was told when the manifest was checked."""
    name, password, token = (
        held.get(key, b"").decode(errors="replace").strip() for key in ("username", "password", "token")
    )
    return Login(name, password, token)
