"""A prompt while somebody edits it: its text without the front matter, what it may use, what is wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.steps.base import AskingStep
from workflows.steps.fencing import provided
from workflows.template import MAX_SOURCE, InvalidTemplate, nearest, parse_template
from workflows.workflow import Workflow

_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")

_MATERIAL: Mapping[str, str] = {
    "passages": "the passages that were found, numbered",
    "question": "what the person asked",
    "text": "the text to work on",
    "labels": "the kinds to sort into, each with its meaning",
    "fields": "the facts to pick out",
    "max_sentences": "the most sentences to write",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """Something a prompt may use."""

    name: str
    about: str
    is_filled: bool = True
    """Whether its steps put anything there."""


@dataclass(frozen=True, slots=True)
class PromptFlaw:
    """One thing that keeps a prompt from being used, and where in its text."""

    offset: int
    hole: str
    """What stands there; empty for the text as a whole."""
    message: str


def prompt_body(text: str) -> str:
    """The text that a model reads, without the front matter that declares its variables."""
    front = _FRONT.match(text)
    return (text[front.end() :] if front else text).strip()


def prompt_text(body: str, live: str) -> str:
    """The body as a whole prompt: declared as the live one is, with the variables that it uses now."""
    front = _FRONT.match(live)
    if front is None:
        return body.strip() + "\n"
    used = used_in(body)
    if prompt_body(live) == body.strip() or set(used) == set(used_in(prompt_body(live))):
        return front[0] + body.strip() + "\n"
    return f"---\nvariables: [{', '.join(used)}]\n---\n{body.strip()}\n"


def used_in(body: str) -> tuple[str, ...]:
    """The names that a text uses, in its order."""
    names = (found[1].strip() for found in _HOLE.finditer(body))
    return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))


def variables_for(prompt: str, users: Sequence[Workflow]) -> tuple[Variable, ...]:
    """What every step that is written with the prompt gives it."""
    steps = [(workflow, step) for workflow in users for step in _steps(prompt, workflow)]
    shared = set.intersection(*(provided(step) for _, step in steps)) if steps else set()
    about: dict[str, str] = {}
    for workflow, step in steps:
        about |= {name: _filled_with(workflow, step, name) for name in step.variables}
    filled = {name for _, step in steps for name in shared if _is_filled(step, name)}
    return tuple(
        Variable(name, about.get(name) or _MATERIAL.get(name, ""), name in filled) for name in sorted(shared)
    )


def prompt_flaws(body: str, variables: Sequence[Variable]) -> tuple[PromptFlaw, ...]:
    """Everything wrong with a prompt's text."""
    if not body.strip():
        return (PromptFlaw(0, "", "is empty"),)
    if len(body) > MAX_SOURCE - 1000:
        return (PromptFlaw(MAX_SOURCE, "", f"is longer than {(MAX_SOURCE - 1000):,} characters"),)
    try:
        parse_template(body)
    except InvalidTemplate as error:
        hole = body[error.offset : error.offset + 40].split("\n")[0]
        return (PromptFlaw(error.offset, hole, "is not a name between double braces"),)
    return tuple(_unknown(body, variables))


def _unknown(body: str, variables: Sequence[Variable]) -> Iterator[PromptFlaw]:
    known = {variable.name for variable in variables}
    filled = [variable.name for variable in variables if variable.is_filled]
    for found in _HOLE.finditer(body):
        name = found[1].strip()
        if name not in known:
            yield PromptFlaw(found.start(), found[0], f"is no variable of this prompt{nearest(name, filled)}")


def _steps(prompt: str, workflow: Workflow) -> Iterator[AskingStep]:
    for step in workflow.steps:
        if isinstance(step, AskingStep) and step.template == prompt:
            yield step


def _is_filled(step: AskingStep, name: str) -> bool:
    return name in step.variables or name in step.model_fields_set


def _filled_with(workflow: Workflow, step: AskingStep, name: str) -> str:
    references = step.variables[name].references
    if len(references) == 1 and references[0][0] == "inputs":
        given = workflow.inputs[references[0][1]]
        return f"the input “{given.label or references[0][1]}”"
    if len(references) == 1 and references[0][0] == "parameters":
        return f"the parameter {references[0][1].replace('_', ' ')}"
    return f"{step.variables[name]}"
