"""What has to be written into a manifest so that what runs stays as it is.

milvus-operator writes its defaults into the spec, and most of them are followed as they stand. What it leaves
out is pinned where a default of ours is another one. What it had Helm install is taken as external: it runs
on as it is, at the addresses that Milvus knows it by.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glede.api.milvus.components import field_of
from glede.api.milvus.spec import Milvus
from glede.milvus.labels import COMPONENT_LABEL, GROUP_LABEL
from glede.milvus.resolved import Problem
from glede.milvus.takeover.found import Found, Object, container_of, labels_of, name_of, wanted

_DEPENDENCIES = "dependencies"
_STAYS = "what Helm installed stays as it is, and is used from outside"


@dataclass(frozen=True, slots=True)
class Edit:
    """A field of the spec, its new value, and why."""

    field: str
    value: Any
    reason: str


def edits_of(milvus: Milvus, found: Found, settings: Mapping[str, Any]) -> list[Edit]:
    """Give the edits; ``settings`` are those that the pods of now read."""
    return [
        *_dependencies(milvus, found, settings),
        *_log_type(milvus, settings),
        *_components(milvus, found),
    ]


def spec_patch(edits: list[Edit]) -> Object:
    """Give the merge patch of the spec that makes the edits."""
    patch: Object = {}
    for edit in edits:
        place = patch
        *above, last = edit.field.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = edit.value
    return patch


def shown(value: Any) -> str:
    """Give a value in words."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def missing_releases(milvus: Milvus, found: Found, settings: Mapping[str, Any]) -> Iterator[Problem]:
    """Tell the dependencies of which nothing is there that Helm installed: nobody knows what Milvus uses."""
    for name, field in _installed_ones(milvus, settings):
        if not found.release(name):
            message = (
                f"is false, and there is no workload of the Helm release {found.name}-{name}; where it is, "
                "is not known; set external: true and write its address"
            )
            yield Problem("invalid", f"spec.{_DEPENDENCIES}.{field}.external", message)


def _installed_ones(milvus: Milvus, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the dependencies that Helm installed: the end of the release's name, and the field."""
    spec = milvus.spec.dependencies
    if not spec.etcd.external:
        yield "etcd", "etcd"
    if not spec.storage.external:
        yield "minio", "storage"
    log = _log(milvus, settings)
    if log == "pulsar" and not spec.pulsar.external:
        yield "pulsar", "pulsar"
    if log == "kafka" and not spec.kafka.external:
        yield "kafka", "kafka"


def _dependencies(milvus: Milvus, found: Found, settings: Mapping[str, Any]) -> Iterator[Edit]:
    spec, name, place = milvus.spec.dependencies, found.name, found.namespace
    servers = sum(wanted(item) for item in found.release("etcd"))
    addresses: dict[str, tuple[tuple[str, Any, Any], ...]] = {
        "etcd": (
            (
                "endpoints",
                spec.etcd.endpoints,
                [f"{name}-etcd-{n}.{name}-etcd-headless.{place}:2379" for n in range(servers)],
            ),
        ),
        "storage": (
            ("endpoint", spec.storage.endpoint, f"{name}-minio.{place}:9000"),
            ("secretRef", spec.storage.secret_ref, f"{name}-minio"),
        ),
        "pulsar": (("endpoint", spec.pulsar.endpoint, f"{name}-pulsar-proxy.{place}:6650"),),
        "kafka": (("brokerList", spec.kafka.broker_list, [f"{name}-kafka.{place}:9092"]),),
    }
    for _, field in _installed_ones(milvus, settings):
        yield Edit(f"{_DEPENDENCIES}.{field}.external", True, _STAYS)
        for part, written, usual in addresses[field]:
            if not written:
                yield Edit(f"{_DEPENDENCIES}.{field}.{part}", usual, "where milvus-operator puts it")


def _log_type(milvus: Milvus, settings: Mapping[str, Any]) -> Iterator[Edit]:
    log = _log(milvus, settings)
    if log and not milvus.spec.dependencies.msg_stream_type:
        yield Edit(f"{_DEPENDENCIES}.msgStreamType", log, "the log that it has")


def _log(milvus: Milvus, settings: Mapping[str, Any]) -> str:
    """Give the log's type: as written, else as the pods of now have it; "" where nothing tells."""
    section = settings.get("mq")
    running = section.get("type") if isinstance(section, Mapping) else None
    return milvus.spec.dependencies.msg_stream_type or str(settings.get("messageQueue") or running or "")


def _components(milvus: Milvus, found: Found) -> Iterator[Edit]:
    components = milvus.spec.components
    running = [item for item in found.deployments if wanted(item)]
    names = [labels_of(item).get(COMPONENT_LABEL, "") for item in running]
    if not components.image:
        images = [container_of(item, name).get("image") for item, name in zip(running, names, strict=True)]
        image = milvus.status.get("currentImage") or next(iter(images), None)
        if image:
            yield Edit("components.image", image, "the image that runs")
    if components.resources is None:
        reason = "it runs without requests and limits; the operator's defaults might be too small"
        yield Edit("components.resources", {}, reason)
    for item, name in zip(running, names, strict=True):
        own = components.component(name) if name else None
        if name and GROUP_LABEL not in labels_of(item) and (own is None or own.replicas is None):
            yield Edit(
                f"components.{field_of(name)}.replicas", wanted(item), f"as many as {name_of(item)} has"
            )
