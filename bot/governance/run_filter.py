"""Which runs somebody looks for, and whether one is among them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workflows.run import Ending, RunStatus

VoteSide = Literal["", "up", "down"]

OPEN = "open"
"""Has not ended: queued, running or waiting."""
UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
STATES = (*(ending.value for ending in Ending), *(status.value for status in UNFINISHED), OPEN)
"""What a run can be looked for as: how it ended, or where it stands."""
TEXT_CHARACTERS = 200
"""Longest text to look for."""

_ODD = str.maketrans({"\u0130": "\ue130", "\u212a": "\ue12a", "\u03a3": "\u03c3", "\u03c2": "\u03c3"})
"""Two letters outside ASCII whose small form is inside are letters of their own, here of the private area, so
that what a database finds without regard to case in ASCII is never less than what `fold` finds. A sigma is
one everywhere."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to find; what is empty is not looked at."""

    workflow: str = ""
    person: str = ""
    """Slack's id of who asked."""
    state: str = ""
    """One of STATES."""
    vote: VoteSide = ""
    """Somebody's vote on it stands so."""
    text: str = ""
    """Occurs in what was asked or answered, in capitals or not."""
    since: datetime | None = None
    until: datetime | None = None
    """Asked before then."""


def fold(text: str) -> str:
    """Text as it is compared: without regard to capitals."""
    return text.translate(_ODD).lower()
