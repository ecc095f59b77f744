"""All that a status is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from glede.api.milvus.spec import Milvus
from glede.milvus.halt import Halt
from glede.milvus.health import Health
from glede.milvus.modes import ModeChange, mode_change
from glede.milvus.observed import Observed
from glede.milvus.resolved import Problem, Resolved
from glede.milvus.rollback import BACK, is_back, may_go_back
from glede.milvus.rollout import Rollout
from glede.milvus.scalein import ScaleIn


@dataclass(frozen=True, slots=True)
class Situation:
    """A Milvus at one moment; ``now`` is as Kubernetes writes it."""

    milvus: Milvus
    resolved: Resolved | None
    problems: Sequence[Problem]
    health: Health
    observed: Observed
    now: str
    tool_image: str
    rollout: Rollout = field(default_factory=Rollout)
    scale_in: ScaleIn = field(default_factory=ScaleIn)
    halt: Halt = field(default_factory=Halt)
    paused: bool = False
    failed: str = ""
    budget: str = ""

    @property
    def mode(self) -> ModeChange:
        """Where a change of the mode is."""
        if self.resolved is None:
            return ModeChange()
        return mode_change(self.resolved, self.observed, self.health.dependencies)

    @property
    def refused(self) -> list[Problem]:
        """The problems for which a manifest is not followed."""
        return [problem for problem in self.problems if problem.kind == "invalid"]

    @property
    def updated(self) -> bool:
        """Whether all is as this manifest wants it: one that is refused, in part too, wants more."""
        return self._follows and not self.scale_in.held and not self.scale_in.going

    @property
    def complete(self) -> bool:
        """Whether nothing is to be replaced, and all of it serves."""
        return self.health.updated and self.health.serving and not self.rollout.waiting

    @property
    def _follows(self) -> bool:
        """Whether every pod is as this manifest wants it, be they more than it wants."""
        moving = self.rollout.waiting or self.probation or self.observed.has_canary
        return self.health.updated and not moving and not (self.refused or self.failed or self.back)

    @property
    def probation(self) -> str:
        """Why a change that all pods have has not proved itself yet; "" where it has, or need not."""
        return self.observed.searched.probation

    @property
    def overdue(self) -> str:
        """Why a rollout is not done within its deadline; "" while it may still be."""
        late = self.rollout.overdue
        return late.words if late.since <= self.now else ""

    @property
    def fails(self) -> str:
        """Why the manifest is to be taken back; "" where it is not."""
        words = self.overdue
        if not words or self.resolved is None:
            return ""
        names = {part.component for part in self.health.parts}
        pods = self.observed.pods
        ran = [(pod.component, pod.ran) for pod in pods if pod.ran and pod.component in names]
        return words if may_go_back(self.milvus, self.resolved.version, ran) else ""

    @property
    def back(self) -> str:
        """Why the manifest was taken back; "" where it was not."""
        return str(self.milvus.status[BACK]["reason"]) if is_back(self.milvus) else self.fails

    @property
    def serves_this(self) -> bool:
        """Whether every pod serves, and as this manifest wants it."""
        return self.resolved is not None and self.health.serving and self._follows

    @property
    def shut(self) -> bool:
        """Whether nothing is on its way but what waits for a maintenance window."""
        hours, busy = self.observed.hours, self.rollout.at or self.scale_in.going or self.halt.going
        held = self.rollout.held or self.health.outdated or self.mode.stays
        waits = hours.waits and not hours.begun and held
        return bool(waits and not busy and self.health.serving)

    @property
    def stopping(self) -> bool:
        """Whether the manifest asks for no pod at all."""
        return self.resolved is not None and self.resolved.stopped
