"""Checks of a change of the mode: all that was written has to be where the new pods look for it."""

from collections.abc import Iterator

from glede.api.milvus.spec import Milvus
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.settings import setting
from glede.milvus.versions import Version

# What is not flushed is in the one pod's volume.
_WITHIN = ("rocksmq", "natsmq", "custom")
_MODE = "spec.mode"
_ANEW = "make a new Milvus with mode: cluster and move the data, by a backup for example"
_PLACES = (
    ("etcd", "rootPath"),
    ("etcd", "metaSubPath"),
    ("minio", "bucketName"),
    ("minio", "rootPath"),
    ("msgChannel", "chanNamePrefix", "cluster"),
)


def check_mode(
    was: str | None, last: Milvus | None, milvus: Milvus, log: tuple[str, str], at: Findings
) -> None:
    """Check a change of the mode of a Milvus that ran in mode ``was``, by the manifest ``last``.

    ``log`` is the type of log of before and of now; "" where that cannot be told.
    """
    if was == "cluster" and milvus.spec.mode == "standalone":
        expected = "cluster, which it runs as"
        remedy = "write mode: cluster; for a standalone Milvus make a new one and move the data"
        at.invalid(_MODE, milvus.spec.mode, expected, remedy)
    if was == "standalone" and milvus.spec.mode == "cluster":
        _check_log(*log, milvus, last, at)
        for field, before, now in _moved(last, milvus) if last else ():
            expected = f"{before}, as the standalone has it: the cluster would not find what that has written"
            at.invalid(field, Words(now), expected, "change the mode alone")


def check_step(was: str | None, earlier: Version, later: Version, milvus: Milvus, at: Findings) -> None:
    """Refuse another release line together with another mode: each of the two has a way back of its own."""
    if was == "standalone" and milvus.spec.mode == "cluster" and earlier.line != later.line:
        expected = f"standalone while the version goes from {earlier} to {later}"
        at.invalid(_MODE, milvus.spec.mode, expected, "upgrade the standalone first, then change the mode")


def _check_log(before: str, now: str, milvus: Milvus, last: Milvus | None, at: Findings) -> None:
    if before in _WITHIN or _is_local(before, milvus) or (last and _is_local(before, last)):
        expected = (
            f"standalone, which it runs as: its log, {before}, is in the standalone's own pod, and rows that "
            "are not flushed would stay there"
        )
        at.invalid(_MODE, milvus.spec.mode, expected, _ANEW)
    elif not before or last is None:
        expected = "standalone until it has run well by a manifest: where its log is cannot be told"
        remedy = "write mode: standalone, wait until MilvusUpdated is True, then change the mode alone"
        at.invalid(_MODE, milvus.spec.mode, expected, remedy)
    elif now and now != before:
        expected = f"{before}, the standalone's log, which has the rows that are not flushed"
        at.invalid("spec.dependencies.msgStreamType", now, expected, f"write {before}, or {_ANEW}")


def _is_local(log: str, milvus: Milvus) -> bool:
    """Tell whether Woodpecker writes to the pod's own disk rather than to the object store."""
    return log == "woodpecker" and setting(milvus.spec.config, "woodpecker", "storage", "type") == "local"


def _moved(last: Milvus, milvus: Milvus) -> Iterator[tuple[str, str, str]]:
    before, now = dict(_places(last)), dict(_places(milvus))
    for field, place in before.items():
        if now[field] != place:
            yield field, place, now[field]


def _places(milvus: Milvus) -> Iterator[tuple[str, str]]:
    of = milvus.spec.dependencies
    ends = {
        "etcd": ", ".join(of.etcd.endpoints) if of.etcd.external else "",
        "storage": (of.storage.endpoint or "") if of.storage.external else "",
        "kafka": ", ".join(of.kafka.broker_list) if of.kafka.external else "",
        "pulsar": (of.pulsar.endpoint or "") if of.pulsar.external else "",
    }
    for name, place in ends.items():
        yield f"spec.dependencies.{name}", place or "one in the cluster"
    for path in _PLACES:
        found = setting(milvus.spec.config, *path)
        yield f"spec.config.{'.'.join(path)}", "the default" if found is None else str(found)
