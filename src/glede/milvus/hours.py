"""When maintenance windows are open: pure arithmetic of wall clocks and moments.

A window opens and closes by the clock of its zone. A time that this clock skips (daylight saving begins)
counts as the moment of the skip, so that no window is open at a time that it does not name; one that lies in
the skip whole does not open that day. A time that comes twice (daylight saving ends) counts the first time it
comes. A window that says how long it is open is open for so long, whatever the clock does meanwhile.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from glede.api.milvus.windows import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST = timedelta(hours=24)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,2})h)?(?:(\d{1,4})m)?", re.ASCII)
# Of a week, one that was open yesterday, and one in which a skip took the only day.
_DAYS_BACK, _DAYS_ON = 2, 15
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """What the windows say of a rollout: why nothing that is whole may be replaced now; "": it may.

    ``seconds`` after which that may be otherwise, None where time alone changes nothing; ``begun`` is what
    the status is to keep of a rollout that begins or has begun.
    """

    waits: str = ""
    seconds: float | None = None
    begun: Mapping[str, Any] = field(default_factory=dict)


def zone_of(name: str) -> ZoneInfo | None:
    """Give a time zone by its IANA name; None where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A folder of zones, such as Europe, is an OSError.
        return None


def time_of(text: str) -> time | None:
    """Read a time of day, HH:MM; None where it is none."""
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None


def duration_of(text: str) -> timedelta | None:
    """Read a duration, such as 90m, 4h or 1h30m; None where it is none."""
    found = _DURATION.fullmatch(text)
    if not found or not text:
        return None
    return timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0))


def is_open(windows: Sequence[Window], moment: datetime) -> bool:
    """Tell whether one of the windows is open at a moment, which has a zone."""
    return any(begin <= moment < end for window in windows for begin, end in _around(window, moment))


def next_opening(windows: Sequence[Window], moment: datetime) -> datetime | None:
    """Give the next moment (UTC) after this one at which a window opens; None for windows that never do."""
    times = [begin for window in windows for begin, _ in _around(window, moment) if begin > moment]
    return min(times, default=None)


def _around(window: Window, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give the times from and to which a window is open, in UTC, around a moment. It must be valid."""
    zone, begin = zone_of(window.time_zone), time_of(window.from_)
    if zone is None or begin is None:
        return
    today = moment.astimezone(zone).date()
    for offset in range(-_DAYS_BACK, _DAYS_ON):
        day = today + timedelta(days=offset)
        if window.days is None or DAYS[day.weekday()] in window.days:
            opens = _moment(day, begin, zone)
            closes = _closing(window, day, begin, zone, opens)
            if closes and opens < closes:
                yield opens, closes


def _closing(window: Window, day: date, begin: time, zone: ZoneInfo, opens: datetime) -> datetime | None:
    if window.to is None:
        lasts = duration_of(window.duration or "")
        return opens + lasts if lasts else None
    end = time_of(window.to)
    if end is None:
        return None
    return _moment(day + timedelta(days=1) if end <= begin else day, end, zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Give the first moment (UTC) at which a zone's clock shows a time, or has skipped it."""
    local = datetime.combine(day, clock, zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # The skip is between what the offsets after and before it make of the time (PEP 495).
    early, late = local.replace(fold=1).astimezone(UTC), found
    offset = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
