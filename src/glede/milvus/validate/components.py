"""Checks of each component: how many pods, how they scale, how clients reach them."""

import re
from collections.abc import Iterator

from glede.api.milvus.components import (
    Component,
    DisruptionBudget,
    Group,
    GroupedComponent,
    Ingress,
    Proxy,
    ServiceComponent,
    field_of,
)
from glede.api.milvus.spec import Milvus
from glede.milvus.validate.canary import check_canary
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.pods import (
    RESERVED_LABELS,
    check_containers,
    check_env,
    check_pods,
    check_spread,
)
from glede.milvus.validate.whole import COMPONENTS, SPEC

# More pods of one component than any Milvus has; a slip of the pen would fill the cluster.
MOST_REPLICAS = 1000
_SINGLE = {
    "standalone": "standalone is one process; set mode: cluster for more pods",
    "cdc": "two would copy every change twice; set 1",
}
_STEADY = {"mixcoord", "rootcoord", "datacoord", "querycoord", "indexcoord", "standalone", "cdc"}
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_HEALTH_PORT = 9091
_DEFAULT_PORT = 19530


def check_components(milvus: Milvus, findings: Findings) -> None:
    """Check the settings for all components, and each component's own."""
    everywhere = milvus.spec.components
    check_pods(everywhere, SPEC, None, findings)
    for name, component in _written(milvus):
        at = f"{SPEC}.{field_of(name)}"
        check_pods(component, at, everywhere, findings)
        check_containers(component.sidecars, f"{at}.sidecars", findings)
        check_containers(component.init_containers, f"{at}.initContainers", findings)
        _check_replicas(name, component, at, findings)
        _check_hpa(name, component, at, findings)
        _check_budget(component.pod_disruption_budget, f"{at}.podDisruptionBudget", findings)
        if isinstance(component, ServiceComponent):
            _check_service(component, at, findings)
        if isinstance(component, GroupedComponent):
            _check_groups(component, at, findings)
        if isinstance(component, Proxy):
            check_canary(milvus, component, f"{at}.canary", findings)


def _written(milvus: Milvus) -> Iterator[tuple[str, Component]]:
    for name in COMPONENTS:
        component = milvus.spec.components.component(name)
        if component is not None:
            yield name, component


def _check_number(replicas: int | None, at: str, findings: Findings) -> None:
    if replicas is not None and replicas > MOST_REPLICAS:
        findings.invalid(at, replicas, f"at most {MOST_REPLICAS}", "lower the number of pods")


def _check_replicas(name: str, component: Component, at: str, findings: Findings) -> None:
    _check_number(component.replicas, f"{at}.replicas", findings)
    if name in _SINGLE and (component.replicas or 0) > 1:
        findings.warn(f"{at}.replicas", f"found {component.replicas}, expected 0 or 1: {_SINGLE[name]}")


def _check_hpa(name: str, component: Component, at: str, findings: Findings) -> None:
    hpa = component.hpa
    if hpa is None:
        return
    _check_number(hpa.max_replicas, f"{at}.hpa.maxReplicas", findings)
    if hpa.min_replicas is not None and hpa.min_replicas > hpa.max_replicas:
        expected = f"at most maxReplicas, which is {hpa.max_replicas}"
        findings.invalid(f"{at}.hpa.minReplicas", hpa.min_replicas, expected, "lower it or raise maxReplicas")
    if component.replicas not in (None, -1, 0):
        findings.unsupported(f"{at}.replicas", "hpa sets the number of pods", "remove replicas or hpa")
    if name in _STEADY:
        findings.warn(f"{at}.hpa", "more pods of this component carry no more load; remove hpa, set replicas")


def _check_budget(budget: DisruptionBudget | None, at: str, findings: Findings) -> None:
    if budget is None:
        return
    if budget.min_available is not None and budget.max_unavailable is not None:
        expected = "one of minAvailable and maxUnavailable"
        findings.invalid(at, Words("both"), expected, "remove one of the two")
    for name, value in (("minAvailable", budget.min_available), ("maxUnavailable", budget.max_unavailable)):
        if value is not None and not re.fullmatch(r"\d{1,9}|\d{1,3}%", str(value), re.ASCII):
            expected = "a number of pods or a percentage"
            findings.invalid(f"{at}.{name}", value, expected, "write for example 1 or 50%")


def _check_service(component: ServiceComponent, at: str, findings: Findings) -> None:
    restful = component.service_restful_port or 0
    if not 0 <= restful <= 65535:
        place = f"{at}.serviceRestfulPort"
        findings.invalid(place, restful, "a port from 0 to 65535", "write one of these")
    taken = {_HEALTH_PORT: "the metrics"}
    for name, port in (("port", component.port or _DEFAULT_PORT), ("serviceRestfulPort", restful)):
        if port in taken:
            expected = f"a port other than that of {taken[port]}"
            findings.invalid(f"{at}.{name}", port, expected, "take another port")
        if port:
            taken[port] = name
    if component.ingress is not None:
        _check_ingress(component.ingress, f"{at}.ingress", findings)


def _check_ingress(ingress: Ingress, at: str, findings: Findings) -> None:
    if not ingress.hosts:
        findings.warn(
            f"{at}.hosts", "found none, expected host names: requests for every host come to Milvus"
        )
    for index, host in enumerate(ingress.hosts):
        if not _HOST.fullmatch(host):
            expected = "a host name in lower-case letters, without scheme, port or path"
            findings.invalid(f"{at}.hosts[{index}]", host, expected, "write for example milvus.example.com")
    for secret, hosts in ingress.tls_secret_refs.items():
        for host in hosts:
            if host not in ingress.hosts:
                place = f"{at}.tlsSecretRefs.{secret}"
                findings.warn(
                    place, f"found {host!r}, expected one of hosts; add it to hosts or remove it here"
                )


def _check_groups(component: GroupedComponent, at: str, findings: Findings) -> None:
    if not component.groups:
        return
    if component.replicas not in (None, -1, 0):
        findings.unsupported(f"{at}.replicas", "each group has its own number of pods")
    seen: set[str] = set()
    for index, group in enumerate(component.groups):
        place = f"{at}.groups[{index}]"
        if group.name in seen:
            findings.invalid(
                f"{place}.name", group.name, "a name that no other group has", "take another name"
            )
        seen.add(group.name)
        _check_group(group, place, findings)


def _check_group(group: Group, at: str, findings: Findings) -> None:
    if not _LABEL.fullmatch(group.name):
        expected = "at most 63 lower-case letters, digits and hyphens"
        findings.invalid(f"{at}.name", group.name, expected, "write for example zone-a")
    _check_number(group.replicas, f"{at}.replicas", findings)
    check_env(group.extra_env, f"{at}.extraEnv", findings)
    check_spread(group.topology_spread_constraints, f"{at}.topologySpreadConstraints", findings)
    for name in sorted(RESERVED_LABELS.intersection(group.labels or {})):
        findings.invalid(f"{at}.labels.{name}", name, "no label that the operator uses itself", "remove it")
