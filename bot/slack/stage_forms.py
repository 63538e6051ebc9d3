"""The forms behind the buttons of the readiness card: a person, a volume, a case, a pilot. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.governance.stages import Pilot
from bot.slack import elements as el
from bot.slack.richtext import Block
from workflows.inputs import Input

PERSON_FORM, VOLUME_FORM, BUDGET_FORM, CASE_FORM, PILOT_FORM = (
    "stage-person-form",
    "stage-volume-form",
    "stage-budget-form",
    "stage-case-form",
    "stage-pilot-form",
)
"""Callback ids."""
FIELD = "value"
"""Action id of every field; its block says which one."""
PERSON, VOLUME, BUDGET, PEOPLE, SHARE, CONTAIN, ABSTAIN, WHY = (
    "person",
    "volume",
    "budget",
    "people",
    "share",
    "contain",
    "abstain",
    "why",
)
INPUT = "input:"
"""Start of the block of each input of a case."""
MOST_RUNS = 1_000_000_000

State = Mapping[str, Mapping[str, Any]]


class InvalidVolume(Exception):
    """Not a whole number in bounds; fact `value`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.facts = {"value": value}


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a pilot shall serve, as chosen in the form."""

    people: tuple[str, ...]
    share: int


def person_form(place: Mapping[str, str]) -> Block:
    """Who answers for the workflow, or steps in."""
    return _form(
        "Name a person",
        PERSON_FORM,
        place,
        [
            el.section("They become owner of this workflow: they may change, pilot, promote and retire it."),
            el.field_block(PERSON, "Person", {"type": "users_select", "action_id": FIELD}),
        ],
    )


def volume_form(place: Mapping[str, str], expected: int) -> Block:
    """How many runs a month somebody expects."""
    number: Block = {
        "type": "number_input",
        "action_id": FIELD,
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": str(MOST_RUNS),
    }
    if expected:
        number["initial_value"] = str(expected)
    field = el.field_block(
        VOLUME, "Runs a month", number, hint="The forecast multiplies it by what a run costs."
    )
    return _form("Expected volume", VOLUME_FORM, place, [field])


def budget_form(place: Mapping[str, str]) -> Block:
    """How many dollars a month it may spend."""
    dollars: Block = {
        "type": "number_input",
        "action_id": FIELD,
        "is_decimal_allowed": True,
        "min_value": "0.01",
        "max_value": "10000000",
    }
    hint = "When it is spent, the owners are told and can add to it."
    return _form(
        "Budget", BUDGET_FORM, place, [el.field_block(BUDGET, "Dollars a month", dollars, hint=hint)]
    )


def read_budget(state: State) -> Decimal:
    """The dollars entered. Raises InvalidOperation."""
    return Decimal(str(((state.get(BUDGET) or {}).get(FIELD) or {}).get("value") or ""))


def case_form(place: Mapping[str, str], inputs: Mapping[str, Input]) -> Block:
    """What to ask, and what the answer must hold."""
    fields = [
        el.field_block(f"{INPUT}{name}", item.label or name, el.text_input(FIELD), optional=not item.required)
        for name, item in inputs.items()
    ]
    abstain = {
        "type": "checkboxes",
        "action_id": FIELD,
        "options": [el.option("It must say that it does not know", "yes")],
    }
    fields += [
        el.field_block(
            CONTAIN, "The answer must contain", el.text_input(FIELD), hint="One text a line.", optional=True
        ),
        el.field_block(ABSTAIN, "Or, outside its documents", abstain, optional=True),
        el.field_block(WHY, "Why this case", el.text_input(FIELD, limit=1000), optional=True),
    ]
    return _form("Add a case", CASE_FORM, place, fields)


def pilot_form(place: Mapping[str, str], pilot: Pilot | None) -> Block:
    """Whom the candidate shall serve."""
    people: Block = {"type": "multi_users_select", "action_id": FIELD}
    if pilot and pilot.people:
        people["initial_users"] = list(pilot.people)
    share: Block = {
        "type": "number_input",
        "action_id": FIELD,
        "is_decimal_allowed": False,
        "min_value": "0",
        "max_value": "100",
        "initial_value": str(pilot.share if pilot else 0),
    }
    hint = "Each person is in or out by chance, and stays so. A user group is named with /spanwise pilot."
    fields = [
        el.field_block(PEOPLE, "People", people, optional=True),
        el.field_block(SHARE, "Share of everybody else, in percent", share, hint=hint),
    ]
    return _form("Pilot", PILOT_FORM, place, fields)


def read_person(state: State) -> str:
    """The person chosen."""
    return str(_element(state, PERSON).get("selected_user") or "")


def read_volume(state: State) -> int:
    """The number entered. Raises InvalidVolume."""
    value = str(_element(state, VOLUME).get("value") or "").strip()
    if not value.isdecimal() or not 1 <= int(value) <= MOST_RUNS:
        raise InvalidVolume(value)
    return int(value)


def read_case(state: State) -> tuple[dict[str, str], dict[str, Any], str]:
    """Inputs, what to expect, and why."""
    inputs = {
        block.removeprefix(INPUT): text
        for block in state
        if block.startswith(INPUT) and (text := str(_element(state, block).get("value") or ""))
    }
    contain = str(_element(state, CONTAIN).get("value") or "")
    expect: dict[str, Any] = {}
    if lines := [line.strip() for line in contain.splitlines() if line.strip()]:
        expect["must_contain"] = lines
    if _element(state, ABSTAIN).get("selected_options"):
        expect["must_abstain"] = True
    return inputs, expect, str(_element(state, WHY).get("value") or "")


def read_pilot(state: State) -> Choice:
    """People and share; what is no number in bounds is no share."""
    share = str(_element(state, SHARE).get("value") or "0")
    people = _element(state, PEOPLE).get("selected_users") or ()
    return Choice(tuple(map(str, people)), int(share) if share.isdecimal() else 0)


def _element(state: State, block: str) -> Mapping[str, Any]:
    found = (state.get(block) or {}).get(FIELD)
    return found if isinstance(found, Mapping) else {}


def _form(title: str, callback_id: str, place: Mapping[str, str], blocks: list[Block]) -> Block:
    metadata = json.dumps(dict(place), separators=(",", ":"))
    return el.modal(title, blocks, callback_id=callback_id, metadata=metadata, submit="Save", close="Cancel")
