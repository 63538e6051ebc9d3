"""What people type about how long content is kept: `ask-policy 90 days`, `ask-policy for ever`. Pure."""

import re
from dataclasses import dataclass

MOST_DAYS = 3650
FOR_EVER = 0
"""Days that stand for no end."""

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_TIME = re.compile(r"(\d{1,4})\s*(day|week|month|year)s?", re.IGNORECASE)
_FOR_EVER = re.compile(r"for\s*ever", re.IGNORECASE)
_WORKFLOW = re.compile(r"[a-z][a-z0-9-]{0,63}")


class InvalidKeeping(Exception):
    """Not a time to keep something for; facts `typed` and `most`."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.facts = {"typed": typed, "most": str(MOST_DAYS)}


@dataclass(frozen=True, slots=True)
class KeepingRequest:
    """What was typed: nothing to see all, a workflow to see it, a time to set it."""

    workflow: str = ""
    is_change: bool = False
    days: int | None = None
    """FOR_EVER; None as the setting says."""


def read_keeping(typed: str) -> KeepingRequest:
    """`ask-policy`, `ask-policy 90 days`, `… for ever`, `… default`. Raises InvalidKeeping."""
    first, _, rest = typed.replace("`", " ").strip().partition(" ")
    name, rest = first.lower().removeprefix("/"), rest.strip()
    if not name:
        return KeepingRequest()
    if not _WORKFLOW.fullmatch(name):
        raise InvalidKeeping(first)
    if not rest:
        return KeepingRequest(name)
    if rest.lower() == "default":
        return KeepingRequest(name, is_change=True)
    return KeepingRequest(name, is_change=True, days=read_days(rest))


def read_days(typed: str) -> int:
    """`90 days`, `3 months` (of 30 days), `1 year` (of 365), `for ever`. Raises InvalidKeeping."""
    plain = typed.strip()
    if _FOR_EVER.fullmatch(plain):
        return FOR_EVER
    found = _TIME.fullmatch(plain)
    days = int(found[1]) * _DAYS[found[2].lower()] if found else 0
    if not 0 < days <= MOST_DAYS:
        raise InvalidKeeping(typed)
    return days
