"""Asks what is loaded, for as long as a scale-in of query nodes depends on it, beside the reconciling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from glede.milvus.loads.catalogue import Needed
from glede.milvus.observed import Loads
from glede.milvus.probe import Pace, Prober, meta_prefix, probe_target
from glede.milvus.resolved import Resolved
from glede.milvus.secretreader import SecretValue, data_of

# Somebody may load more at any time: an answer must not be older than a few seconds when a pod goes by it.
PACE = Pace(healthy=3.0, limit=8)


@dataclass(frozen=True, slots=True)
class LoadReader:
    """Tells what the loaded data of Milvuses need; ``prober`` asks by ``ask_needed``."""

    prober: Prober

    def loads(self, resolved: Resolved, values: Mapping[str, SecretValue]) -> Loads | None:
        """Give what is known now; None while it is being asked for the first time."""
        if resolved.etcd.embedded:
            return Loads(None, why="etcd is a part of Milvus")
        if not resolved.version.told:
            return Loads(None, why="no version of Milvus is told; set spec.components.version")
        if not resolved.version.loads_known:
            return Loads(None, why=f"it is not known where Milvus {resolved.version} notes what is loaded")
        secrets = data_of(values)
        target = replace(probe_target(resolved, resolved.etcd, secrets), prefix=meta_prefix(resolved.milvus))
        result = self.prober.result(target)
        if result is None:
            return None
        if isinstance(result, Needed):
            return Loads(result.nodes, result.collection)
        return Loads(None, why=result.message)

    def forget(self, uid: str) -> None:
        """Ask no more for a Milvus: nothing depends on it."""
        self.prober.forget(uid)
