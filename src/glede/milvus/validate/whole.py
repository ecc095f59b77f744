"""Checks of a manifest as a whole: its name, its version, its fields, and what has no effect here."""

import difflib
import re
from collections.abc import Iterator

from glede.api.milvus.components import Components, field_of
from glede.api.milvus.spec import Milvus
from glede.milvus.switches import DEFRAGMENTATION, DEFRAGMENTATION_WORDS, SNAPSHOT_WORDS, SNAPSHOTS
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.versions import COORDINATORS, Version, doubtful, parse_version, refused

COMPONENTS = (
    *("proxy", "mixcoord", *COORDINATORS, "datanode", "querynode", "indexnode"),
    *("streamingnode", "cdc", "standalone"),
)
SPEC = "spec.components"

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
# A Service has at most 63 characters in its name: NAME-milvus. A StatefulSet has at most 52, since its pods
# have a label of that name and a hash: NAME-minio and NAME-kafka are the longest.
_LONGEST = 63 - len("-milvus")
_LONGEST_WITH_IN_CLUSTER = 52 - len("-minio")
_DURATION = re.compile(r"0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?", re.ASCII)
_QUEUES_WITHOUT_ROLLING = ("rocksmq", "natsmq")


def check_name(milvus: Milvus, findings: Findings) -> None:
    """Check that every derived object can be named."""
    name = milvus.metadata.name
    dependencies = milvus.spec.dependencies
    kafka = dependencies.msg_stream_type == "kafka" and not dependencies.kafka.external
    in_cluster = kafka or not (dependencies.etcd.external and dependencies.storage.external)
    longest = _LONGEST_WITH_IN_CLUSTER if in_cluster else _LONGEST
    if len(name) > longest:
        why = "what it stands on" if in_cluster else "its Service"
        expected = f"at most {longest} characters, so that {why} can be named after it"
        findings.invalid(
            "metadata.name", name, expected, f"take a name that is {len(name) - longest} shorter"
        )
    elif not _SERVICE_NAME.fullmatch(name):
        expected = "lower-case letters, digits and hyphens, with a letter first"
        findings.invalid("metadata.name", name, expected, "take a name that a Service can have")


def check_version(milvus: Milvus, version: Version, findings: Findings) -> None:
    """Check the version that the manifest comes to."""
    components = milvus.spec.components
    at = f"{SPEC}.version" if components.version else f"{SPEC}.image"
    if message := refused(version):
        findings.refuse(at, message)
    elif message := doubtful(version):
        findings.warn(at, message)
    for name in COMPONENTS:
        component = components.component(name)
        if component is None or not component.image:
            continue
        own = parse_version(component.version, component.image)
        if own.told and version.told and own.line != version.line:
            message = f"is of version {own} among {version}; one Milvus has one version, remove it"
            findings.warn(f"{SPEC}.{field_of(name)}.image", message)


def check_fields(milvus: Milvus, findings: Findings) -> None:
    """Tell the fields that nobody knows, with the known one that is nearest."""
    for place, model in milvus.spec.sections("spec"):
        known = model.fields()
        for name in model.model_extra or {}:
            close = difflib.get_close_matches(name, known, n=1)
            elsewhere = name in Components.fields() and place == "spec"
            remedy = f"did you mean {close[0]}?" if close else "remove it; it has no effect"
            findings.unknown(f"{place}.{name}", f"did you mean {SPEC}.{name}?" if elsewhere else remedy)


def check_presence(milvus: Milvus, version: Version, findings: Findings) -> None:
    """Tell the components that are written and do not run in this mode and version."""
    written = [name for name in COMPONENTS if milvus.spec.components.component(name) is not None]
    for name in written:
        why = _absent(name, written, version, cluster=milvus.spec.mode == "cluster")
        if why:
            findings.unsupported(f"{SPEC}.{field_of(name)}", why)
    if milvus.spec.mode == "cluster":
        _check_late(version, written, findings)


