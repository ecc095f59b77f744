"""Each field of a manifest must show in an object: found there by hand, not by what renders it."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from glede.api.milvus.quantity import parse_quantity
from glede.kube.objects import Object
from glede.milvus.desired import Ref
from glede.milvus.labels import COMPONENT_LABEL

Live = Mapping[Ref, Object]


def unheeded(spec: Object, live: Live) -> str:
    """Tell which fields of a manifest show nowhere; "" for none."""
    return "; ".join([*_components(spec, live), *_door(spec, live), *_config(spec, live), *_own(spec, live)])


def _components(spec: Object, live: Live) -> Iterator[str]:
    everywhere = spec.get("components", {})
    for ref, body in live.items():
        if ref.kind != "Deployment":
            continue
        name = body["metadata"]["labels"][COMPONENT_LABEL]
        own: Object = next((value for field, value in everywhere.items() if field.lower() == name), {})
        if own.get("groups"):
            continue
        for what, found, expected in _of_pods(everywhere, own, body):
            if found != expected:
                yield f"{name}: {what}: found {found}, expected {expected}"
        if (
            own.get("replicas", -1) >= 0
            and not own.get("hpa")
            and body["spec"]["replicas"] != own["replicas"]
        ):
            yield f"{name}: {body['spec']['replicas']} replicas, expected {own['replicas']}"


def _of_pods(everywhere: Object, own: Object, body: Object) -> Iterator[tuple[str, Any, Any]]:
    """Give what of the pods is as written: field, what is there, what is expected."""
    template = body["spec"]["template"]
    pod, main = template["spec"], template["spec"]["containers"][0]
    for field, place in (("podLabels", "labels"), ("podAnnotations", "annotations")):
        wanted = own.get(field, {}) | everywhere.get(field, {})
        yield field, {name: template["metadata"][place].get(name) for name in wanted}, wanted
    env = {item["name"]: item.get("value") for item in main["env"]}
    given = {item["name"]: item["value"] for part in (everywhere, own) for item in part.get("env", [])}
    yield "env", {name: env.get(name) for name in given}, given
    for field in ("nodeSelector", "tolerations"):
        wanted = own.get(field) or everywhere.get(field)
        yield field, pod.get(field) or None, wanted or None
    for field, found in (("image", main["image"]), ("commands", main["args"])):
        if wanted := own.get(field) or everywhere.get(field):
            yield field, found, wanted
    resources = own.get("resources", everywhere.get("resources"))
    if resources is not None:
        yield "resources", _amounts(main.get("resources", {})), _amounts(resources)
    if (seconds := own.get("terminationGracePeriodSeconds")) is not None:
        yield "terminationGracePeriodSeconds", pod["terminationGracePeriodSeconds"], seconds
    sidecars = {item["name"] for item in own.get("sidecars", [])}
    yield "sidecars", {item["name"] for item in pod["containers"][1:]}, sidecars


def _amounts(resources: Object) -> dict[str, Any]:
    return {
        f"{kind}.{name}": parse_quantity(value)
        for kind, amounts in resources.items()
        for name, value in amounts.items()
        # A limit without a request is given as the request too.
        if kind == "limits" or name not in resources.get("limits", {})
    }


def _door(spec: Object, live: Live) -> Iterator[str]:
    mode = spec.get("mode", "standalone")
    own = spec.get("components", {}).get("proxy" if mode == "cluster" else "standalone", {})
    for ref, body in live.items():
        ours = ref.key.name.endswith("-milvus")
        if ref.kind == "Service" and ours:
            ports = {port["port"] for port in body["spec"]["ports"]}
            wanted = {own.get("port") or 19530, own.get("serviceRestfulPort") or 9091}
            if body["spec"]["type"] != own.get("serviceType", "ClusterIP") or not wanted <= ports:
                yield f"Service: {body['spec']['type']} {ports}, expected {own.get('serviceType')} {wanted}"
            if not own.get("serviceLabels", {}).items() <= body["metadata"]["labels"].items():
                yield f"Service: labels {body['metadata']['labels']}, expected {own['serviceLabels']}"
        if ref.kind == "Ingress" and ours:
            hosts = [rule["host"] for rule in body["spec"].get("rules", [])]
            if hosts != own.get("ingress", {}).get("hosts", []):
                yield f"Ingress: {hosts}, expected {own.get('ingress')}"
    there = any(ref.kind == "Ingress" for ref in live)
    if there != (own.get("ingress") is not None):
        yield f"Ingress: {'there' if there else 'not there'}, expected {own.get('ingress')}"


def _config(spec: Object, live: Live) -> Iterator[str]:
    found = next(body for ref, body in live.items() if ref.kind == "ConfigMap")
    settings = yaml.safe_load(found["data"]["user.yaml"])
    for path, value in _leaves(spec.get("config", {})):
        there: Any = settings
        for name in path:
            there = there.get(name) if isinstance(there, dict) else None
        secret = path[-1] == "defaultRootPassword"
        if there != (None if secret else value):
            yield f"config.{'.'.join(path)}: found {there!r}, expected {value!r}"
        if secret and not any(ref.kind == "Secret" and ref.key.name.endswith("-config") for ref in live):
            yield f"config.{'.'.join(path)}: in no Secret"


def _leaves(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, (*at, name))
    else:
        yield at, value


def _own(spec: Object, live: Live) -> Iterator[str]:
    """Look at what the operator runs beside Milvus."""
    for field, name in (("etcd", "etcd"), ("storage", "minio"), ("kafka", "kafka")):
        values = spec.get("dependencies", {}).get(field, {}).get("inCluster", {}).get("values", {})
        for ref, body in live.items():
            if ref.kind != "StatefulSet" or not ref.key.name.endswith(f"-{name}"):
                continue
            template = body["spec"]["template"]
            for what, place in (("podLabels", "labels"), ("podAnnotations", "annotations")):
                there = template["metadata"].get(place, {}).items()
                if not values.get(what, {}).items() <= there:
                    yield f"{name}: {what}: {there}, expected {values[what]}"
            if (template["spec"].get("nodeSelector") or {}) != (values.get("nodeSelector") or {}):
                yield f"{name}: nodeSelector {template['spec'].get('nodeSelector')}"
