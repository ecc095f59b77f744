"""Checks of ``spec.config``: sections that Milvus reads as mappings, and settings that have another place."""

import re
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.validate.findings import Findings, Words

# The sections of milvus.yaml from 2.2 to 3.0.
_SECTIONS = frozenset(
    (
        *("etcd", "metastore", "tikv", "localStorage", "minio"),
        *("mq", "msgChannel", "woodpecker", "pulsar", "rocksmq", "natsmq", "kafka"),
        *("mixCoord", "rootCoord", "queryCoord", "indexCoord", "dataCoord"),
        *("proxy", "queryNode", "indexNode", "dataNode", "streamingNode", "streaming", "cdc"),
        *("log", "grpc", "tls", "internaltls", "common", "quotaAndLimits", "trace", "gpu"),
        *("autoIndex", "knowhere", "function", "credential"),
    )
)
_TEXTS = (("etcd", "rootPath"), ("minio", "bucketName"), ("minio", "rootPath"))
# What the operator writes itself, since it knows where the dependencies are.
_SET_BY_DEPENDENCIES: dict[tuple[str, ...], str] = {
    ("etcd", "endpoints"): "etcd",
    ("minio", "address"): "storage",
    ("minio", "port"): "storage",
    ("pulsar", "address"): "pulsar",
    ("pulsar", "port"): "pulsar",
    ("kafka", "brokerList"): "kafka",
    ("mq", "type"): "msgStreamType",
    ("messageQueue",): "msgStreamType",
}
_OF_THE_LOG = frozenset({"pulsar", "kafka", "msgStreamType"})
# What S3, Azure and MinIO take; Google's buckets may be longer, with dots and underscores.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_BUCKET_ELSEWHERE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]", re.ASCII)


def check_settings(milvus: Milvus, findings: Findings) -> None:
    """Check the settings of Milvus."""
    config = milvus.spec.config
    for name, value in config.items():
        if name in _SECTIONS and value is not None and not isinstance(value, dict):
            expected = "a mapping of settings"
            found = "a list" if isinstance(value, list) else "a single value"
            findings.invalid(
                f"spec.config.{name}", Words(found), expected, f"write the settings below {name}:"
            )
    for section, name in _TEXTS:
        value = setting(config, section, name)
        if isinstance(value, dict | list):
            findings.invalid(f"spec.config.{section}.{name}", value, "a text", "write it on the same line")
    _check_bucket(milvus, findings)
    custom = milvus.spec.dependencies.msg_stream_type == "custom"
    for path, name in _SET_BY_DEPENDENCIES.items():
        if setting(config, *path) not in (None, "") and not (custom and name in _OF_THE_LOG):
            where = f"spec.dependencies.{name}"
            findings.unsupported(
                f"spec.config.{'.'.join(path)}", f"it comes from {where}", f"write it in {where}"
            )


def _check_bucket(milvus: Milvus, findings: Findings) -> None:
    bucket = setting(milvus.spec.config, "minio", "bucketName")
    if bucket is None or isinstance(bucket, dict | list):
        return
    external = milvus.spec.dependencies.storage.external
    if not (_BUCKET_ELSEWHERE if external else _BUCKET).fullmatch(str(bucket)):
        expected = "3 to 63 lower-case letters, digits and hyphens"
        findings.invalid("spec.config.minio.bucketName", bucket, expected, "take another name for the bucket")


def setting(config: Any, *path: str) -> Any:
    """Give a setting by its path; None where it is not written."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config
