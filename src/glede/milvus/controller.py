"""Observe, plan, act, tell: one pass over one Milvus."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.kube.errors import NotFound
from glede.kube.events import Recorder
from glede.kube.objects import Key
from glede.milvus import recollection
from glede.milvus.act import FINALIZER, Actor, Outcome
from glede.milvus.announce import announcements
from glede.milvus.facts import Facts
from glede.milvus.foreign import is_foreign, left_alone
from glede.milvus.halt import Halt, halt
from glede.milvus.health import Health, examine
from glede.milvus.intent import Intent, intent_of
from glede.milvus.leaving import let_go, seconds_since
from glede.milvus.manifest import Manifest, is_paused, key_of_milvus, reference_of
from glede.milvus.moments import soonest, this_moment, written
from glede.milvus.observed import DependencyState, Observed, observed_of
from glede.milvus.observer import Observer, states_of
from glede.milvus.pacing import Pacing
from glede.milvus.plan import keeps_finalizer, plan
from glede.milvus.references import secrets_named
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back, effective
from glede.milvus.rollout import Rollout, rollout
from glede.milvus.scalein import ScaleIn, scale_in
from glede.milvus.scope import Scope
from glede.milvus.secretreader import SecretReader, SecretValue, data_of
from glede.milvus.sessions import Ender, registry_of
from glede.milvus.situation import Situation
from glede.milvus.status import status
from glede.milvus.trial import FAILED

log = logging.getLogger(__name__)

# What the API server refuses is tried again now and then: what it lacks may come.
REFUSED_SECONDS = 60.0

Object = dict[str, Any]


def now() -> str:
    """Give this moment as Kubernetes writes it."""
    return written(this_moment())


@dataclass(slots=True)
class MilvusReconciler:
    """Brings each Milvus to what its manifest wants, and tells how far it is."""

    scope_of: Callable[[Key], Scope]
    secrets_of: Callable[[Key], SecretReader]
    observer: Observer
    sessions: Ender
    actor: Actor
    recorder: Recorder
    tool_image: str
    images: Mapping[str, str]
    pacing: Pacing = field(default_factory=Pacing)
    _intents: dict[str, tuple[object, Intent]] = field(default_factory=dict)

    async def reconcile(self, key: Key) -> float | None:
        """Make one pass; gives the seconds after which another is due, if any. Raises ApiError."""
        manifest = self.scope_of(key).milvuses.store.get(key)
        if manifest is None:
            self.sessions.forget(key)
            return None
        if is_foreign(manifest.milvus) and not manifest.milvus.metadata.deletion_timestamp:
            await self._leave(manifest.milvus)
            return None
        # Where its own manifest failed, the one of before is followed.
        milvus = effective(manifest.milvus)
        values = await self.secrets_of(key).values(milvus.metadata.namespace, secrets_named(milvus))
        facts = self._facts(milvus, values)
        intent = (
            Intent(milvus, manifest.problems) if manifest.problems else self._intent(manifest, milvus, facts)
        )
        if milvus.metadata.deletion_timestamp:
            # How volumes go is readable in a manifest too that is refused for something else.
            return await self._delete(intent, None if manifest.problems else resolve(milvus, facts))
        if is_paused(milvus):
            self.sessions.keep(key, None)
            outcome, more = Outcome(), False
        else:
            outcome, more = await self._act(intent, values)
        if more:
            return 0.0
        wait = await self._tell(manifest.milvus, intent, values, facts, outcome)
        return soonest(wait, outcome.again, REFUSED_SECONDS if outcome.refused else None)

    async def _leave(self, milvus: Milvus) -> None:
        """Say why nothing is done for a Milvus that is another operator's."""
        told = left_alone(milvus, now())
        if told is not None:
            self.scope_of(key_of_milvus(milvus)).milvuses.saw(await self.actor.status(milvus, told))

    def _facts(self, milvus: Milvus, values: Mapping[str, SecretValue]) -> Facts:
        key = key_of_milvus(milvus)
        scope = self.scope_of(key)
        nodes, zones = scope.counts()
        kept = milvus.status.get("toolImage")
        renew = milvus.spec.components.update_tool_image
        return Facts(
            nodes=nodes,
            zones=zones,
            tool_image=kept if kept and not renew else self.tool_image,
            pod_monitors=scope.pod_monitors,
            earlier=recollection.numbers(milvus, observed_of(milvus, *scope.of(key)).held),
            volumes=milvus.status.get("volumes") or {},
            taken_back=came_back(milvus),
            images={**self.images, **recollection.images(milvus)},
            secrets={name: value.facts for name, value in values.items()},
        )

    def _intent(self, manifest: Manifest, milvus: Milvus, facts: Facts) -> Intent:
        """Give what the manifest to follow comes to; worked out anew only when it or the facts changed."""
        others = [
            other.milvus
            for other in self.scope_of(manifest.key).sharing(manifest)
            if not other.milvus.metadata.deletion_timestamp
        ]
        state = (
            milvus.metadata.generation,
            # They make no new generation.
            tuple(milvus.metadata.annotations.items()),
            milvus.status.get("currentVersion"),
            repr((milvus.status.get("volumes"), milvus.status.get(FAILED))),
            facts,
            tuple((other.metadata.uid, other.metadata.generation) for other in others),
        )
        known = self._intents.get(milvus.metadata.uid)
        if known is None or known[0] != state:
            known = (state, intent_of(milvus, facts, others, known[1] if known else None))
            self._intents[milvus.metadata.uid] = known
        intent = known[1]
        # Its status and annotations are of now.
        resolved = replace(intent.resolved, milvus=milvus) if intent.resolved else None
        return Intent(milvus, intent.problems, resolved, intent.desired)

    def _judge(self, intent: Intent, observed: Observed) -> tuple[list[DependencyState], Health, ScaleIn]:
        resolved = intent.resolved
        states = states_of(resolved, observed) if resolved else []
        fewer = ScaleIn()
        if resolved and intent.desired:
            fewer = scale_in(resolved, intent.desired, observed, states)
        return states, examine(resolved, states, observed, fewer.kept), fewer

    async def _act(self, intent: Intent, values: Mapping[str, SecretValue]) -> tuple[Outcome, bool]:
        """Take the next step; gives what came of it, and whether there is another at once."""
        if intent.resolved is None or intent.desired is None:
            return Outcome(), False
        secrets = data_of(values)
        self.sessions.keep(key_of_milvus(intent.milvus), registry_of(intent.resolved, secrets))
        held = await self.actor.finalizer(intent.milvus, wanted=keeps_finalizer(intent.resolved))
        if held is not None:
            # What is known is a version behind now, of which no status can be written.
            self.scope_of(key_of_milvus(intent.milvus)).milvuses.saw(held)
            return Outcome(), True
        observed = self.observer.observe(intent, values)
        states, health, _ = self._judge(intent, observed)
        step = plan(intent.resolved, intent.desired, observed, states, health)
        outcome = await self.actor.carry_out(intent.milvus, step, observed)
        return outcome, step.more and not outcome.refused

    async def _tell(
        self, milvus: Milvus, intent: Intent, values: Mapping[str, SecretValue], facts: Facts, came: Outcome
    ) -> float | None:
        """Write the status where it has changed, and Events for what flipped."""
        observed = self.observer.observe(intent, values)
        _, health, fewer = self._judge(intent, observed)
        quiet = bool(intent.resolved) and health.updated and not fewer.going
        self.observer.upkeep.quiet(milvus.metadata.uid, quiet)
        turns, whole = _turns(intent, observed)
        situation = Situation(
            milvus=milvus,
            resolved=intent.resolved,
            problems=intent.problems,
            health=health,
            observed=observed,
            now=now(),
            tool_image=facts.tool_image,
            rollout=turns,
            scale_in=fewer,
            halt=whole,
            paused=is_paused(milvus),
            failed=came.refused,
            budget=came.budget,
        )
        late = _seconds_until(situation.rollout.overdue.since)
        wait = await self._write(milvus, status(situation), health)
        return soonest(wait, late, observed.hours.seconds)

    async def _write(self, milvus: Milvus, new: Mapping[str, Any], health: Health) -> float | None:
        """Write a status where it has changed; gives the seconds for which that waits, if it does."""
        if new == milvus.status:
            return None
        asking = any(state.ready is None for state in health.dependencies)
        if (wait := self.pacing.wait(milvus.metadata.uid, milvus.status, new, asking=asking)) > 0:
            return wait
        self.pacing.wrote(milvus.metadata.uid)
        try:
            answer = await self.actor.status(milvus, new)
        except NotFound:
            return None  # it was deleted meanwhile, as the watch is about to tell
        self.scope_of(key_of_milvus(milvus)).milvuses.saw(answer)
        for announcement in announcements(milvus.status.get("conditions", []), new.get("conditions", [])):
            self.recorder.event(reference_of(milvus), *announcement)
        return None

    async def _delete(self, intent: Intent, resolved: Resolved | None) -> float | None:
        milvus = intent.milvus
        self.forget(milvus.metadata.uid)
        if resolved is None and FINALIZER in milvus.metadata.finalizers:
            log.warning("the manifest cannot be read, so its volumes are kept: %s", intent.problems)
        return await let_go(self.actor, milvus, resolved)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a Milvus."""
        self._intents.pop(uid, None)
        self.pacing.forget(uid)
        self.observer.forget(uid)
        self.actor.forget(uid)


def _turns(intent: Intent, observed: Observed) -> tuple[Rollout, Halt]:
    if intent.resolved is None or intent.desired is None:
        return Rollout(), Halt()
    found = (intent.resolved, intent.desired, observed)
    return rollout(*found), halt(*found)


def _seconds_until(moment: str) -> float | None:
    """Give the seconds until a moment that is to come; None where there is none."""
    left = -seconds_since(moment)
    return left if left > 0 else None
