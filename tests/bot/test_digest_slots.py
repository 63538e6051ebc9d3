"""When a digest is due, over both changes of the clocks, and which week it tells of."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.digest_request import DigestRequest, UnreadableDigest, read_minute, read_request
from bot.quality.digest_slots import IsoWeek, Schedule, UnknownZone, moment_of, week_of, zone_of

ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kolkata",
)
moments = st.integers(0, 15 * 366 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
schedules = st.builds(Schedule, st.integers(0, 6), st.integers(0, 24 * 60 - 1), st.sampled_from(ZONES))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(schedules, moments)
def test_slots_come_once_a_week_and_now_lies_between_two(schedule: Schedule, now: datetime) -> None:
    latest, following = schedule.latest(now), schedule.next(now)
    assert latest <= now < following
    assert timedelta(days=6, hours=22) <= following - latest <= timedelta(days=7, hours=2)
    assert schedule.next(latest) == following and schedule.latest(following) == following
    assert schedule.latest(following - timedelta(microseconds=1)) == latest


@given(schedules, moments)
def test_a_slot_is_at_the_local_time_that_was_asked_for(schedule: Schedule, now: datetime) -> None:
    slot = schedule.latest(now)
    local = slot.astimezone(zone_of(schedule.zone))
    asked = timedelta(minutes=schedule.minute)
    said = timedelta(hours=local.hour, minutes=local.minute)
    is_skipped = moment_of(local.date(), schedule.minute, local.tzinfo) != slot  # type: ignore[arg-type]
    assert said == asked or is_skipped or said - asked <= timedelta(hours=1)
    assert local.fold == 0, "of two moments that the clocks show alike, the first"


@given(schedules, moments)
def test_two_slots_tell_of_neighbouring_weeks(schedule: Schedule, now: datetime) -> None:
    slot = schedule.latest(now)
    week, info = schedule.week_before(slot), schedule.info
    assert week.ends(info) <= slot < week.ends(info) + timedelta(days=7, hours=2)
    assert schedule.week_before(schedule.next(slot)).before == week
    assert timedelta(days=6, hours=22) <= week.ends(info) - week.starts(info) <= timedelta(days=7, hours=2)
    assert week.before.ends(info) == week.starts(info)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)))
def test_a_week_is_read_as_it_is_written(day: date) -> None:
    week = week_of(day)
    assert IsoWeek.of(str(week)) == week and len(str(week)) <= 10
    assert week.monday <= day < week.monday + timedelta(days=7)


def test_the_hour_that_spring_skips() -> None:
    """London goes from 01:00 to 02:00 on Sunday 29 March 2026."""
    sunday = Schedule(6, 90, "Europe/London")
    assert sunday.next(utc("2026-03-28T12:00")) == utc("2026-03-29T01:30")
    assert sunday.next(utc("2026-03-29T01:30")) == utc("2026-04-05T00:30")
    monday = Schedule(0, 9 * 60, "Europe/London")
    assert monday.latest(utc("2026-03-30T08:00")) == utc("2026-03-30T08:00"), "an hour earlier by UTC"
    assert monday.latest(utc("2026-03-30T07:59")) == utc("2026-03-23T09:00")


def test_the_hour_that_autumn_shows_twice() -> None:
    """New York shows 01:00 to 02:00 twice on Sunday 1 November 2026."""
    sunday = Schedule(6, 90, "America/New_York")
    first = utc("2026-11-01T05:30")
    assert sunday.next(utc("2026-10-31T12:00")) == first
    assert sunday.latest(utc("2026-11-01T06:30")) == first, "the second time round it is over"
    assert sunday.next(first) == utc("2026-11-08T06:30")


def test_a_midnight_that_does_not_exist_begins_the_day_when_it_begins() -> None:
    """Cairo goes from 00:00 to 01:00 on Friday 24 April 2026."""
    cairo = ZoneInfo("Africa/Cairo")
    assert moment_of(date(2026, 4, 24), 0, cairo) == utc("2026-04-23T22:00")
    assert moment_of(date(2026, 4, 24), 0, cairo).astimezone(cairo).hour == 1


def test_the_week_before_by_the_local_calendar() -> None:
    monday = Schedule(0, 9 * 60, "Pacific/Auckland")
    slot = monday.latest(utc("2026-11-22T23:00"))
    assert slot == utc("2026-11-22T20:00"), "Monday morning there, Sunday evening by UTC"
    assert str(monday.week_before(slot)) == "2026-W47"
    new_year = Schedule(0, 0, "UTC")
    assert str(new_year.week_before(utc("2027-01-04T00:00"))) == "2026-W53"


@pytest.mark.parametrize("name", ["", "Europe/Londn", "../etc/passwd", "Europe", "\0"])
def test_a_zone_that_does_not_exist(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_of(name)


READ = [
    ("", DigestRequest()),
    ("now", DigestRequest("now")),
    ("off", DigestRequest("off")),
    ("on", DigestRequest("on")),
    ("now here", DigestRequest("now", "here")),
    ("here off", DigestRequest("off", "here")),
    ("here", DigestRequest("set", "here")),
    ("here monday 09:00 Europe/London", DigestRequest("set", "here", (), 0, 540, "Europe/London")),
    ("<#C0LEADS|leads> ask-policy fri 4pm", DigestRequest("set", "C0LEADS", ("ask-policy",), 4, 960)),
    ("me tuesdays at 8.30 asia/kathmandu", DigestRequest("set", "", (), 1, 510, "Asia/Kathmandu")),
    ("12am", DigestRequest("set", minute=0)),
    ("12pm UTC", DigestRequest("set", minute=720, zone="UTC")),
]


@pytest.mark.parametrize(("typed", "expected"), READ)
def test_what_is_typed(typed: str, expected: DigestRequest) -> None:
    assert read_request(typed, ["ask-policy"]) == expected


@pytest.mark.parametrize(
    "typed", ["here 25:00", "here 13pm", "here 9", "friday monday", "here <b>&x", "off x"]
)
def test_what_cannot_be_read_is_named(typed: str) -> None:
    with pytest.raises(UnreadableDigest) as caught:
        read_request(typed)
    assert caught.value.facts["typed"] in typed.split()


def test_a_zone_with_a_slip_is_called_a_zone() -> None:
    with pytest.raises(UnknownZone) as caught:
        read_request("here monday 09:00 Europe/Londn")
    assert caught.value.facts == {"typed": "Europe/Londn"}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(typed: str) -> None:
    try:
        found = read_request(typed, ["ask-policy"])
    except (UnreadableDigest, UnknownZone) as error:
        assert error.facts["typed"] in typed.replace(",", " ")
    else:
        assert found.minute is None or 0 <= found.minute < 24 * 60


@given(st.integers(0, 23), st.integers(0, 59))
def test_times_of_day(hour: int, minute: int) -> None:
    assert read_minute(f"{hour}:{minute:02}") == read_minute(f"{hour:02}.{minute:02}") == hour * 60 + minute
    half = f"{hour % 12 or 12}:{minute:02}{'pm' if hour >= 12 else 'am'}"
    assert read_minute(half) == hour * 60 + minute
