"""What people type to find runs: `ask-policy @ana failed down "carry over" since last week`. Pure."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from bot.governance.run_filter import OPEN, STATES, TEXT_CHARACTERS, RunFilter, VoteSide

Span = tuple[datetime, datetime]

ALIASES: Mapping[str, str] = {"not-covered": "abstained", "unfinished": OPEN}
VOTES: Mapping[str, VoteSide] = {
    **dict.fromkeys(("up", "👍", ":+1:", ":thumbsup:"), "up"),
    **dict.fromkeys(("down", "👎", ":-1:", ":thumbsdown:"), "down"),
}
FILLERS = frozenset({"of", "by", "from", "with", "runs", "and", "the", "for"})
"""Said between filters, and skipped."""
_EDGES = frozenset({"since", "until", "in"})
_LONGEST = 3
"""Words of the longest time."""

_QUOTED = re.compile(r"[\"“”„«]([^\"“”„«»]*)[\"“”»]|(?<!\S)['‘’](.*?)['’](?!\S)")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|([UW][A-Z0-9]{4,30})")
_WORKFLOW = re.compile(r"/?([a-z][a-z0-9-]{0,63})")
_AGO = re.compile(r"(?:last )?(\d{1,4}) (hour|day|week)s?(?: ago)?")
_WORD = re.compile(r"\0\d+\0|<@[^>]*>|\S+")


class UnknownFilter(Exception):
    """A word that filters nothing; facts `word` and `nearest`, which may be empty."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        near = difflib.get_close_matches(word.lower(), [*STATES, *ALIASES, *_NAMED, "up", "down", "since"], 1)
        self.facts = {"word": word, "nearest": near[0] if near else ""}


