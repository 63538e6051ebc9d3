"""What people type to find runs, read as a filter; anything else is refused by name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.governance.run_filter import STATES, RunFilter, fold
from bot.governance.run_words import (
    EmptySpan,
    FilteredTwice,
    NotAPeriod,
    UnknownFilter,
    read_filter,
)

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
"""A Sunday."""


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def read(typed: str, **options: Any) -> RunFilter:
    return read_filter(typed, NOW, **options)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", RunFilter()),
        ("ask-policy", RunFilter("ask-policy")),
        ("`/ask-policy`", RunFilter("ask-policy")),
        ("/answer", RunFilter("answer")),
        ("runs of ask-policy by <@U0ANA|ana>", RunFilter("ask-policy", "U0ANA")),
        ("U0ANA failed", RunFilter(person="U0ANA", state="failed")),
        ("not-covered", RunFilter(state="abstained")),
        ("unfinished", RunFilter(state="open")),
        ("DOWN", RunFilter(vote="down")),
        ("👍", RunFilter(vote="up")),
        ("“carry over” answered", RunFilter(state="answered", text="carry over")),
        ("'it’s over'", RunFilter(text="it’s over")),
        ('"since last week"', RunFilter(text="since last week")),
        ("since 2026-11-01", RunFilter(since=at(2026, 11, 1))),
        ("since 2026-11-01 until 2026-11-03", RunFilter(since=at(2026, 11, 1), until=at(2026, 11, 4))),
        ("2026-11-01", RunFilter(since=at(2026, 11, 1), until=at(2026, 11, 2))),
        ("last week", RunFilter(since=at(2026, 11, 9), until=at(2026, 11, 16))),
        ("since last week", RunFilter(since=at(2026, 11, 9))),
        ("until yesterday", RunFilter(until=at(2026, 11, 22))),
        ("until 5 days ago", RunFilter(until=NOW - timedelta(days=5))),
        ("this week", RunFilter(since=at(2026, 11, 16), until=at(2026, 11, 23))),
        ("in last month", RunFilter(since=at(2026, 10, 1), until=at(2026, 11, 1))),
        ("since 7 days", RunFilter(since=NOW - timedelta(days=7))),
        ("last 3 hours", RunFilter(since=NOW - timedelta(hours=3), until=NOW)),
        ("since 2 weeks ago, up", RunFilter(vote="up", since=NOW - timedelta(weeks=2))),
    ],
)
def test_it_is_read_as_meant(typed: str, expected: RunFilter) -> None:
    assert read(typed) == expected


def test_me_is_who_types() -> None:
    assert read("me", myself="U0ANA").person == "U0ANA"


def test_days_are_those_of_the_reader() -> None:
    kathmandu = read("today", zone=ZoneInfo("Asia/Kathmandu"))
    assert kathmandu.since == at(2026, 11, 21, 18, 15) and kathmandu.until == at(2026, 11, 22, 18, 15)
    # clocks went back in London that night, so the day has 25 hours
    london = read("2026-10-25", zone=ZoneInfo("Europe/London"))
    assert london.since == at(2026, 10, 24, 23) and london.until == at(2026, 10, 26)


@pytest.mark.parametrize(
    ("typed", "error", "facts"),
    [
        ("cancelld", UnknownFilter, {"word": "cancelld", "nearest": "cancelled"}),
        ("ask-policy faild", UnknownFilter, {"word": "faild", "nearest": "failed"}),
        ("@ana", UnknownFilter, {"word": "@ana"}),
        ("since", NotAPeriod, {"value": "since"}),
        ("since christmas failed", NotAPeriod, {"value": "christmas failed"}),
        ("since 2026-13-01", NotAPeriod, {"value": "2026-13-01"}),
        ("failed answered", FilteredTwice, {"what": "state", "first": "failed", "second": "answered"}),
        ("<@U0ANA> <@U0BEN>", FilteredTwice, {"what": "person", "second": "U0BEN"}),
        ("up down", FilteredTwice, {"what": "vote"}),
        (
            "since today until yesterday",
            EmptySpan,
            {"since": "2026-11-22 00:00", "until": "2026-11-22 00:00"},
        ),
    ],
)
def test_what_filters_nothing_is_refused(typed: str, error: type[Exception], facts: dict[str, str]) -> None:
    with pytest.raises(error) as caught:
        read(typed)
    assert facts.items() <= caught.value.facts.items()  # type: ignore[attr-defined]


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*STATES, "since", "up", "last", "week", '"', "7", "days", "a-b"])).map(
        " ".join
    )
)
def test_any_text_is_read_or_refused_by_name(typed: str) -> None:
    try:
        found = read(typed)
    except (UnknownFilter, NotAPeriod, FilteredTwice, EmptySpan) as error:
        assert all(isinstance(value, str) for value in error.facts.values())
    else:
        assert found.state in ("", *STATES)
        assert found.since is None or found.until is None or found.since < found.until


@given(st.sampled_from(STATES), st.sampled_from(["up", "down"]), st.permutations(range(4)))
def test_the_order_does_not_matter(state: str, vote: str, order: list[int]) -> None:
    words = [state, vote, "ask-policy", "since last week"]
    assert read(" ".join(words[place] for place in order)) == read(" ".join(words))


def test_letters_that_are_none_of_ascii_are_told_apart() -> None:
    """A capital I with a dot, the sign for Kelvin, and what stands where a letter could not be read."""
    letters = ("\u0130", "\u212a", "\ufffd", "i", "k")
    assert len({fold(letter) for letter in letters}) == len(letters)


@given(st.text(max_size=20), st.text(max_size=20))
def test_comparing_agrees_with_ascii_capitals(one: str, other: str) -> None:
    """What a database finds that knows the capitals of ASCII only is never less than what `fold` finds."""

    def ascii_lower(text: str) -> str:
        return "".join(letter.lower() if letter.isascii() else letter for letter in text)

    plain = "".join(letter for letter in one if letter.isascii())
    if plain and fold(plain) in fold(other):
        assert ascii_lower(plain) in ascii_lower(other)
