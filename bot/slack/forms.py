"""Modals: building them from a workflow's inputs, and reading what was entered. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.services.catalogue import Released
from bot.slack import elements as el
from bot.slack import text
from bot.slack.arguments import NAMELESS
from bot.slack.richtext import Block
from bot.slack.thread_text import thread_used
from workflows.inputs import Input

INPUTS, CHOOSE, SETTINGS, DONE = "inputs-form", "workflow-form", "settings-form", "notice-view"
"""Callback ids."""

CHOICE, WHERE, ANSWERS = "workflow-choice", "answer-where", "settings-answers"
"""Action ids of menus: which workflow, where this answer goes, where answers go."""

FIELD = "value"
"""Action id of every input of a workflow; its block says which one."""
FIELD_CHARACTERS = 3000
"""Slack takes no more in one text field."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,10})?")


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a form starts with."""

    values: Mapping[str, str]
    problems: Mapping[str, str]
    """By input, a sentence on what is wrong with the value that was given."""
    taken: Mapping[str, str]
    """Inputs whose text is too long for a field and is read from Slack at the end, with its beginning."""


def inputs_form(
    released: Released,
    metadata: Mapping[str, Any],
    *,
    prefill: Prefill,
    can_be_public: bool,
    is_public: bool = False,
) -> Block:
    """The form of one workflow."""
    blocks = [
        *_opening(released, prefill),
        *_fields(released, prefill),
        *([where_field(is_public=is_public)] if can_be_public else []),
    ]
    return el.modal(
        released.title,
        blocks,
        callback_id=INPUTS,
        metadata=_packed({**metadata, "workflow": released.name, "taken": list(prefill.taken)}),
        submit="Run",
        close="Cancel",
    )


def choose_form(
    everything: Sequence[Released],
    chosen: Released,
    metadata: Mapping[str, Any],
    *,
    prefill: Prefill,
    can_be_public: bool,
) -> Block:
    """The form of a message shortcut: a workflow, and its inputs below."""
    options = [el.option(item.title, item.name, item.purpose) for item in everything[:100]]
    menu = el.field_block("workflow", "Workflow", el.select(CHOICE, options, chosen.name))
    form = inputs_form(chosen, metadata, prefill=prefill, can_be_public=can_be_public)
    return {
        **form,
        "title": el.plain("Run a workflow on this"),
        "callback_id": CHOOSE,
        "blocks": [{**menu, "dispatch_action": True}, *form["blocks"]],
    }


def notice_view(title: str, words: str) -> Block:
    """A modal that says one thing."""
    return el.modal(title, [el.section(words)], callback_id=DONE)


def read_inputs(state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What was entered, by input; empty fields are left out."""
    found = {}
    for block_id, elements in state.items():
        prefix, _, name = block_id.partition(":")
        value = _entered(elements.get(FIELD) or {})
        if prefix == "input" and value:
            found[name.partition("@")[0]] = value
    return found


