"""Checks of what a manifest changes in a Milvus that runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.api.milvus.quantity import parse_quantity
from glede.api.milvus.spec import Milvus
from glede.milvus.resolved import Problem
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.mode import check_mode, check_step
from glede.milvus.validate.whole import SPEC
from glede.milvus.versions import DEFAULT_IMAGE, Version, parse_version

# The last step before 2.6: it writes the metadata that 2.6 reads.
_BEFORE_STREAMING = Version(2, 5, 16)
_DOWNGRADES = ("rollingDowngrade", "all", "force")
_FIELDS = {"etcd": "etcd", "storage": "storage", "log": "kafka"}


@dataclass(frozen=True, slots=True)
class Before:
    """What a Milvus was at last: its version, mode, and the size of its volumes.

    ``volumes`` are by kind of dependency (etcd, storage, log), for example ``10Gi``. ``log`` is the type of
    its log ("": not known), ``manifest`` the one that it last ran well by.
    """

    version: str | None = None
    mode: str | None = None
    volumes: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    manifest: Milvus | None = None


def changes(before: Before, milvus: Milvus, usual: str = DEFAULT_IMAGE, log: str = "") -> list[Problem]:
    """Give what may not be changed so in a Milvus that runs.

    ``usual`` is its image where none is written, ``log`` the type of its log as the manifest has it.
    """
    findings = Findings()
    logs = before.log, log or milvus.spec.dependencies.msg_stream_type
    check_mode(before.mode, before.manifest, milvus, logs, findings)
    if before.version:
        later = parse_version(milvus.spec.components.version, milvus.spec.components.image or usual)
        check_step(before.mode, parse_version(before.version, None), later, milvus, findings)
        _check_step(parse_version(before.version, None), milvus, usual, findings)
    for kind, name in _FIELDS.items():
        if kind in before.volumes:
            _check_volume(before.volumes[kind], name, milvus, findings)
    return findings.problems


def _check_step(earlier: Version, milvus: Milvus, usual: str, findings: Findings) -> None:
    components = milvus.spec.components
    later = parse_version(components.version, components.image or usual)
    at = f"{SPEC}.version" if components.version else f"{SPEC}.image"
    if not (earlier.told and later.told):
        return
    if (later.major, later.minor) < (earlier.major, earlier.minor):
        if components.image_update_mode in _DOWNGRADES:
            findings.warn(at, f"goes back from {earlier} to {later}, which may not read what {earlier} wrote")
        else:
            expected = f"{earlier.line} or newer, since an older line may not read what {earlier} wrote"
            remedy = "restore a backup into a new Milvus, or set imageUpdateMode: rollingDowngrade to insist"
            findings.invalid(at, Words(later), expected, remedy)
    elif later.streaming and earlier < _BEFORE_STREAMING:
        expected = f"{_BEFORE_STREAMING} first, the only step from {earlier} to {later.line}"
        findings.invalid(
            at, Words(later), expected, f"upgrade to {_BEFORE_STREAMING} or a later 2.5, then to this"
        )


def _check_volume(size: str, name: str, milvus: Milvus, findings: Findings) -> None:
    section: Any = getattr(milvus.spec.dependencies, name).in_cluster
    persistence = section.values.get("persistence") if section else None
    wanted = persistence.get("size") if isinstance(persistence, dict) else None
    if wanted is None:
        return
    try:
        asked, running = parse_quantity(wanted), parse_quantity(size)
    except ValueError:
        return
    at = f"spec.dependencies.{name}.inCluster.values.persistence.size"
    if asked < running:
        findings.invalid(at, wanted, f"{size}, since a volume cannot shrink", f"write {size}")
