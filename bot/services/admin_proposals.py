"""From a typed command to the content it would make of a target, read from what is live."""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.store.document_names import list_names
from bot.governance.changes import Target
from bot.governance.command_base import AdminCommand
from bot.governance.content_edits import (
    document_path,
    document_text,
    with_front_matter,
    with_model,
    with_rule,
    with_value,
)
from bot.governance.duty_commands import GiveRole, TakeRole
from bot.governance.edit_commands import (
    AddKnowledge,
    EditPrompt,
    EditRule,
    ForgetKnowledge,
    SetParameter,
    SwapModel,
)
from bot.governance.prompt_instructions import with_instructions
from bot.services.contents import MODELS
from bot.services.targets import HELD, Targets
from workflows.decision_tables import read_table

PROPOSALS = (EditPrompt, SetParameter, EditRule, AddKnowledge, ForgetKnowledge, SwapModel, GiveRole, TakeRole)
"""Commands that are carried out as a change of a target."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a command would put in place."""

    target: Target
    content: str
    base: str
    """What it was made from."""


def draft_of(connection: Connection, targets: Targets, command: AdminCommand) -> Draft:
    """The target and its new content. Raises UnknownTarget, NoSuchAlias."""
    target = target_of(connection, command)
    base = targets.current(connection, target).text
    return Draft(target, _content(connection, targets, command, target, base), base)


def target_of(connection: Connection, command: AdminCommand) -> Target:
    """What a command changes."""
    if isinstance(command, EditPrompt):
        return Target("prompt", command.prompt)
    if isinstance(command, SetParameter):
        return Target("parameters", command.workflow)
    if isinstance(command, EditRule):
        return Target("rules", f"{command.workflow}/{command.step}")
    if isinstance(command, AddKnowledge):
        taken = {path for collection, path, *_ in list_names(connection) if collection == command.collection}
        return Target("document", f"{command.collection}/{document_path(command.heading, taken)}")
    if isinstance(command, ForgetKnowledge):
        return Target("document", f"{command.collection}/{command.document}")
    if isinstance(command, SwapModel):
        return Target("models", MODELS)
    if isinstance(command, GiveRole | TakeRole):
        return Target("grant", f"{command.grantee}:{command.role.value}:{command.over}")
    raise TypeError(f"{command.title} changes no target")


def _content(
    connection: Connection, targets: Targets, command: AdminCommand, target: Target, base: str
) -> str:
    if isinstance(command, EditPrompt):
        if command.text:
            return with_front_matter(base, command.text)
        return with_instructions(base, command.instructions)
    if isinstance(command, SetParameter):
        return with_value(base, command.parameter, command.value)
    if isinstance(command, EditRule):
        return with_rule(targets.workflow(connection, target), read_table(base), command)
    if isinstance(command, AddKnowledge):
        return document_text(command)
    if isinstance(command, SwapModel):
        return with_model(base, command.alias, command.model)
    return HELD if isinstance(command, GiveRole) else ""
