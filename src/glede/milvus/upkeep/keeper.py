"""Keeps up the etcds that the operator runs, off the reconcile path: snapshots and defragmentations."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from glede.kube.objects import Key
from glede.milvus.observed import Observed, Upkeep
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.resolved import Resolved
from glede.milvus.upkeep import words
from glede.milvus.upkeep.change import Change
from glede.milvus.upkeep.defragmentation import Defragmentation, Report
from glede.milvus.upkeep.place import Ward, ward_of
from glede.milvus.upkeep.saving import save
from glede.milvus.upkeep.sizes import Rule
from glede.milvus.upkeep.turn import is_steady, turn_of
from glede.milvus.upkeep.words import Told

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how often is looked at what is due, the pause between tries of a snapshot and how long one
    may take, and the same pause where a snapshot is required; how long an etcd has to be well before it is
    looked at, how often it is, and the least time between two defragmentations; how long one waits for calm,
    and the pause between its members. At most ``limit`` snapshots and defragmentations are made at a time.
    """

    tick: float = 1.0
    again: float = 10.0
    patience: float = 600.0
    required: float = 60.0
    settle: float = 60.0
    look: float = 600.0
    rest: float = 6 * 3600.0
    calm: float = 120.0
    pause: float = 10.0
    limit: int = 2


@dataclass(slots=True, eq=False)
class _Milvus:
    """One etcd. ``steady``: its members are ready and of the newest template. ``quiet``: so is all else."""

    ward: Ward
    steady: bool = False
    quiet: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    change: Change | None = None
    saving: asyncio.Task[None] | None = None
    defragmenting: asyncio.Task[None] | None = None
    blocks: bool = False
    look_at: float = 0.0
    rests_until: float = 0.0
    said: str = ""


