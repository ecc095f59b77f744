"""External dependencies: which question each one is asked, and what it answered last."""

from collections.abc import Mapping
from dataclasses import dataclass

from glede.milvus.observed import Answer
from glede.milvus.probe import Prober, probe_target
from glede.milvus.resolved import Dependency, DependencyKind, Resolved
from glede.milvus.secretreader import SecretValue, data_of


@dataclass(frozen=True, slots=True)
class Externals:
    """Asks the external dependencies of Milvuses, off the reconcile path."""

    prober: Prober

    def answers(self, resolved: Resolved, values: Mapping[str, SecretValue]) -> dict[DependencyKind, Answer]:
        """Give what is known of each external dependency now; what is not known yet is being asked."""
        external = [d for d in resolved.dependencies if d.in_cluster is None and not d.embedded]
        self.prober.keep(resolved.milvus.metadata.uid, {dependency.kind for dependency in external})
        return {dependency.kind: self._answer(resolved, dependency, values) for dependency in external}

    def _answer(
        self, resolved: Resolved, dependency: Dependency, values: Mapping[str, SecretValue]
    ) -> Answer:
        secrets = data_of(values)
        if dependency.secret and dependency.secret not in secrets:
            words = f"Secret {dependency.secret} does not exist; create it in the same namespace"
            return Answer(False, "SecretNotExist", words)
        result = self.prober.result(probe_target(resolved, dependency, secrets))
        return Answer(None) if result is None else Answer(result.ok, result.reason, result.message)

    def forget(self, uid: str) -> None:
        """Ask no more for a Milvus that is gone."""
        self.prober.forget(uid)