def _absent(name: str, written: list[str], version: Version, *, cluster: bool) -> str | None:
    if not cluster:
        return None if name == "standalone" else "mode standalone is one process, spec.components.standalone"
    if name == "standalone":
        return "mode cluster has no standalone"
    if version.streaming:
        return _gone(name, version)
    if name in COORDINATORS and "mixcoord" in written:
        return "mixCoord is all coordinators in one"
    if name == "cdc" and version.told:
        return f"Milvus {version} has no cdc; it came with 2.6.6"
    return None


def _gone(name: str, version: Version) -> str | None:
    if name in COORDINATORS:
        return f"Milvus {version} has one coordinator, mixCoord"
    if name == "indexnode":
        return f"Milvus {version} builds indexes in its data nodes, and has no index nodes"
    return None


def _check_late(version: Version, written: list[str], findings: Findings) -> None:
    """Check components that came later than the version in use."""
    if "cdc" in written and version.streaming and not version.has_cdc:
        findings.invalid(
            f"{SPEC}.cdc", Words(f"Milvus {version}"), "2.6.6 or newer", "remove cdc, or take a newer image"
        )
    if "streamingnode" not in written or version.streaming or not version.told:
        return
    at = f"{SPEC}.streamingNode"
    if version.minor < 5:
        expected = "2.6 or newer, where streaming nodes came"
        findings.invalid(
            at, Words(f"Milvus {version}"), expected, "remove streamingNode, or take a newer image"
        )
    else:
        findings.warn(at, f"streaming nodes are not finished in Milvus {version}; take 2.6 or newer for them")


def check_annotations(milvus: Milvus, findings: Findings) -> None:
    """Check the annotations that are words of a few."""
    for name, words in ((SNAPSHOTS, SNAPSHOT_WORDS), (DEFRAGMENTATION, DEFRAGMENTATION_WORDS)):
        findings.one_of(f"metadata.annotations[{name}]", milvus.metadata.annotations.get(name), words)


def check_rollout(milvus: Milvus, version: Version, findings: Findings) -> None:
    """Check what is said about rollouts, and tell what of it has no effect."""
    components = milvus.spec.components
    standalone = milvus.spec.mode == "standalone"
    derived = "rocksmq" if standalone and version.told and not version.streaming else ""
    log = milvus.spec.dependencies.msg_stream_type or derived
    if components.enable_rolling_update and log in _QUEUES_WITHOUT_ROLLING:
        expected = f"false with the log {log}, which two processes cannot share"
        findings.invalid(f"{SPEC}.enableRollingUpdate", True, expected, "set it to false, or use another log")
    if components.metric_interval and not _DURATION.fullmatch(components.metric_interval):
        at = f"{SPEC}.metricInterval"
        findings.invalid(at, components.metric_interval, "a time such as 30s", "write a number and s, m or h")
    for name, why, remedy in _without_effect(milvus, version):
        findings.unsupported(name, why, remedy)


def _without_effect(milvus: Milvus, version: Version) -> Iterator[tuple[str, str, str]]:
    components = milvus.spec.components
    if components.rolling_mode not in (None, 2, 3):
        why = f"found {components.rolling_mode}, expected 2 or 3; every component has one Deployment here"
        yield f"{SPEC}.rollingMode", why, "remove it"
    if components.dummy_image not in (None, "", "dummy"):
        yield f"{SPEC}.dummyImage", "there is no idle second Deployment", "remove it"
    if components.enable_manual_mode:
        yield (
            f"{SPEC}.enableManualMode",
            "there is no manual mode",
            "set replicas: -1 to leave the number of pods alone",
        )
    if components.active_config_map not in (None, "", milvus.metadata.name):
        yield f"{SPEC}.activeConfigMap", "new pods read the newest settings", "remove it"
    if components.streaming_mode is not None and components.streaming_mode != version.streaming:
        yield f"{SPEC}.streamingMode", f"the version decides it, which is {version}", "remove it"
    if milvus.spec.dependencies.tei.enabled:
        yield (
            "spec.dependencies.tei.enabled",
            "Text Embeddings Inference is not run yet",
            "run it beside Milvus",
        )
