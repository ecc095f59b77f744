"""When maintenance windows are open, in zones whose clocks skip and repeat."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.api.milvus.windows import Window
from glede.milvus.hours import DAYS, duration_of, is_open, next_opening, time_of, zone_of


def window(begin: str, end: str = "", zone: str = "UTC", **more: object) -> Window:
    until = {"to": end} if ":" in end else {"duration": end}
    return Window.model_validate({"from": begin, "timeZone": zone, **until, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opened(one: Window, begin: str, hours: float = 48) -> list[str]:
    """Give the minutes (UTC) at which a window opens and closes within some hours, as DDTHH:MM."""
    found, was = [], is_open([one], at(begin) - timedelta(minutes=1))
    for minute in range(int(hours * 60)):
        moment = at(begin) + timedelta(minutes=minute)
        if (now := is_open([one], moment)) != was:
            found.append(moment.strftime("%dT%H:%M"))
        was = now
    return found


def test_a_window_over_midnight_is_of_the_day_on_which_it_opens() -> None:
    one = window("22:00", "04:00", days=["Sat"])  # 2026-11-28 is a Saturday
    assert opened(one, "2026-11-27T12:00", 72) == ["28T22:00", "29T04:00"]
    assert next_opening([one], at("2026-11-28T22:00")) == at("2026-12-05T22:00")
    assert next_opening([one], at("2026-11-28T21:59:59")) == at("2026-11-28T22:00")


def test_of_several_one_that_is_open_suffices_and_they_may_overlap() -> None:
    several = [window("01:00", "2h", days=["Mon"]), window("02:00", "05:00", days=["Mon", "Wed"])]
    assert [is_open(several, at(f"2026-11-30T0{hour}:30")) for hour in range(6)] == [
        *(False, True, True, True, True, False)
    ]
    assert next_opening(several, at("2026-11-30T02:00")) == at("2026-12-02T02:00")
    assert next_opening([], at("2026-11-30T02:00")) is None


def test_it_is_open_from_its_first_moment_to_before_its_last() -> None:
    one = window("01:00", "02:00")
    moments = ("00:59:59", "01:00:00", "01:59:59", "02:00:00")
    assert [is_open([one], at(f"2026-11-30T{moment}")) for moment in moments] == [False, True, True, False]


# In Berlin the clock skips 02:00 to 03:00 on 2026-03-29 (01:00 UTC), and shows it twice on 2026-10-25.
@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("01:00", "04:00", ["29T00:00", "29T02:00"]),  # two hours, not three
        ("01:00", "3h", ["29T00:00", "29T03:00"]),  # a duration is one of time, not of the clock
        ("02:30", "04:00", ["29T01:00", "29T02:00"]),  # opens with the skip
        ("01:00", "02:30", ["29T00:00", "29T01:00"]),  # closes with it
        ("02:15", "02:45", []),  # is in it whole
        ("02:15", "1h", ["29T01:00", "29T02:00"]),
        ("23:00", "02:30", ["29T21:00", "30T00:30"]),
    ],
)
def test_where_the_clock_skips_an_hour(begin: str, end: str, expected: list[str]) -> None:
    one = window(begin, end, "Europe/Berlin", days=["Sun"])
    assert opened(one, "2026-03-28T22:00") == expected


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("01:00", "04:00", ["24T23:00", "25T03:00"]),  # four hours, not three
        ("01:00", "3h", ["24T23:00", "25T02:00"]),
        ("02:30", "04:00", ["25T00:30", "25T03:00"]),  # opens the first time it is half past two
        ("01:00", "02:30", ["24T23:00", "25T00:30"]),  # and closes then
        ("02:15", "02:45", ["25T00:15", "25T00:45"]),  # open once, not twice
    ],
)
def test_where_the_clock_repeats_an_hour(begin: str, end: str, expected: list[str]) -> None:
    one = window(begin, end, "Europe/Berlin", days=["Sun"])
    assert opened(one, "2026-10-24T20:00") == expected


def test_a_window_that_a_skip_takes_opens_a_week_later() -> None:
    one = window("02:15", "02:45", "Europe/Berlin", days=["Sun"])
    assert next_opening([one], at("2026-03-28T12:00")) == at("2026-04-05T00:15")


def test_skips_of_other_lengths_are_found_to_the_second() -> None:
    # Half an hour on Lord Howe; a whole day in Samoa, which left out 2011-12-30.
    half = window("02:15", "04:00", "Australia/Lord_Howe", days=["Sun"])
    assert opened(half, "2026-10-03T12:00", 12) == ["03T15:30", "03T17:00"]
    whole = window("10:00", "12:00", "Pacific/Apia", days=["Fri"])
    assert opened(whole, "2011-12-29T00:00") == []


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"]),
    st.times().map(lambda t: t.strftime("%H:%M")),
    st.sampled_from(["30m", "4h", "24h", "06:01", "00:00", "02:30"]),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3),
)
def test_it_opens_when_it_says_and_was_closed_or_open_before(
    moment: datetime, zone: str, begin: str, end: str, days: list[str]
) -> None:
    if begin == end:
        return
    one = window(begin, end, zone, days=days)
    opens = next_opening([one], moment)
    assert opens is not None
    assert moment < opens <= moment + timedelta(days=14, hours=2)
    assert is_open([one], opens)
    local = opens.astimezone(zone_of(zone))
    assert DAYS[local.weekday()] in days
    assert local.strftime("%H:%M") >= begin
    before = opens - timedelta(seconds=1)
    assert not is_open([one], before) or end in {"24h"} or ":" in end


@pytest.mark.parametrize("text", ["24:00", "9:00", "22.00", "22:00 ", "-1:00", "22:60", "1320", "", "٢٢:٠٠"])
def test_what_is_no_time_of_day(text: str) -> None:
    assert time_of(text) is None


@pytest.mark.parametrize("text", ["", "4", "h", "4h ", "30s", "1d", "-1h", "4H", "100h"])
def test_what_is_no_duration(text: str) -> None:
    assert not duration_of(text)


@pytest.mark.parametrize("name", ["Europe", "europe/berlin ", "../etc/passwd", "/etc/passwd", "", "Mars/One"])
def test_what_is_no_zone(name: str) -> None:
    assert zone_of(name) is None


def test_zones_are_there_where_the_machine_has_none() -> None:
    """As in an image without tzdata: the wheel in requirements/operator.lock has them."""
    zoneinfo.reset_tzpath(to=[])
    try:
        assert zoneinfo.ZoneInfo.no_cache("Europe/Berlin").key == "Europe/Berlin"
    finally:
        zoneinfo.reset_tzpath()
