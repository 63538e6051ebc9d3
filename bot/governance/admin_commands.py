"""What an admin may say, as one table: a typed command each, with its examples, its right and its words.

Grammar, `help`, docs/admin.md and the tests read this table; nothing else lists the commands. Pure.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter

from bot.governance.command_base import AdminCommand
from bot.governance.duty_commands import AddCase, Evaluate, GiveRole, Pilot, Promote, Retire, TakeRole
from bot.governance.edit_commands import (
    AddKnowledge,
    EditPrompt,
    EditRule,
    ForgetKnowledge,
    RollBack,
    SetParameter,
    SwapModel,
    Undo,
)
from bot.governance.query_commands import Changes, Help, History, ShowCommand, WhoChanged

COMMANDS: Mapping[str, type[AdminCommand]] = {
    str(each.model_fields["command"].default): each
    for each in (
        *(EditPrompt, SetParameter, EditRule, AddKnowledge, ForgetKnowledge, SwapModel),
        *(Undo, RollBack, GiveRole, TakeRole, Promote, Pilot, Retire, Evaluate, AddCase),
        *(ShowCommand, WhoChanged, History, Changes, Help),
    )
}
"""By the word that tells them apart, in the order of `help`."""

AnyCommand: TypeAlias = Annotated[
    EditPrompt
    | SetParameter
    | EditRule
    | AddKnowledge
    | ForgetKnowledge
    | SwapModel
    | Undo
    | RollBack
    | GiveRole
    | TakeRole
    | Promote
    | Pilot
    | Retire
    | Evaluate
    | AddCase
    | ShowCommand
    | WhoChanged
    | History
    | Changes
    | Help,
    Field(discriminator="command"),
]
_READER: TypeAdapter[AnyCommand] = TypeAdapter(AnyCommand)

ANSWERED = (ShowCommand, WhoChanged, History, Changes, Help)
"""Commands that change nothing and are answered at once."""


def read_command(value: object) -> AdminCommand:
    """A command from plain JSON. Raises pydantic's ValidationError."""
    return _READER.validate_python(value)
