"""The one Service, which clients talk to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from glede.api.milvus.components import ServiceComponent
from glede.milvus.render.labels import owned, serves_clients, service_selector
from glede.milvus.render.probes import HEALTH_PORT
from glede.milvus.resolved import Object, Resolved, Workload

MILVUS_PORT = 19530
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class ClientPorts:
    """Where Milvus listens for clients. ``restful`` is None where that is the same port."""

    milvus: int
    restful: int | None


def service_name(resolved: Resolved) -> str:
    """Give the Service's name."""
    return f"{resolved.name}-milvus"


def front(resolved: Resolved) -> tuple[Workload, ServiceComponent] | None:
    """Give the workload that clients talk to (of a proxy in groups: the first one), and its settings."""
    for workload in resolved.workloads:
        if serves_clients(workload.component) and isinstance(workload.settings, ServiceComponent):
            return workload, workload.settings
    return None


def client_ports(resolved: Resolved) -> ClientPorts:
    """Give the ports that Milvus listens on, by its settings."""
    proxy = resolved.settings.get("proxy")
    proxy = proxy if isinstance(proxy, dict) else {}
    http = proxy.get("http")
    rest = _port(http.get("port")) if isinstance(http, dict) else None
    milvus = _port(proxy.get("port")) or MILVUS_PORT
    return ClientPorts(milvus, rest if rest != milvus else None)


def _port(value: object) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[1-9]\d{0,4}", text) and int(text) <= 65535 else None


def service_port(settings: ServiceComponent) -> int:
    """Give the Service's port for clients."""
    return settings.port or MILVUS_PORT


def service(resolved: Resolved) -> Object | None:
    """Render the Service."""
    found = front(resolved)
    if found is None:
        return None
    workload, settings = found
    metadata = owned(resolved, service_name(resolved), settings.service_labels, settings.service_annotations)
    spec = {
        "type": settings.service_type,
        "selector": service_selector(resolved.milvus),
        "ports": _distinct([*_own_ports(resolved, settings), *_sidecar_ports(resolved, workload)]),
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _own_ports(resolved: Resolved, settings: ServiceComponent) -> Iterator[Object]:
    ports = client_ports(resolved)
    by_number = resolved.milvus.spec.components.target_port_type == "integer"
    yield _entry("milvus", service_port(settings), ports.milvus if by_number else "milvus")
    yield _entry("metrics", HEALTH_PORT, HEALTH_PORT if by_number else "metrics")
    if settings.service_restful_port:
        number, name = (ports.restful, "restful") if ports.restful else (ports.milvus, "milvus")
        yield _entry("restful", settings.service_restful_port, number if by_number else name)


def _sidecar_ports(resolved: Resolved, workload: Workload) -> Iterator[Object]:
    by_number = resolved.milvus.spec.components.target_port_type == "integer"
    for sidecar in workload.settings.sidecars or ():
        for port in sidecar.get("ports") or ():
            number = port.get("containerPort")
            name = port.get("name")
            fallback = f"{sidecar.get('name', 'sidecar')}-{number}"[:_LONGEST_NAME]
            target = number if by_number or not name else name
            yield _entry(str(name or fallback), number, target) | {"protocol": port.get("protocol") or "TCP"}


def _distinct(ports: list[Object]) -> list[Object]:
    """Keep the first of ports of the same number or name: the API server refuses a second one."""
    kept: list[Object] = []
    for port in ports:
        taken = any(
            port["name"] == other["name"]
            or (port["port"], port["protocol"]) == (other["port"], other["protocol"])
            for other in kept
        )
        kept += [] if taken else [port]
    return kept


def _entry(name: str, port: int, target: int | str) -> Object:
    return {"name": name, "protocol": "TCP", "port": port, "targetPort": target}
