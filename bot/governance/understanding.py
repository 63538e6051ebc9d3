"""What became of a sentence: a command, a command with a piece missing, or several it could be. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.governance.admin_commands import COMMANDS
from bot.governance.command_base import AdminCommand

Slots = Mapping[str, str]
"""Pieces of a command as they were said, by field."""

CHOICES = 25
"""Most to choose from; Slack's menus take 100, people fewer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a missing piece may be."""

    value: str
    label: str = ""
    scope: str = ""
    """What a right must be held over to be shown it; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A command that is whole."""

    command: AdminCommand


@dataclass(frozen=True, slots=True)
class Missing:
    """A command that lacks a piece, or has one that fits several things."""

    kind: str
    slots: Slots
    field: str
    choices: tuple[Choice, ...] = ()
    """Empty when it is to be written."""
    said: str = ""
    """What was said instead and fits nothing, or several."""
    why: str = ""
    """What is wrong with what was said, in plain words."""

    @property
    def question(self) -> str:
        """What to ask."""
        return COMMANDS[self.kind].questions[self.field]


@dataclass(frozen=True, slots=True)
class Unsure:
    """Something about a workflow's inside, but which command is not clear."""

    kinds: tuple[str, ...]
    """Commands it may be, by their word."""
    slots: Slots = field(default_factory=dict)


class NotOurs(Exception):
    """The sentence only looks like a command: what it names does not exist here."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.facts = {"name": name}


class Lacking(Exception):
    """A piece is missing; carries the question."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.field)
        self.missing = missing
        self.facts = {"field": missing.field}