class NotAPeriod(Exception):
    """After `since` or `until` stands no time; fact `value`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.facts = {"value": value}


class FilteredTwice(Exception):
    """Two values for what can have one; facts `what`, `first` and `second`."""

    def __init__(self, what: str, first: str, second: str) -> None:
        super().__init__(what)
        self.facts = {"what": what, "first": first, "second": second}


class EmptySpan(Exception):
    """It would end before it begins; facts `since` and `until`."""

    def __init__(self, since: datetime, until: datetime) -> None:
        super().__init__(since)
        self.facts = {"since": f"{since:%Y-%m-%d %H:%M}", "until": f"{until:%Y-%m-%d %H:%M}"}


def read_filter(typed: str, now: datetime, *, myself: str = "", zone: tzinfo = UTC) -> RunFilter:
    """What was typed as a filter; days begin and end in `zone`.

    Raises UnknownFilter, NotAPeriod, FilteredTwice, EmptySpan.
    """
    texts: list[str] = []

    def take_out(found: re.Match[str]) -> str:
        texts.append(" ".join((found[1] or found[2] or "").split())[:TEXT_CHARACTERS])
        return f" \0{len(texts) - 1}\0 "

    reader = _Reader(now.astimezone(zone), myself, texts)
    words = _WORD.findall(_QUOTED.sub(take_out, typed.replace("\0", " ").replace("`", " ")))
    while words:
        del words[: reader.take(words)]
    found = reader.found
    if found.since and found.until and found.until <= found.since:
        raise EmptySpan(found.since, found.until)
    return found


class _Reader:
    """Takes words from the front, one filter at a time."""

    def __init__(self, now: datetime, myself: str, texts: list[str]) -> None:
        self.now = now
        self.myself = myself
        self.texts = texts
        self.found = RunFilter()

    def take(self, words: list[str]) -> int:
        """Read one filter; how many words it was."""
        word = words[0]
        plain = word.lower().strip(",;")
        if plain in FILLERS or not plain:
            return 1
        if plain in _EDGES and len(words) == 1:
            raise NotAPeriod(plain)
        if plain in _EDGES:
            return 1 + self._time(words[1:], plain)
        span, count = self._longest(words)
        if span is not None:
            self._between(*span)
            return count
        self._single(word.strip(",;"), plain)
        return 1

    def _single(self, word: str, plain: str) -> None:
        person = _PERSON.fullmatch(word)
        if word.startswith("\0"):
            self._set("text", self.texts[int(word.strip("\0"))])
        elif person or (plain == "me" and self.myself):
            self._set("person", (person[1] or person[2]) if person else self.myself)
        elif plain in VOTES:
            self._set("vote", VOTES[plain])
        elif plain in STATES or plain in ALIASES:
            self._set("state", ALIASES.get(plain, plain))
        elif _WORKFLOW.fullmatch(plain) and not self.found.workflow and not _is_slip(plain):
            self._set("workflow", plain.removeprefix("/"))
        else:
            raise UnknownFilter(word)

    def _set(self, name: str, value: str) -> None:
        before = getattr(self.found, name)
        if before and before != value:
            raise FilteredTwice(name, before, value)
        changed: dict[str, Any] = {name: value}
        self.found = replace(self.found, **changed)

    def _time(self, words: list[str], edge: str) -> int:
        """After `since` a time begins, before `until` it ends, `in` it lies between."""
        span, count = self._longest(words)
        if span is None:
            raise NotAPeriod(" ".join(words[:2]))
        if edge == "since":
            self._between(span[0], None)
        elif edge == "until":
            # a week ends when it is over, two days ago is when it was
            is_moment = _AGO.fullmatch(" ".join(words[:count]).lower().strip(",;"))
            self._between(None, span[0] if is_moment else span[1])
        else:
            self._between(*span)
        return count

    def _between(self, since: datetime | None, until: datetime | None) -> None:
        self.found = replace(
            self.found,
            since=self.found.since if since is None else since.astimezone(UTC),
            until=self.found.until if until is None else until.astimezone(UTC),
        )

    def _longest(self, words: list[str]) -> tuple[Span | None, int]:
        for count in range(min(_LONGEST, len(words)), 0, -1):
            span = span_of(" ".join(words[:count]).lower().strip(",;"), self.now)
            if span is not None:
                return span, count
        return None, 0


def _is_slip(word: str) -> bool:
    """Whether it is nearly the name of a state, and not that of a workflow: those may begin with a slash."""
    return not word.startswith("/") and bool(difflib.get_close_matches(word, STATES, 1, cutoff=0.8))


def span_of(words: str, now: datetime) -> Span | None:
    """`2026-11-01`, `last week`, `7 days`, `yesterday` as from when until when, in the zone of `now`."""
    named = _NAMED.get(words)
    if named is not None:
        return named(now)
    ago = _AGO.fullmatch(words)
    if ago:
        return now - timedelta(**{f"{ago[2]}s": int(ago[1])}), now
    try:
        day = date.fromisoformat(words) if len(words) == 10 else None
    except ValueError:
        return None
    return _days(day, 1, now) if day and 1900 < day.year < 9000 else None


def _days(first: date, count: int, now: datetime) -> Span:
    return _midnight(first, now), _midnight(first + timedelta(days=count), now)


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time(), now.tzinfo)


def _week(now: datetime, back: int) -> Span:
    return _days(now.date() - timedelta(days=now.weekday() + 7 * back), 7, now)


def _month(now: datetime, back: int) -> Span:
    first = now.date().replace(day=1)
    if back:
        first = (first - timedelta(days=1)).replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return _midnight(first, now), _midnight(following, now)


_NAMED: Mapping[str, Callable[[datetime], Span]] = {
    "today": lambda now: _days(now.date(), 1, now),
    "yesterday": lambda now: _days(now.date() - timedelta(days=1), 1, now),
    "this week": lambda now: _week(now, 0),
    "last week": lambda now: _week(now, 1),
    "this month": lambda now: _month(now, 0),
    "last month": lambda now: _month(now, 1),
}
