"""The form of a workflow's parameters: each with what it takes, what it is, and a way back. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.services.drafting import Editing
from bot.services.edit_targets import values_of, values_text
from bot.slack import edit_text as text
from bot.slack import elements as el
from bot.slack.edit_memory import packed
from bot.slack.edit_views import ERROR_CHARACTERS, based_on_live, closing_blocks, state_blocks
from bot.slack.forms import FIELD
from bot.slack.long_text import cut, join
from bot.slack.richtext import Block
from workflows.inputs import Parameter
from workflows.run import Json

PARAMETER_FORM = "edit-parameters"
"""Callback id."""
RESET = "edit-reset"
"""Action id."""
_YES_NO = {"yes": "yes", "no": "no"}


def parameter_form(
    editing: Editing, place: Mapping[str, str], *, why: str = "", resets: Mapping[str, int] | None = None
) -> Block:
    """Every parameter; `resets` counts how often each was put back, so that its field is drawn anew."""
    resets = resets or {}
    values = values_of(editing.edit.content)
    declared = editing.live.workflow.parameters
    blocks = [
        el.context(text.belongs_to(editing.edit.target, editing.live.users, editing.live.mover)),
        *state_blocks(editing, why),
    ]
    gaps: dict[str, list[str]] = {}
    for name, parameter in declared.items():
        shown = _shown(values[name]) if name in values else ""
        made, found = _fields(editing, name, parameter, shown, resets.get(name, 0))
        blocks += made
        if name in values:
            blocks.append(_reset(name, parameter))
        gaps |= {name: found} if found else {}
    blocks += closing_blocks(editing, why)
    return el.modal(
        "Edit parameters",
        blocks,
        callback_id=PARAMETER_FORM,
        metadata=packed(based_on_live(editing), place, s=gaps, z=dict(resets)),
        submit="Propose",
        close="Close",
    )


def read_raw(state: Mapping[str, Mapping[str, Any]], gaps: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What was entered for each parameter that was not left empty, and for no other."""
    pieces: dict[str, dict[int, str]] = {}
    for block, elements in state.items():
        prefix, _, rest = block.partition(":")
        if prefix == "p":
            name, number = rest.partition("@")[0].split(":")
            pieces.setdefault(name, {})[int(number)] = _entered(elements.get(FIELD) or {})
    joined = {
        name: join([found[number] for number in sorted(found)], gaps.get(name, ())).text
        for name, found in pieces.items()
    }
    return {name: value for name, value in joined.items() if value}


def read_values(
    declared: Mapping[str, Parameter], raw: Mapping[str, str]
) -> tuple[dict[str, Json], dict[str, str]]:
    """Values that differ from their defaults, and what is wrong with the others by name."""
    values: dict[str, Json] = {}
    problems: dict[str, str] = {}
    for name, parameter in declared.items():
        if name not in raw:
            continue
        try:
            value = parameter.read(raw[name])
        except ValueError as error:
            problems[name] = text.value_flaw(name, str(error), raw[name])
            continue
        if value != parameter.default:
            values[name] = value
    return values, problems


def parameter_errors(problems: Mapping[str, str], state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong, by the first field of its parameter."""
    errors = {}
    for name, problem in problems.items():
        block = next(block for block in sorted(state) if block.startswith(f"p:{name}:"))
        errors[block] = el.shorten(problem, ERROR_CHARACTERS)
    return errors


def raw_text(raw: Mapping[str, str]) -> str:
    """What was entered, as the content of a draft that cannot be proposed yet."""
    return values_text(dict(raw))


def _fields(
    editing: Editing, name: str, parameter: Parameter, shown: str, resets: int
) -> tuple[list[Block], list[str]]:
    edit = editing.edit
    made = cut(shown) if parameter.kind == "text" else cut(shown, 10_000)
    count = len(made.pieces)
    blocks = []
    for number, piece in enumerate(made.pieces, 1):
        part = f", part {number} of {count}" if count > 1 else ""
        blocks.append(
            el.field_block(
                f"p:{name}:{number}@{edit.draft_id}.{resets}",
                text.parameter_label(name) + part,
                _element(parameter, piece),
                hint=text.parameter_hint(parameter) if number == count else "",
                optional=True,
            )
        )
    return blocks, list(made.gaps)


def _element(parameter: Parameter, shown: str) -> Block:
    default = text.shown_value(parameter.default)
    if parameter.kind == "boolean":
        return el.select(FIELD, [el.option(word.capitalize(), word) for word in _YES_NO], shown)
    if parameter.choices:
        return el.select(FIELD, [el.option(choice, choice) for choice in parameter.choices], shown)
    long = parameter.kind == "text" and parameter.max_length > 100
    return el.text_input(FIELD, shown, multiline=long, hint=default)


def _reset(name: str, parameter: Parameter) -> Block:
    label = text.parameter_label(name)
    button = el.button("Reset", RESET, name, about=f"Reset {label} to {text.shown_value(parameter.default)}")
    return el.section(text.tuned(name, parameter.default), button)


def _shown(value: Json) -> str:
    return text.shown_value(value)


def _entered(element: Mapping[str, Any]) -> str:
    chosen = (element.get("selected_option") or {}).get("value")
    return str(chosen or element.get("value") or "")


def reset_counts(metadata: Mapping[str, Any], name: str) -> dict[str, int]:
    """How often each parameter was put back, with one of them once more."""
    counts: Iterator[tuple[str, int]] = (
        (key, int(value)) for key, value in (metadata.get("z") or {}).items()
    )
    found = dict(counts)
    return {**found, name: found.get(name, 0) + 1}
