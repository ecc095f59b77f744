"""Checks of maintenance windows."""

import difflib
from zoneinfo import available_timezones

from glede.api.milvus.spec import Milvus
from glede.api.milvus.windows import Window
from glede.milvus.hours import LONGEST, duration_of, time_of, zone_of
from glede.milvus.validate.findings import Findings, Words
from glede.milvus.validate.whole import SPEC

_CLOCK = "a time of day as HH:MM, 00:00 to 23:59"


def check_windows(milvus: Milvus, findings: Findings) -> None:
    """Check the maintenance windows. Those that overlap, or go on after midnight, are well."""
    at = f"{SPEC}.rollout.windows"
    windows = milvus.spec.components.rollout.windows
    if windows == []:
        findings.invalid(at, windows, "at least one window", "remove windows to replace pods at any time")
    for index, window in enumerate(windows or ()):
        _check(window, f"{at}[{index}]", findings)


def _check(window: Window, at: str, findings: Findings) -> None:
    if window.days == []:
        findings.invalid(f"{at}.days", window.days, "at least one day", "write days, or remove it for all")
    if time_of(window.from_) is None:
        findings.invalid(f"{at}.from", window.from_, _CLOCK, 'write for example "22:00", in quotes')
    _check_end(window, at, findings)
    if zone_of(window.time_zone) is None:
        close = difflib.get_close_matches(window.time_zone, sorted(available_timezones()), n=1)
        expected = "an IANA time zone such as Europe/Berlin"
        remedy = f"did you mean {close[0]}?" if close else "write one, or remove it for UTC"
        findings.invalid(f"{at}.timeZone", window.time_zone, expected, remedy)


def _check_end(window: Window, at: str, findings: Findings) -> None:
    if (window.to is None) == (window.duration is None):
        found = Words("neither" if window.to is None else "both")
        findings.invalid(at, found, "one of to and duration", "write one of the two")
    elif window.to is not None:
        if time_of(window.to) is None:
            findings.invalid(f"{at}.to", window.to, _CLOCK, 'write for example "04:00", in quotes')
        elif window.to == window.from_:
            expected = "another time than from, at which it opens"
            findings.invalid(f"{at}.to", window.to, expected, "for the whole day write duration: 24h instead")
    elif window.duration is not None:
        lasts = duration_of(window.duration)
        if not lasts or lasts > LONGEST:
            expected = "hours and minutes, more than 0 and at most 24h"
            findings.invalid(f"{at}.duration", window.duration, expected, "write for example 4h or 1h30m")
