"""What the canary search of a Milvus tells now, for as long as its manifest wants one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from glede.milvus.canarysearch.record import verdict
from glede.milvus.canarysearch.target import canary_target
from glede.milvus.canarysearch.watch import CanaryWatch, Turn
from glede.milvus.desired import Desired
from glede.milvus.observed import TOLD, Observed, Searched
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import LAST_HEALTHY
from glede.milvus.rollout import rollout
from glede.milvus.secretreader import SecretValue, data_of

_ANY = "?"


@dataclass(frozen=True, slots=True)
class CanaryReader:
    """Tells what the searches of a watch mean for rollouts."""

    watch: CanaryWatch

    def watched(
        self, resolved: Resolved, wanted: Desired, observed: Observed, values: Mapping[str, SecretValue]
    ) -> Observed:
        """Give a snapshot with what is known of the search, which may shut its gate."""
        canary = self.canary(resolved, wanted, observed, values)
        return replace(observed.kept_by(canary.shut), searched=canary)

    def canary(
        self, resolved: Resolved, wanted: Desired, observed: Observed, values: Mapping[str, SecretValue]
    ) -> Searched:
        """Give what is known now; nothing where no search is wanted, or there is nothing to search yet."""
        milvus = resolved.milvus
        rules, told = milvus.spec.components.rollout, milvus.status.get(TOLD) or {}
        if not milvus.status.get("currentImage"):
            return Searched()
        target = canary_target(resolved, data_of(values))
        if not rules.canary_search.enabled:
            # The status tells of it until the collection is dropped: another operator would have to do that.
            return Searched(told=told if told and not self.watch.leave(target) else {})
        if resolved.stopped:
            self.watch.forget(target.uid)
            return Searched(told=told)
        generation = milvus.metadata.generation
        proven = (milvus.status.get(LAST_HEALTHY) or {}).get("generation") == generation
        # With the gate shut the rollout tells of each step whether the one before it is over.
        turns = rollout(resolved, wanted, replace(observed, gate=_ANY))
        rolling = bool(turns.at or turns.waiting or not proven)
        turn = Turn(turns.at, rolling, generation, proven)
        record = self.watch.record(target, turn, told)
        deadline = rules.progress_deadline_seconds
        return verdict(record, generation, deadline, self.watch.moment(), proven=proven)

    def forget(self, uid: str) -> None:
        """Search no more in a Milvus that is gone, and leave its collection as it is."""
        self.watch.forget(uid)