class Keeper:
    """``changed`` gets a Milvus whose members may wait no longer, ``tell`` what is worth an Event."""

    def __init__(
        self,
        changed: Callable[[Key], None],
        tell: Callable[[Mapping[str, str], Told], None],
        *,
        pace: Pace | None = None,
        rule: Rule | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changed = changed
        self._tell = tell
        self._pace = pace or Pace()
        self._rule = rule or Rule()
        self._clock = clock
        self._milvuses: dict[str, _Milvus] = {}
        self._room = asyncio.Semaphore(self._pace.limit)

    def consider(
        self,
        resolved: Resolved,
        observed: Observed,
        secrets: Mapping[str, Mapping[str, bytes]],
        *,
        acts: bool,
    ) -> Upkeep:
        """Take in what there is of a Milvus, and tell what members of its etcd have to wait for.

        Without ``acts`` nothing is begun: the Milvus is paused. Never waits.
        """
        ward = ward_of(resolved, secrets)
        if ward is None:
            self.forget(resolved.milvus.metadata.uid)
            return Upkeep()
        milvus = self._milvuses.setdefault(ward.etcd.uid, _Milvus(ward))
        milvus.ward = ward
        self._take_steadiness(milvus, acts and is_steady(resolved, observed))
        turn = turn_of(resolved, observed)
        if milvus.change and milvus.change.revision != turn.revision:
            self._drop_change(milvus)
        if turn.revision and milvus.change is None:
            milvus.change = Change(turn.revision)
        milvus.news.set()
        if milvus.blocks:
            return Upkeep("etcd is being defragmented", holds=True, busy=True)
        if milvus.change is None:
            return Upkeep()
        if turn.due and acts:
            self._save_if_due(milvus, milvus.change)
        return milvus.change.state(ward.snapshots)

    def unknown(self, uid: str) -> None:
        """Say that nothing is known of a Milvus for now: its manifest is refused. Nothing is begun then."""
        if milvus := self._milvuses.get(uid):
            milvus.steady = milvus.quiet = False

    def quiet(self, uid: str, quiet: bool) -> None:
        """Say whether nothing of a Milvus is being rolled."""
        if milvus := self._milvuses.get(uid):
            milvus.quiet = quiet

    def forget(self, uid: str) -> None:
        """Drop a Milvus that is gone, or whose etcd is another's."""
        milvus = self._milvuses.pop(uid, None)
        for task in (milvus.saving, milvus.defragmenting) if milvus else ():
            if task:
                task.cancel()

    async def run(self) -> None:
        """Begin what is due, for ever."""
        try:
            while True:
                await asyncio.sleep(self._pace.tick)
                for milvus in list(self._milvuses.values()):
                    if milvus.change and milvus.change.tries:
                        self._save_if_due(milvus, milvus.change)
                    self._defragment_if_due(milvus)
        finally:
            for uid in list(self._milvuses):
                self.forget(uid)

    def _take_steadiness(self, milvus: _Milvus, steady: bool) -> None:
        if steady and not milvus.steady:
            milvus.look_at = max(milvus.look_at, self._clock() + self._pace.settle)
        milvus.steady = steady

    def _drop_change(self, milvus: _Milvus) -> None:
        if milvus.saving:
            milvus.saving.cancel()
        milvus.change = milvus.saving = None

    def _save_if_due(self, milvus: _Milvus, change: Change) -> None:
        idle = milvus.saving is None and not change.settled and milvus.ward.snapshots != "off"
        if idle and change.due <= self._clock():
            milvus.saving = asyncio.create_task(self._save(milvus, change, milvus.ward))

    async def _save(self, milvus: _Milvus, change: Change, ward: Ward) -> None:
        begun = self._clock()
        try:
            if ward.impossible:
                self._failed(ward, change, ward.impossible, for_good=True)
                return
            async with self._room, asyncio.timeout(self._pace.patience):
                saved = await save(ward, change.revision)
            change.made()
            self._say(ward, words.saved(saved, self._clock() - begun))
        except TimeoutError:
            self._failed(ward, change, f"not done in {self._pace.patience:g} seconds")
        except (UnhealthyError, UnreachableError) as error:
            self._failed(ward, change, str(error))
        except Exception as error:
            # A fault of ours must not hold the members for ever; its text might hold what was asked with.
            _LOG.error("%s: no snapshot of etcd: %s", ward.key, type(error).__name__)
            self._failed(ward, change, type(error).__name__)
        finally:
            if milvus.saving is asyncio.current_task():
                milvus.saving = None
            self._changed(ward.key)

    def _failed(self, ward: Ward, change: Change, why: str, *, for_good: bool = False) -> None:
        ended = change.failed(why, ward.snapshots, for_good=for_good)
        required = ward.snapshots == "required"
        change.due = self._clock() + (self._pace.required if required else self._pace.again)
        _LOG.warning("%s: no snapshot of etcd, try %d: %s", ward.key, change.tries, why)
        if ended or required:
            self._tell(ward.reference, words.not_saved(why, goes_on=ended))

    def _defragment_if_due(self, milvus: _Milvus) -> None:
        now = self._clock()
        idle = milvus.defragmenting is None and milvus.change is None and milvus.ward.defragments
        if idle and milvus.steady and milvus.look_at <= now:
            milvus.look_at = now + self._pace.look
            milvus.defragmenting = asyncio.create_task(self._defragment(milvus, milvus.ward))

    async def _defragment(self, milvus: _Milvus, ward: Ward) -> None:
        async def calm(pressed: bool) -> str:
            return await self._calm(milvus, pressed=pressed)

        work = Defragmentation(ward, calm, self._rule, self._pace.pause)
        try:
            async with self._room:
                report = await work.run()
            if report.members:
                milvus.rests_until = self._clock() + self._pace.rest
            self._report(milvus, ward, report)
        except (UnhealthyError, UnreachableError) as error:
            self._report(milvus, ward, Report(stopped=str(error)))
        except Exception as error:
            _LOG.error("%s: etcd is not defragmented: %s", ward.key, type(error).__name__)
        finally:
            milvus.defragmenting = None
            if milvus.blocks:
                milvus.blocks = False
                self._changed(ward.key)

    async def _calm(self, milvus: _Milvus, *, pressed: bool) -> str:
        """Wait until a member may be blocked, and hold the others' replacement from then on.

        Gives why none may; "" where one may.
        """
        if not pressed and (milvus.rests_until > self._clock() and not milvus.blocks):
            return words.RESTS
        try:
            async with asyncio.timeout(self._pace.calm):
                while not (milvus.steady or milvus.change):
                    milvus.news.clear()
                    await milvus.news.wait()
        except TimeoutError:
            return "not all of its members are ready"
        if not milvus.ward.defragments:
            return "it was turned off"
        if milvus.change or not (pressed or milvus.quiet):
            return words.ROLLED
        milvus.blocks = True
        return ""

    def _report(self, milvus: _Milvus, ward: Ward, report: Report) -> None:
        for told in words.defragmented(report):
            self._say(ward, told)
        if report.stopped and report.stopped != milvus.said and report.stopped not in words.QUIET:
            _LOG.warning("%s: etcd is not defragmented: %s", ward.key, report.stopped)
        milvus.said = report.stopped

    def _say(self, ward: Ward, told: Told) -> None:
        _LOG.info("%s: %s", ward.key, told.message)
        self._tell(ward.reference, told)
