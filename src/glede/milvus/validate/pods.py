"""Checks of the parts of pods, which the API server sees only when a Deployment is written."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from glede.api.milvus.base import PodPart
from glede.api.milvus.components import PodSettings
from glede.api.milvus.quantity import parse_quantity
from glede.milvus.validate.findings import Findings, Words

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_REMOVED = "_remove"
# Volumes that the operator itself gives its pods begin so, and a manifest may mount them.
_OWN_VOLUMES = ("milvus-", "tools")
_FEWEST_BYTES = Decimal(1024**2)
# The labels by which pods are found belong to the operator.
RESERVED_LABELS = frozenset(
    (
        *(f"app.kubernetes.io/{name}" for name in ("instance", "name", "component", "managed-by")),
        "milvus.io/service",
        "milvus.io/deployment-group",
    )
)


def check_pods(settings: PodSettings, at: str, inherited: PodSettings | None, findings: Findings) -> None:
    """Check one component's settings of pods, or those for all (without ``inherited``)."""
    findings.one_of(f"{at}.imagePullPolicy", settings.image_pull_policy or None, _PULL_POLICIES)
    findings.one_of(f"{at}.dnsPolicy", settings.dns_policy or None, _DNS_POLICIES)
    check_resources(settings.resources, f"{at}.resources", findings)
    check_env(settings.env, f"{at}.env", findings)
    check_spread(settings.topology_spread_constraints, f"{at}.topologySpreadConstraints", findings)
    _check_probes(settings.probes, f"{at}.probes", findings)
    _check_labels(settings.pod_labels, f"{at}.podLabels", findings)
    volumes = settings.volumes if settings.volumes is not None or not inherited else inherited.volumes
    _check_volumes(settings.volumes or (), f"{at}.volumes", findings)
    _check_mounts(settings.volume_mounts or (), _names(volumes or ()), f"{at}.volumeMounts", findings)


def check_resources(resources: PodPart | None, at: str, findings: Findings) -> None:
    """Check quantities, and that limits are not below requests."""
    limits = _quantities(resources, "limits", at, findings)
    requests = _quantities(resources, "requests", at, findings)
    for name in resources or {}:
        if name not in ("limits", "requests", "claims"):
            findings.unknown(f"{at}.{name}", "write limits or requests")
    for name, (written, amount) in requests.items():
        limit, most = limits.get(name, (written, amount))
        if most < amount:
            expected = f"at least the request of {written}"
            findings.invalid(f"{at}.limits.{name}", limit, expected, "raise the limit or lower the request")


def _quantities(
    resources: PodPart | None, kind: str, at: str, findings: Findings
) -> Mapping[str, tuple[Any, Decimal]]:
    found = (resources or {}).get(kind)
    if found is None:
        return {}
    if not isinstance(found, dict):
        findings.invalid(f"{at}.{kind}", found, "a mapping", f"write cpu and memory below {kind}:")
        return {}
    read = {}
    for name, value in found.items():
        place = f"{at}.{kind}.{name}"
        try:
            amount = parse_quantity(value)
        except ValueError:
            findings.invalid(place, value, "a quantity such as 500m or 2Gi", "correct the number or its unit")
            continue
        if amount < 0:
            findings.invalid(place, value, "no negative quantity", "write a positive one")
        elif name == "memory" and 0 < amount < _FEWEST_BYTES:
            findings.invalid(
                place, value, "at least 1Mi, since the unit is bytes", "add a unit such as Mi or Gi"
            )
        else:
            read[name] = (value, amount)
    return read


def check_env(env: Iterable[PodPart] | None, at: str, findings: Findings) -> None:
    """Check environment variables."""
    for place, item in _with(env, at, ("name",), findings):
        value = item.get("value")
        if value is not None and not isinstance(value, str):
            findings.invalid(f"{place}.value", Words("no text"), "a text", "put it in quotes")
        if value and item.get("valueFrom"):
            findings.invalid(
                f"{place}.valueFrom",
                Words("value beside it"),
                "one of value and valueFrom",
                "remove one of the two",
            )


def check_spread(constraints: Iterable[PodPart] | None, at: str, findings: Findings) -> None:
    """Check constraints of topology spread."""
    for _ in _with(constraints, at, ("maxSkew", "topologyKey", "whenUnsatisfiable"), findings):
        continue


def check_containers(containers: Iterable[PodPart] | None, at: str, findings: Findings) -> None:
    """Check sidecars or init containers."""
    for place, container in _with(containers, at, ("name", "image"), findings):
        resources = container.get("resources")
        check_resources(resources if isinstance(resources, dict) else None, f"{place}.resources", findings)


def _with(
    items: Iterable[PodPart] | None, at: str, needed: tuple[str, ...], findings: Findings
) -> Iterator[tuple[str, PodPart]]:
    """Give items with their places, and tell those that lack a field that they need."""
    for index, item in enumerate(items or ()):
        place = f"{at}[{index}]"
        for name in needed:
            if item.get(name) in (None, ""):
                findings.invalid(f"{place}.{name}", None, f"a {name}", "write it")
        yield place, item


def _check_probes(probes: PodPart | None, at: str, findings: Findings) -> None:
    for name, probe in (probes or {}).items():
        place = f"{at}.{name}"
        if name not in _PROBES:
            findings.unknown(place, f"write one of {', '.join(_PROBES)}")
        elif probe is not None and not isinstance(probe, dict):
            findings.invalid(place, probe, "a mapping", f"write httpGet or another check below {name}:")
        elif probe:
            handlers = [handler for handler in _HANDLERS if probe.get(handler) is not None]
            if len(handlers) != 1:
                found = Words(" and ".join(handlers) or "none")
                findings.invalid(place, found, f"exactly one of {', '.join(_HANDLERS)}", "write one of these")


def _check_labels(labels: Mapping[str, str], at: str, findings: Findings) -> None:
    for name in sorted(RESERVED_LABELS.intersection(labels)):
        findings.unsupported(f"{at}.{name}", "the operator finds its pods by this label")


def _names(items: Iterable[PodPart]) -> set[str]:
    return {str(item.get("name")) for item in items}


def _check_volumes(volumes: Iterable[PodPart], at: str, findings: Findings) -> None:
    seen: set[str] = set()
    for place, volume in _with(volumes, at, ("name",), findings):
        sources = [name for name, value in volume.items() if name != "name" and value is not None]
        if len(sources) != 1:
            found = Words(" and ".join(sources) or "no source")
            findings.invalid(
                place, found, "a name and exactly one source", "add for example secret: or emptyDir: {}"
            )
        name = str(volume.get("name"))
        if name in seen:
            findings.invalid(f"{place}.name", name, "a name that no other volume has", "take another one")
        seen.add(name)


def _check_mounts(mounts: Iterable[PodPart], volumes: set[str], at: str, findings: Findings) -> None:
    for place, mount in _with(mounts, at, ("name", "mountPath"), findings):
        name = str(mount.get("name") or _REMOVED)
        if name != _REMOVED and name not in volumes and not name.startswith(_OWN_VOLUMES):
            findings.invalid(
                f"{place}.name", name, "the name of a volume", "add the volume, or correct the name"
            )
