"""One snapshot of a Milvus: what is watched of it, and what is asked beside the reconciling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from glede.kube.objects import Key
from glede.milvus.canaries import Canaries
from glede.milvus.canarysearch import CanaryReader
from glede.milvus.desired import Desired
from glede.milvus.external import Externals
from glede.milvus.fences import Fencer
from glede.milvus.gate import gated
from glede.milvus.intent import Intent
from glede.milvus.loads import LoadReader
from glede.milvus.manifest import is_paused, key_of_milvus
from glede.milvus.moments import this_moment
from glede.milvus.observed import DependencyState, Observed, dependency_state, observed_of
from glede.milvus.resolved import Resolved
from glede.milvus.scalein import asks_for_loads
from glede.milvus.scope import Scope
from glede.milvus.secretreader import SecretValue, data_of
from glede.milvus.upkeep import Keeper

Values = Mapping[str, SecretValue]


@dataclass(frozen=True, slots=True)
class Observer:
    """Puts together what is known of a Milvus now. Never waits: who asks does so in tasks of its own."""

    scope_of: Callable[[Key], Scope]
    externals: Externals
    loads: LoadReader
    fencer: Fencer
    canaries: Canaries
    searches: CanaryReader
    upkeep: Keeper
    wall: Callable[[], datetime] = this_moment

    def observe(self, intent: Intent, values: Values) -> Observed:
        """Give a snapshot; what asks off this path is told what is asked for now."""
        key, resolved = key_of_milvus(intent.milvus), intent.resolved
        observed = observed_of(intent.milvus, *self.scope_of(key).of(key))
        if resolved is None:
            self.upkeep.unknown(intent.milvus.metadata.uid)
            return observed
        observed = replace(observed, answers=self.externals.answers(resolved, values))
        if intent.desired is None:
            return observed
        return self._with_upkeep(resolved, self._asked(resolved, intent.desired, observed, values), values)

    def _asked(self, resolved: Resolved, wanted: Desired, observed: Observed, values: Values) -> Observed:
        """Add what is asked of Milvus itself, and what comes of that for changes."""
        if asks_for_loads(resolved, wanted, observed):
            observed = replace(observed, loads=self.loads.loads(resolved, values))
        else:
            self.loads.forget(resolved.milvus.metadata.uid)
        if not is_paused(resolved.milvus):
            observed = replace(observed, fences=self.fencer.fences(resolved, observed))
        observed = replace(observed, watched=self.canaries.watched(resolved, wanted, observed))
        observed = self.searches.watched(resolved, wanted, observed, values)
        return gated(resolved, wanted, observed, states_of(resolved, observed), self.wall())

    def _with_upkeep(self, resolved: Resolved, observed: Observed, values: Values) -> Observed:
        """Add what members of etcd wait for. Before a window opens none is replaced, and none is saved."""
        acts = not is_paused(resolved.milvus) and not observed.hours.waits
        return replace(observed, upkeep=self.upkeep.consider(resolved, observed, data_of(values), acts=acts))

    def forget(self, uid: str) -> None:
        """Ask nothing more of a Milvus that is gone."""
        for one in (self.externals, self.loads, self.fencer, self.canaries, self.searches, self.upkeep):
            one.forget(uid)


def states_of(resolved: Resolved, observed: Observed) -> list[DependencyState]:
    """Tell the state of each dependency, in the order of the manifest."""
    return [dependency_state(resolved.namespace, one, observed) for one in resolved.dependencies]
