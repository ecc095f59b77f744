"""Where a Milvus's sessions are."""

from collections.abc import Mapping

from glede.milvus.probe import probe_target, session_prefix
from glede.milvus.resolved import Resolved
from glede.milvus.sessions.registry import Registry

# Leaves the sessions of dead processes to their leases, as Milvus alone does.
KEEP_SESSIONS = "glede.io/keep-sessions"


def registry_of(resolved: Resolved, secrets: Mapping[str, Mapping[str, bytes]]) -> Registry | None:
    """Give it; None where etcd is within Milvus, or where the manifest wants sessions to be left alone.

    ``secrets`` are the Secrets that the manifest names and that exist: name to key to value.
    """
    if resolved.etcd.embedded or resolved.milvus.metadata.annotations.get(KEEP_SESSIONS) == "true":
        return None
    return Registry(probe_target(resolved, resolved.etcd, secrets), session_prefix(resolved.milvus))
