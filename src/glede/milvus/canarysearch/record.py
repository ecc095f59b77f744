"""What the answers to the canary search say of a rollout: a small state machine. Pure.

It is ok again only when it was so several times in a row: a Milvus that answers now and then is not well. For
a step to begin these must have come since nothing was being replaced.

A change is taken back for what it did itself: its first step was made while the search was ok.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from glede.milvus.canarysearch.collection import Finding
from glede.milvus.deadline import Overdue
from glede.milvus.moments import written
from glede.milvus.observed import Searched

# So many in a row that are ok open the gate.
NEEDED = 3
# An answer that is older says nothing, in seconds: more than the slow pace and what may be ahead.
FRESH = 60.0


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a Milvus's canary search.

    ``finding`` is the last answer, which came at ``moment`` (of a clock that only goes on); None before the
    first. ``fault`` is the last one that was not ok, while all is not ``well``. ``since`` tells since when
    all is well or not, as Kubernetes writes a moment. ``row`` counts answers in a row that were ok, ``calm``
    those of them since nothing is being replaced. ``begun`` is the generation of the last manifest whose
    change began while it was ok.
    """

    finding: Finding | None = None
    moment: float = 0.0
    well: bool = False
    fault: Finding | None = None
    since: str = ""
    row: int = 0
    calm: int = 0
    begun: int = 0


def remembered(told: Mapping[str, Any]) -> Record:
    """Give what an earlier operator wrote into the status; nothing is known of now."""
    well = told.get("result") == "ok"
    return Record(well=well, since=str(told.get("since", "")), begun=int(told.get("generation") or 0))


def answered(record: Record, finding: Finding, at: str, *, now: str, moment: float) -> Record:
    """Take an answer down; ``at`` is the component that is being replaced, "" for none."""
    record = replace(record, finding=finding, moment=moment)
    if finding.result == "making":
        return replace(record, row=0, calm=0)
    if finding.result != "ok":
        since = record.since if record.since and not record.well else now
        return replace(record, well=False, fault=finding, since=since, row=0, calm=0)
    row, calm = record.row + 1, 0 if at else record.calm + 1
    if record.well or row < NEEDED:
        return replace(record, row=row, calm=calm)
    return replace(record, well=True, fault=None, since=now, row=row, calm=calm)


def moved(record: Record, at: str, generation: int) -> Record:
    """Take down that a component is being replaced, or none is."""
    if not at:
        return record
    begun = generation if record.well and record.row else record.begun
    return replace(record, calm=0, begun=begun)


def is_open(record: Record, moment: float) -> bool:
    """Tell whether a step may begin."""
    return record.calm >= NEEDED and record.well and moment - record.moment <= FRESH


def is_on_trial(record: Record, generation: int, *, proven: bool) -> bool:
    """Tell whether the manifest's change began while all was well, and has not proved itself yet."""
    return record.begun == generation and not proven


def verdict(record: Record, generation: int, deadline: float, moment: float, *, proven: bool) -> Searched:
    """Tell what an answer means for the manifest of that generation.

    ``proven``: it was well once, and is not taken back any more. ``deadline`` is how long the search may be
    not ok, in seconds.
    """
    shut = "" if is_open(record, moment) else _shut(record, moment)
    on_trial = is_on_trial(record, generation, proven=proven)
    failing = Overdue()
    if on_trial and record.fault and record.since:
        end = datetime.fromisoformat(record.since) + timedelta(seconds=deadline)
        words = f"the canary search is not ok since {record.since}: {_words(record.fault)}"
        failing = Overdue(words, written(end))
    return Searched(shut, shut if on_trial else "", failing, _told(record))


def _shut(record: Record, moment: float) -> str:
    finding = record.finding
    if finding is None:
        return "the canary search has not been answered yet"
    if finding.result == "making":
        return "the collection of the canary search is being made"
    if moment - record.moment > FRESH:
        return "the canary search has not been made lately"
    if record.fault:
        return f"the canary search is not ok: {_words(record.fault)}"
    return f"the canary search has to be ok {NEEDED} times in a row"


def _words(finding: Finding) -> str:
    return f"{finding.result}: {finding.words}" if finding.words else finding.result


def _told(record: Record) -> dict[str, Any]:
    finding = record.fault or record.finding
    if finding is None:
        return {}
    told: dict[str, Any] = {"result": finding.result, "message": finding.words, "since": record.since}
    told["generation"] = record.begun
    return {name: value for name, value in told.items() if value}