def field_errors(problems: Mapping[str, str], state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Problems by the block that each stands under; those of inputs without a field go under the first."""
    blocks = {
        block_id.partition(":")[2].partition("@")[0]: block_id
        for block_id in state
        if block_id.startswith("input:")
    }
    fallback = next(iter(blocks.values()), "")
    errors = {blocks.get(name, fallback): el.shorten(problem, 150) for name, problem in problems.items()}
    return {block: problem for block, problem in errors.items() if block}


def chose_public(state: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the answer shall go to the channel."""
    element = (state.get("where") or {}).get(WHERE) or {}
    return any(item.get("value") == "channel" for item in element.get("selected_options") or ())


def where_field(*, is_public: bool) -> Block:
    """The box that sends an answer to the channel."""
    box = el.option("Answer in the channel", "channel", "Everyone there reads your question and the answer")
    element: Block = {"type": "checkboxes", "action_id": WHERE, "options": [box]}
    if is_public:
        element["initial_options"] = [box]
    return el.field_block("where", "Who reads it", element, optional=True)


def settings_form(current: str, choices: Mapping[str, str], metadata: Mapping[str, Any]) -> Block:
    """A person's own settings."""
    options = [el.option(label, value) for value, label in choices.items()]
    menu = el.field_block(
        "answers",
        "Where answers go",
        el.select(ANSWERS, options, current),
        hint="Of commands, where a flag, --public or --private, counts more. A mention in a channel is "
        "always answered there.",
    )
    return el.modal(
        "Your settings",
        [menu],
        callback_id=SETTINGS,
        metadata=_packed(metadata),
        submit="Save",
        close="Cancel",
    )


def read_settings(state: Mapping[str, Mapping[str, Any]]) -> str:
    """The chosen place for answers."""
    element = (state.get("answers") or {}).get(ANSWERS) or {}
    return str((element.get("selected_option") or {}).get("value", ""))


def prefill_for(released: Released, given: Mapping[str, str], problems: Mapping[str, str]) -> Prefill:
    """Start a form with what was typed; what is longer than its field is said to be cut."""
    labels = {name: item.label or name for name, item in released.face.inputs.items()}
    said = {
        name: text.typed_problem(labels.get(name, name), why, given[name])
        for name, why in problems.items()
        if given.get(name, "").strip()
    }
    if given.get(NAMELESS):
        said[NAMELESS] = text.no_field_for(given[NAMELESS])
    for name, item in released.face.inputs.items():
        limit = min(_limit(item), FIELD_CHARACTERS)
        if len(given.get(name, "")) > limit:
            said[name] = text.was_cut(labels[name], len(given[name]), limit)
    return Prefill(given, said, {})


def _packed(metadata: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in metadata.items() if value}, separators=(",", ":"))


def _opening(released: Released, prefill: Prefill) -> list[Block]:
    said = "\n".join(prefill.problems.values())
    return [el.context(el.escape(released.purpose)), *([el.section(said)] if said else [])]


def _fields(released: Released, prefill: Prefill) -> Iterable[Block]:
    for name, item in released.face.asked_inputs.items():
        if name in prefill.taken:
            yield el.section(f"*{el.escape(item.label or name)}*\n{text.quote(prefill.taken[name], 300)}")
            yield el.context(thread_used(prefill.taken[name]))
            continue
        given = prefill.values.get(name, "")
        # an optional 0 stands for "not given"; shown in the field it would read as an answer
        default = "" if item.default is None or not (item.required or item.default) else str(item.default)
        value = given or default
        # the workflow is part of the block id: Slack keeps what was entered under an id it has seen
        block_id = f"input:{name}@{released.name}"
        element = _element(item, value)
        optional = not item.required or item.kind == "boolean"
        yield el.field_block(block_id, item.label or name, element, hint=item.help or "", optional=optional)


def _element(item: Input, value: str) -> Block:
    kind = item.kind
    if kind in ("number", "integer"):
        return _number_element(item, value)
    if kind == "date":
        day: Block = {"type": "datepicker", "action_id": FIELD}
        return {**day, "initial_date": value} if _DATE.fullmatch(value) else day
    if kind == "boolean":
        box = el.option("Yes", "true")
        made: Block = {"type": "checkboxes", "action_id": FIELD, "options": [box]}
        return {**made, "initial_options": [box]} if value.lower() in ("true", "yes", "1", "on") else made
    if kind == "choice":
        return el.select(FIELD, [el.option(choice, choice) for choice in item.choices], value)
    return el.text_input(FIELD, value, limit=_limit(item))


def _number_element(item: Input, value: str) -> Block:
    made: Block = {"type": "number_input", "action_id": FIELD, "is_decimal_allowed": item.kind == "number"}
    if item.min is not None:
        made["min_value"] = str(item.min)
    if item.max is not None:
        made["max_value"] = str(item.max)
    return {**made, "initial_value": value} if _NUMBER.fullmatch(value) else made


def _limit(item: Input) -> int:
    return item.max_length or FIELD_CHARACTERS


def _entered(element: Mapping[str, Any]) -> str:
    if element.get("type") == "checkboxes":
        return "true" if element.get("selected_options") else "false"
    chosen = (element.get("selected_option") or {}).get("value")
    return str(chosen or element.get("selected_date") or element.get("value") or "")
