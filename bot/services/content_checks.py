"""Whether a proposed content can be used where it is meant to go, with every problem at once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from bot.adapters.profiles import InvalidProfiles, read_profiles
from bot.adapters.store.document_log import collection_revisions
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import Target
from bot.services.catalogue import Catalogue
from bot.services.contents import MODELS, PROMPT, WORKFLOW, Content
from bot.services.pinning import Pinned
from bot.services.targets import HELD, Targets, parameter_values
from workflows.decision_tables import UnknownTable, read_table, table_text
from workflows.definition import InvalidWorkflow, check_references, load_workflow
from workflows.inputs import InvalidInputs
from workflows.reader import Problem
from workflows.template import InvalidPrompt, parse_prompt

PARAMETERS_FORM = 'must be names with their values as JSON: {"passages": 6, "min_support": 0.5}'

MAX_DOCUMENT = 400_000
"""Characters of a document that a person writes."""


class InvalidContent(Exception):
    """What is proposed cannot be used; `problems` says all that is wrong with it, each with its place."""

    def __init__(self, target: Target, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        self.facts = {"kind": target.kind, "name": target.name, "problems": "\n".join(problems)}


def checked(
    connection: Connection, targets: Targets, target: Target, text: str, label: str = PRODUCTION
) -> str:
    """The content laid out as it is kept. Raises InvalidContent, UnknownTarget."""
    try:
        kept = _read(connection, targets, target, text, label)
        problems = tuple(dict.fromkeys(_consequences(connection, targets, target, kept, label)))
    except (InvalidWorkflow, InvalidPrompt, InvalidProfiles) as error:
        raise InvalidContent(target, tuple(map(str, error.problems))) from None
    except InvalidInputs as error:
        said = tuple(f"{name}: {why}" for name, why in error.problems.items())
        raise InvalidContent(target, said) from None
    except UnknownTable as error:
        known = error.facts["known"] or "none"
        said = (f"`{error.facts['workflow']}` has no decision table `{error.facts['step']}`; it has {known}",)
        raise InvalidContent(target, said) from None
    if problems:
        raise InvalidContent(target, problems)
    return kept


def _read(connection: Connection, targets: Targets, target: Target, text: str, label: str) -> str:
    """The content by itself, whatever stands around it."""
    if target.kind == WORKFLOW:
        if load_workflow(text, source=f"{target.name}.yaml").name != target.name:
            raise InvalidContent(target, (f"`name` must stay `{target.name}`: it is the command",))
    elif target.kind == PROMPT:
        parse_prompt(target.name, text)
    elif target.kind == "parameters":
        return _parameters(connection, targets, target, text, label)
    elif target.kind == "rules":
        return table_text(read_table(text, source=target.name))
    elif target.kind == MODELS:
        read_profiles(text)
    elif target.kind == "document":
        if len(text) > MAX_DOCUMENT:
            raise InvalidContent(target, (f"has {len(text)} characters; at most {MAX_DOCUMENT} fit",))
        return text.strip() + "\n" if text.strip() else ""
    elif text not in (HELD, ""):
        raise InvalidContent(target, ("a role is given or taken, nothing else",))
    return text


def _parameters(connection: Connection, targets: Targets, target: Target, text: str, label: str) -> str:
    try:
        given = parameter_values(text)
    except ValueError:
        raise InvalidContent(target, (PARAMETERS_FORM,)) from None
    typed = targets.workflow(connection, target, label).read_parameters(given)
    return json.dumps({name: typed[name] for name in sorted(given)}, ensure_ascii=False)


def _consequences(
    connection: Connection, targets: Targets, target: Target, text: str, label: str
) -> Iterator[str]:
    """What the workflows that use it would miss."""
    if target.kind in ("document", "grant"):
        return
    names = targets.affected(connection, target, label)
    content = Content(target.kind, target.name, text)
    for name in names:
        pinned = targets.catalogue.resolve_with(connection, name, [content], label=label)
        for problem in _missing(connection, targets, pinned, label):
            yield problem if name == target.workflow else f"in `{name}`: {problem}"


def _missing(connection: Connection, targets: Targets, pinned: Pinned, label: str) -> Iterator[str]:
    live = targets.catalogue.versions(connection, label)
    aliases = read_profiles(pinned.models_text).aliases if pinned.models_text else None
    workflows = {name for kind, name in live if kind == WORKFLOW}
    prompts = {name: pinned.prompt(name) for name in pinned.names(PROMPT)}
    collections = collection_revisions(connection)
    for name in pinned.names(WORKFLOW):
        found = check_references(
            pinned.workflow(name),
            prompts=prompts,
            workflows=workflows,
            collections=collections or None,
            aliases=aliases,
        )
        yield from map(str, found)


@dataclass(frozen=True, slots=True)
class Unmet:
    """What a workflow from a file names that is not there."""

    missing: tuple[Problem, ...]
    """Without it no run can succeed."""
    awaited: tuple[Problem, ...]
    """Collections, which may be added later."""


def unmet(
    connection: Connection,
    catalogue: Catalogue,
    contents: Sequence[Content],
    *,
    shipped: Sequence[str],
    label: str,
) -> Unmet:
    """What the last of the contents would miss; `shipped` collections come with the first run."""
    live = catalogue.versions(connection, label)
    workflow = load_workflow(contents[-1].text)
    texts = {name: stored.content for (kind, name), stored in live.items() if kind == PROMPT}
    texts |= {each.name: each.text for each in contents if each.kind == PROMPT}
    prompts = {name: parse_prompt(name, texts[name]) for name in workflow.prompt_names() if name in texts}
    profiles = live.get((MODELS, "models"))
    aliases = read_profiles(profiles.content).aliases if profiles else None
    workflows = {workflow.name, *(name for kind, name in live if kind == WORKFLOW)}
    check = partial(check_references, workflow, prompts=prompts, workflows=workflows, aliases=aliases)
    missing = check()
    everything = check(collections={*shipped, *collection_revisions(connection)})
    return Unmet(missing, tuple(each for each in everything if each not in missing))
