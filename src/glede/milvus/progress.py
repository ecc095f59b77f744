"""What is told of a change: whether all pods have it, and how far it is."""

from glede.milvus.conditions import Condition, Status
from glede.milvus.situation import Situation
from glede.milvus.versions import parse_version


def milvus_updated(situation: Situation) -> Condition:
    """Give the condition MilvusUpdated: whether all pods are as the manifest wants them."""
    health = situation.health
    if situation.updated:
        return Condition("MilvusUpdated", "True", "MilvusComponentsUpdated", "every pod is up to date")
    if health.leaving and all(part.complete for part in health.parts):
        return Condition(
            "MilvusUpdated", "False", "MilvusComponentsUpdating", f"{health.leaving} pods are terminating"
        )
    late = [part.component for part in health.parts if not part.complete] + health.outdated
    late += [name for name in _waiting(situation) if name not in late]
    if situation.probation and not late:
        words = f"every pod is up to date; {situation.probation}"
        return Condition("MilvusUpdated", "False", _updating(situation), words)
    refusal = situation.failed or "the manifest is not followed: see Progressing and SpecAccepted"
    words = f"not up to date: {', '.join(late)}" if late else refusal
    return Condition("MilvusUpdated", "False", _updating(situation), words)


def _updating(situation: Situation) -> str:
    """Tell an upgrade and a downgrade of the image from other changes."""
    current = situation.milvus.status.get("currentImage", "")
    resolved = situation.resolved
    if not resolved or not current or current == resolved.image:
        return "MilvusComponentsUpdating"
    upwards = parse_version(None, current) <= resolved.version
    return "MilvusUpgradingImage" if upwards else "MilvusDowngradingImage"


def progressing(situation: Situation) -> Condition:
    """Give the condition Progressing: whether a change is on its way, and what becomes of it."""
    if stands := _standing(situation):
        return Condition("Progressing", "False", *stands)
    if situation.observed.remains:
        words = f"waits for the end of an earlier Milvus of this name: {situation.observed.remains}"
        return Condition("Progressing", "True", "EarlierLeaving", words)
    if situation.back:
        return _taken_back(situation)
    moving = situation.scale_in.going or situation.probation or situation.observed.has_canary
    if situation.complete and not moving:
        if situation.scale_in.held:
            return Condition("Progressing", "False", "ScaleInHeld", situation.scale_in.held)
        return Condition("Progressing", "False", "Complete", "as the manifest wants it")
    return _under_way(situation)


def _under_way(situation: Situation) -> Condition:
    how: tuple[Status, str] = ("True", "Rolling")
    if situation.rollout.trial.phase == "unread":
        how = ("False", "CanaryHeld")
    elif situation.shut:
        how = ("False", "WaitsForWindow")
    return Condition("Progressing", *how, _rolling(situation))


def _taken_back(situation: Situation) -> Condition:
    words = (
        f"generation {situation.milvus.metadata.generation} of the manifest was not well in time: "
        f"{situation.back}. The one of before is followed; correct the manifest"
    )
    if fewer := _fewer(situation):
        words = f"{words}; {fewer}"
    if situation.complete and not situation.fails:
        return Condition("Progressing", "False", "RolledBack", words)
    return Condition("Progressing", "True", "RollingBack", words)


def _rolling(situation: Situation) -> str:
    rollout, fewer = situation.rollout, _fewer(situation)
    if going := situation.mode.going:
        return going
    if not rollout.waiting:
        tried = rollout.trial.words if rollout.trial.phase == "rolling" else ""
        probation = "" if rollout.at else situation.probation
        words = [situation.health.lacking, tried, fewer, _members(situation), probation]
        return "; ".join(filter(None, words)) or _replaced(situation)
    waiting = ", ".join(_waiting(situation))
    words = [rollout.held or _replaced(situation), f"then {waiting}", fewer, situation.observed.upkeep.words]
    return "; ".join(filter(None, words))


def _replaced(situation: Situation) -> str:
    """Tell of the component that is being replaced, and what is wrong with its pods, old ones or new."""
    at = situation.rollout.at
    if not at:
        return "pods are being replaced"
    trouble = situation.observed.trouble(at)
    return f"{at} is being replaced: {trouble}" if trouble else f"{at} is being replaced"


def _waiting(situation: Situation) -> list[str]:
    """Name the Deployments that wait, each by what comes after its Milvus's name."""
    stem = f"{situation.milvus.metadata.name}-milvus-"
    return [ref.key.name.removeprefix(stem) for ref in situation.rollout.waiting]


def _fewer(situation: Situation) -> str:
    """Tell of pods that go or come one after another, or stay; "" for none."""
    fewer = situation.scale_in
    return "; ".join(filter(None, (situation.halt.going, fewer.going, fewer.held)))


def _members(situation: Situation) -> str:
    """Tell of members that are replaced one by one, and of what holds that up; "" for neither."""
    health = situation.health
    if not health.outdated:
        return ""
    if waits := situation.observed.hours.waits:
        return f"{waits}; then one by one {'; '.join(health.outdated)}"
    missing = [f"{s.dependency.type}: {s.message}" for s in health.dependencies if not s.steady]
    behind = f"waits until {'; '.join(missing)}" if missing else ""
    upkeep = situation.observed.upkeep.words
    words = [f"one by one are replaced {'; '.join(health.outdated)}", behind, upkeep, situation.budget]
    return "; ".join(filter(None, words))


def _standing(situation: Situation) -> tuple[str, str] | None:
    """Give reason and words where a change is not on its way; None where it is, or is done."""
    if situation.paused:
        return "Paused", "the annotation milvus.io/pause-reconcile is true"
    if situation.failed:
        return "ApplyFailed", situation.failed
    if situation.refused:
        field = situation.refused[0].field
        return "SpecRefused", f"{field}: see the condition SpecAccepted; what ran before goes on"
    if situation.overdue and not situation.fails:
        rest = "; what waits for it keeps its pods" if situation.rollout.waiting else ""
        return "DeadlineExceeded", f"{situation.overdue}{rest}. Correct the manifest"
    return None
