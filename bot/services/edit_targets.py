"""What is live of a target that people edit in a form: its text, who moved it last, and whose it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.store.versions_log import StoredVersion, label_mover
from bot.governance.changes import Target
from bot.services.contents import PARAMETERS, PROMPT, RULES, WORKFLOW, Versions
from bot.services.pinning import effective_workflow
from workflows.decision_tables import UnknownTable, rows_of, table_steps, table_text
from workflows.run import Json
from workflows.versions import content_hash
from workflows.workflow import Workflow

FORMS = (PROMPT, PARAMETERS, RULES)
"""Kinds that have a form; neither models nor anything else about them is among them."""


class NothingToEdit(Exception):
    """There is no such prompt, parameter or table, or no form for its kind."""

    def __init__(self, target: Target) -> None:
        super().__init__(str(target))
        self.facts = {"kind": target.kind, "name": target.name}


@dataclass(frozen=True, slots=True)
class Live:
    """A target as it is now."""

    text: str
    mover: str
    """Who made it what it is: a person's id, or where it came from."""
    users: tuple[Workflow, ...]
    """The workflows it is part of, its own first."""

    @property
    def hash(self) -> str:
        """What tells whether it has moved."""
        return content_hash(self.text)

    @property
    def workflow(self) -> Workflow:
        """The workflow it belongs to."""
        return self.users[0]


def read_live(connection: Connection, target: Target, live: Versions) -> Live:
    """The target as it is now. Raises NothingToEdit."""
    users = _users(target, live)
    if not users or target.kind not in FORMS:
        raise NothingToEdit(target)
    text = _text(target, users[0], live)
    kept = live.get((target.kind, target.name))
    mover = label_mover(connection, target.kind, target.name)
    if kept is None:
        mover = label_mover(connection, WORKFLOW, users[0].name)
    return Live(text, mover, users)


def targets_of(workflow: Workflow) -> tuple[Target, ...]:
    """What of a workflow has a form: prompts, parameters, decision tables."""
    prompts = [Target("prompt", name) for name in sorted(workflow.prompt_names())]
    parameters = [Target("parameters", workflow.name)] if workflow.parameters else []
    tables = [Target("rules", f"{workflow.name}/{step}") for step in table_steps(workflow)]
    return (*prompts, *parameters, *tables)


def values_of(text: str) -> dict[str, Json]:
    """The tuned values of a parameters' content; none where it cannot be read."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def values_text(values: Mapping[str, Json]) -> str:
    """Tuned values as a content, always laid out alike."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _users(target: Target, live: Versions) -> tuple[Workflow, ...]:
    names = [name for kind, name in live if kind == WORKFLOW]
    if target.kind == PROMPT:
        every = [effective_workflow(name, live) for name in names]
        using = [each for each in every if target.name in each.prompt_names()]
        return tuple(sorted(using, key=lambda each: (each.name != target.workflow, each.name)))
    return (effective_workflow(target.workflow, live),) if target.workflow in names else ()


def _text(target: Target, workflow: Workflow, live: Versions) -> str:
    kept: StoredVersion | None = live.get((target.kind, target.name))
    if target.kind == RULES:
        try:
            rows = rows_of(workflow, target.name.partition("/")[2])
        except UnknownTable:
            raise NothingToEdit(target) from None
        return kept.content if kept else table_text(rows)
    if target.kind == PARAMETERS and workflow.parameters:
        return kept.content if kept else "{}"
    if kept is None:
        raise NothingToEdit(target)
    return kept.content
