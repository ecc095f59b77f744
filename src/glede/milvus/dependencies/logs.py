"""Which log a Milvus writes to: as written, as it has been, else by its mode and version."""

from glede.milvus.dependencies.plan import Asked

FIELD = "dependencies.msgStreamType"
_WRITTEN_FIELD = f"spec.{FIELD}"
_STANDALONE_ONLY = {"rocksmq", "natsmq"}
_TYPES = {"pulsar", "kafka", "woodpecker", "rocksmq", "natsmq", "custom"}


def log_type(asked: Asked) -> str:
    """Give the log's type, and tell where it was derived or cannot be."""
    found: str = asked.milvus.spec.dependencies.msg_stream_type
    if not found:
        found, reason = _derived(asked)
        asked.notes.derive(FIELD, found, reason)
    if asked.cluster and found in _STANDALONE_ONLY:
        message = (
            f"found {found}, which lives in one pod, in mode cluster; set kafka, or woodpecker since 2.6"
        )
        asked.notes.invalid(_WRITTEN_FIELD, message)
    if found == "woodpecker" and asked.version.told and not asked.version.streaming:
        message = f"found woodpecker with Milvus {asked.version}, expected 2.6 or newer; set kafka or rocksmq"
        asked.notes.invalid(_WRITTEN_FIELD, message)
    _tell_unused(asked, found)
    return found


def _derived(asked: Asked) -> tuple[str, str]:
    """Derive it once: entries that are not flushed are in the log, so a later version takes the same."""
    earlier = _earlier(asked)
    if earlier:
        return earlier, "as it has been; another log would lose what is not flushed"
    spec = asked.milvus.spec.dependencies
    for name, external in (
        ("kafka", spec.kafka.external),
        ("pulsar", spec.pulsar.external),
        ("woodpecker", spec.woodpecker.external),
    ):
        if external:
            return name, f"{name}.external is set"
    if asked.version.streaming:
        return "woodpecker", f"Milvus {asked.version} brings it, on the object store"
    if not asked.cluster:
        return "rocksmq", f"mode standalone with Milvus {asked.version}"
    return "kafka", f"mode cluster with Milvus {asked.version}; Pulsar is not run by this operator"


def _earlier(asked: Asked) -> str | None:
    for entry in asked.milvus.status.get("resolved") or ():
        if isinstance(entry, dict) and entry.get("field") == FIELD and entry.get("value") in _TYPES:
            return str(entry["value"])
    return "kafka" if "dependencies.kafka.replicas" in asked.facts.earlier else None


def _tell_unused(asked: Asked, found: str) -> None:
    """Tell of logs that are described and not used."""
    spec = asked.milvus.spec.dependencies
    described = {
        "kafka": (spec.kafka.in_cluster, "remove it, or set msgStreamType: kafka"),
        "pulsar": (spec.pulsar.in_cluster, "remove it: this operator runs no Pulsar"),
    }
    for name, (in_cluster, remedy) in described.items():
        if in_cluster is not None and name != found:
            message = f"has no effect, since the log is {found}; {remedy}"
            asked.notes.unsupported(f"spec.dependencies.{name}.inCluster", message)
