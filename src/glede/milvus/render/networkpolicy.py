"""Who may talk to the pods. Port 9091 has no authentication: it runs expressions, and a whole REST API."""

from collections.abc import Iterator

from glede.milvus.render.labels import instance_labels, owned, serves_clients, service_selector
from glede.milvus.render.probes import HEALTH_PORT
from glede.milvus.render.service import client_ports, front
from glede.milvus.resolved import Object, Resolved

_SCRAPER = {"glede.io/scrape": "true"}
_OPERATOR = {"app.kubernetes.io/name": "glede"}


def network_policies(resolved: Resolved) -> list[Object]:
    """Render the policies: one for all pods, one more for those that clients talk to, if that is not all."""
    if not resolved.milvus.spec.availability.network_policy:
        return []
    own = instance_labels(resolved.milvus)
    inside = {"from": [{"podSelector": {"matchLabels": own}}]}
    scrape = {"from": list(_scrapers()), "ports": [_tcp(HEALTH_PORT)]}
    anybody = {"ports": _client_ports(resolved)}
    name = f"{resolved.name}-milvus"
    if all(serves_clients(workload.component) for workload in resolved.workloads):
        return [_policy(resolved, name, own, [inside, scrape, anybody])]
    return [
        _policy(resolved, name, own, [inside, scrape]),
        _policy(resolved, f"{name}-clients", service_selector(resolved.milvus), [anybody]),
    ]


def _scrapers() -> Iterator[Object]:
    yield {"namespaceSelector": {"matchLabels": _SCRAPER}}
    for labels in (_SCRAPER, _OPERATOR):
        yield {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}


def _client_ports(resolved: Resolved) -> list[Object]:
    found = front(resolved)
    ports = client_ports(resolved)
    open_ = [_tcp(number) for number in (ports.milvus, ports.restful) if number]
    for sidecar in (found[0].settings.sidecars or ()) if found else ():
        for port in sidecar.get("ports") or ():
            opened = {"protocol": port.get("protocol") or "TCP", "port": port.get("containerPort")}
            open_ += [] if opened in open_ or opened == _tcp(HEALTH_PORT) else [opened]
    return open_


def _policy(resolved: Resolved, name: str, pods: dict[str, str], ingress: list[Object]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": owned(resolved, name),
        "spec": {"podSelector": {"matchLabels": pods}, "policyTypes": ["Ingress"], "ingress": ingress},
    }


def _tcp(port: int) -> Object:
    return {"protocol": "TCP", "port": port}
