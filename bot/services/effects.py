"""What a change does, in one plain sentence, and its content as people read it."""

from collections.abc import Mapping, Sequence

from bot.governance.changes import Target
from bot.governance.differences import differences
from bot.services.rule_effects import rules_effect, rules_in_words
from bot.services.targets import parameter_values
from workflows.definition import InvalidWorkflow
from workflows.run import Json
from workflows.template import as_text
from workflows.workflow import Workflow


def for_pilot(effect: str) -> str:
    """The effect of what only a pilot gets at first."""
    return f"{effect} Only those whom the pilot serves get it, until it is promoted."


def effect_of(
    target: Target, old: str, new: str, *, affected: Sequence[str], workflow: Workflow | None
) -> str:
    """One sentence in plain text: from when, where, and what is different."""
    where = _where(affected)
    title = workflow.title if workflow else target.workflow or target.name
    if target.kind == "prompt":
        gone, came = _counted(old, new)
        return f"From the next run on, {where} gets reworded instructions: {came} added, {gone} removed."
    if target.kind == "parameters":
        return _parameters_effect(old, new, title, workflow)
    if target.kind == "rules":
        return rules_effect(old, new, workflow, target.name.partition("/")[2], title=title)
    if target.kind == "models":
        return f"From the next run on, {where} calls the models as set up here."
    if target.kind == "document":
        return _document_effect(target, old, new, where)
    if target.kind == "grant":
        return _grant_effect(target, is_given=bool(new))
    if not old:
        return f"{title} becomes a workflow that people with the right can run."
    return f"From the next run on, {title} runs as this file says."


def readable(target: Target, text: str, workflow: Workflow | None) -> str:
    """A content as people read it: parameters and rules as lines of words, the rest as written."""
    try:
        if target.kind == "parameters" and workflow is not None:
            return "".join(f"{name}: {value}\n" for name, value in _all_values(text, workflow).items())
        if target.kind == "rules":
            return rules_in_words(text, workflow, target.name.partition("/")[2])
    except (ValueError, InvalidWorkflow):
        return text
    if target.kind == "grant":
        return _grant_words(target) if text else ""
    return text


def _where(affected: Sequence[str]) -> str:
    if not affected:
        return "no workflow yet"
    named = [f"/{name}" for name in affected]
    if len(named) > 3:
        return f"each of {len(named)} workflows"
    return named[0] if len(named) == 1 else f"each of {', '.join(named[:-1])} and {named[-1]}"


def _counted(old: str, new: str) -> tuple[str, str]:
    pieces = differences(old, new)
    gone = sum(len(piece.text.split()) for piece in pieces if piece.change == "removed")
    came = sum(len(piece.text.split()) for piece in pieces if piece.change == "added")
    return _words(gone), _words(came)


def _words(count: int) -> str:
    return "1 word" if count == 1 else f"{count} words"


def _all_values(text: str, workflow: Workflow) -> Mapping[str, str]:
    tuned = parameter_values(text)
    return {name: _value(tuned.get(name, declared.default)) for name, declared in workflow.parameters.items()}


def _value(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_text(value)


def _parameters_effect(old: str, new: str, title: str, workflow: Workflow | None) -> str:
    if workflow is None:
        return f"From the next run on, {title} runs with other values."
    before, after = _all_values(old, workflow), _all_values(new, workflow)
    moved = [
        f"{name} is {value} instead of {before[name]}"
        for name, value in after.items()
        if value != before.get(name)
    ]
    if not moved:
        return f"{title} keeps its values, and no longer follows its file in them."
    return f"From the next run on, in {title} {' and '.join(moved)}."


def _document_effect(target: Target, old: str, new: str, where: str) -> str:
    collection, _, path = target.name.partition("/")
    if not new:
        return f"{path} leaves the collection {collection}: {where} no longer finds it."
    if not old:
        return f"{path} joins the collection {collection}: {where} can answer from it at once."
    return f"{path} in the collection {collection} says something else: {where} answers from it at once."


def _grant_effect(target: Target, *, is_given: bool) -> str:
    verb = "gets" if is_given else "no longer has"
    grantee, role, scope = target.name.split(":", 2)
    return f"{grantee} {verb} the role {role} {_over(scope)}."


def _grant_words(target: Target) -> str:
    grantee, role, scope = target.name.split(":", 2)
    return f"{grantee} is {role} {_over(scope)}\n"


def _over(scope: str) -> str:
    kind, _, name = scope.partition(":")
    if kind == "workflow":
        return f"of /{name}"
    return f"of the collection {name}" if kind == "collection" else "of everything"
