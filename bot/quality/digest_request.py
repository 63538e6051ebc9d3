"""What people type after `/spanwise digest`: whose digest, and when it shall come. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from zoneinfo import available_timezones

from bot.quality.digest_slots import UnknownZone

Wish = Literal["show", "now", "on", "off", "set"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_CHANNEL = re.compile(r"<#([CG][A-Z0-9]{2,30})(?:\|[^>]*)?>")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?", re.IGNORECASE)
_WORKFLOW = re.compile(r"/?[a-z][a-z0-9-]{0,63}")


class UnreadableDigest(Exception):
    """A word that names neither a channel, a workflow, a day, a time nor a time zone; fact `typed` is it."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.facts = {"typed": typed}


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """What was typed. What was left out is None or empty."""

    wish: Wish = "show"
    place: str = ""
    """A channel's id, `here`, or empty for the person's own."""
    workflows: tuple[str, ...] = ()
    weekday: int | None = None
    minute: int | None = None
    zone: str = ""


def read_request(typed: str, workflows: Sequence[str] = ()) -> DigestRequest:
    """`now`, `off`, `here monday 09:00 Europe/London`, `#leads ask-policy friday 4pm`, `me tuesday 8:30`.

    Raises UnreadableDigest, UnknownZone.
    """
    words = typed.replace(",", " ").split()
    if not words:
        return DigestRequest()
    found, rest = _place(words)
    if len(rest) == 1 and rest[0].lower() in ("now", "off", "on"):
        return replace(found, wish=rest[0].lower())  # type: ignore[arg-type]  # one of the three
    for word in rest:
        found = _taken(found, word, workflows)
    return replace(found, wish="set")


def _place(words: Sequence[str]) -> tuple[DigestRequest, list[str]]:
    """The place may come first or, of `now here` and `off here`, last."""
    for at in dict.fromkeys((0, len(words) - 1)):
        channel = _CHANNEL.fullmatch(words[at])
        word = words[at].lower()
        if channel or word in ("here", "me"):
            rest = [each for number, each in enumerate(words) if number != at]
            place = channel[1] if channel else "here" if word == "here" else ""
            return DigestRequest("set", place), rest
    return DigestRequest("set"), list(words)


def _taken(found: DigestRequest, word: str, workflows: Sequence[str]) -> DigestRequest:
    plain = word.strip("`").lower()
    if plain in ("at", "on", "every", "of", "for"):
        return found
    if (day := _weekday(plain)) is not None and found.weekday is None:
        return replace(found, weekday=day)
    if (minute := read_minute(plain)) is not None and found.minute is None:
        return replace(found, minute=minute)
    if plain.removeprefix("/") in workflows and _WORKFLOW.fullmatch(plain):
        return replace(found, workflows=(*found.workflows, plain.removeprefix("/")))
    if not found.zone and (zone := zone_named(word)):
        return replace(found, zone=zone)
    if "/" in word[1:]:
        raise UnknownZone(word)
    raise UnreadableDigest(word)


def _weekday(word: str) -> int | None:
    fits = [
        number
        for number, day in enumerate(WEEKDAYS)
        if day.startswith(word.removesuffix("s")) and len(word) > 2
    ]
    return fits[0] if len(fits) == 1 else None


def read_minute(word: str) -> int | None:
    """`09:00`, `9.30`, `4pm` as a minute of the day; None when it is no time."""
    found = _TIME.fullmatch(word)
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def zone_named(word: str) -> str:
    """The IANA time zone of that name, however it is capitalised; empty when there is none."""
    return _zones().get(word.lower(), "")


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}
