"""Forms from a workflow's inputs, and what was entered into them."""

import json
from typing import Any

import pytest
from slack_checks import assert_golden, assert_view, shown
from slack_samples import ASK_POLICY, PLAN_TRIP, SUMMARISE, released

from bot.slack import forms, text
from bot.slack.forms import Prefill, prefill_for
from bot.slack.seal import seal_view

PLACE = {"channel": "C0PEOPLE", "surface": "command", "response_url": "https://hooks.slack.com/x"}


def sealed(form: dict[str, Any]) -> dict[str, Any]:
    made = seal_view(form)
    assert_view(made)
    return made


def fields(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        block["block_id"].split(":")[-1].split("@")[0]: block
        for block in form["blocks"]
        if block["type"] == "input"
    }


def trip_form(**given: str) -> dict[str, Any]:
    trip = released(PLAN_TRIP)
    return sealed(
        forms.inputs_form(
            trip, PLACE, prefill=prefill_for(trip, given, {}), can_be_public=True, is_public=True
        )
    )


def test_every_kind_of_input_has_its_element() -> None:
    form = trip_form(
        why="Visit the Leeds office", nights="2", from_day="2026-12-01", by="plane", abroad="yes"
    )
    kinds = {name: block["element"]["type"] for name, block in fields(form).items()}
    assert kinds == {
        "why": "plain_text_input",
        "nights": "number_input",
        "budget": "number_input",
        "from_day": "datepicker",
        "by": "static_select",
        "abroad": "checkboxes",
        "where": "checkboxes",
    }
    assert_golden("form-plan-trip", form)


def test_what_was_typed_is_filled_in_and_nonsense_is_not() -> None:
    good = fields(trip_form(why="x", nights="2", from_day="2026-12-01", by="car", abroad="true"))
    assert good["nights"]["element"]["initial_value"] == "2"
    assert good["from_day"]["element"]["initial_date"] == "2026-12-01"
    assert good["by"]["element"]["initial_option"]["value"] == "car"
    assert good["abroad"]["element"]["initial_options"]
    bad = fields(trip_form(nights="two", from_day="tomorrow", by="boat", abroad="maybe"))
    for name in ("nights", "from_day", "by", "abroad"):
        assert not [key for key in bad[name]["element"] if key.startswith("initial")]


def test_an_optional_nought_is_left_empty_and_other_defaults_are_filled_in() -> None:
    trip = released(PLAN_TRIP.replace("required: false}", "required: false, default: 0}"))
    form = sealed(forms.inputs_form(trip, PLACE, prefill=prefill_for(trip, {}, {}), can_be_public=False))
    assert "initial_value" not in fields(form)["budget"]["element"]
    assert fields(form)["by"]["element"]["initial_option"]["value"] == "train"


def test_problems_with_what_was_typed_are_said_and_missing_inputs_are_not() -> None:
    trip = released(PLAN_TRIP)
    prefill = prefill_for(trip, {"nights": "two"}, {"nights": "must be a whole number", "why": "is needed"})
    words = shown(sealed(forms.inputs_form(trip, PLACE, prefill=prefill, can_be_public=False)))
    assert "must be a whole number" in words and "is needed" not in words


def test_a_problem_names_its_field_and_what_was_typed_there() -> None:
    trip = released(PLAN_TRIP.replace("label: Means of travel", "label: Train & car"))
    given = {"nights": "a < b", "by": "trian"}
    problems = {"nights": "must be a whole number", "by": "must be one of train, car; did you mean `train`?"}
    prefill = prefill_for(trip, given, problems)
    form = sealed(forms.inputs_form(trip, PLACE, prefill=prefill, can_be_public=False))
    said = form["blocks"][1]["text"]["text"].split("\n")
    assert said == [
        ":warning: Nights must be a whole number. You typed “a &lt; b”.",
        ":warning: Train &amp; car must be one of train, car; did you mean `train`? You typed “trian”.",
    ]


def test_a_text_too_long_for_its_field_is_cut_and_said_to_be() -> None:
    policy = released(ASK_POLICY)
    prefill = prefill_for(policy, {"question": "x" * 40_000}, {"question": "is too long"})
    form = sealed(forms.inputs_form(policy, PLACE, prefill=prefill, can_be_public=False))
    assert len(fields(form)["question"]["element"]["initial_value"]) == 2000
    assert "40 000" in shown(form)


def test_what_was_entered_comes_back_as_text_by_input() -> None:
    state = {
        "input:why@plan-trip": {"value": {"type": "plain_text_input", "value": "A visit"}},
        "input:nights@plan-trip": {"value": {"type": "number_input", "value": "2"}},
        "input:from_day@plan-trip": {"value": {"type": "datepicker", "selected_date": "2026-12-01"}},
        "input:by@plan-trip": {"value": {"type": "static_select", "selected_option": {"value": "car"}}},
        "input:abroad@plan-trip": {"value": {"type": "checkboxes", "selected_options": []}},
        "input:budget@plan-trip": {"value": {"type": "number_input", "value": None}},
        "where": {"answer-where": {"type": "checkboxes", "selected_options": [{"value": "channel"}]}},
    }
    assert forms.read_inputs(state) == {
        "why": "A visit",
        "nights": "2",
        "from_day": "2026-12-01",
        "by": "car",
        "abroad": "false",
    }
    assert forms.chose_public(state)
    assert not forms.chose_public({})


def test_errors_stand_under_their_fields() -> None:
    state: dict[str, Any] = {"input:why@plan-trip": {}, "input:nights@plan-trip": {}}
    assert forms.field_errors({"nights": "Nights is needed.", "gone": "?"}, state) == {
        "input:nights@plan-trip": "Nights is needed.",
        "input:why@plan-trip": "?",
    }
    assert forms.field_errors({"why": "x"}, {}) == {}


def test_a_form_remembers_where_it_was_opened() -> None:
    assert json.loads(trip_form()["private_metadata"])["channel"] == "C0PEOPLE"


def test_the_shortcut_form_offers_workflows_and_shows_a_long_thread_by_its_beginning() -> None:
    summarise, policy = released(SUMMARISE), released(ASK_POLICY)
    thread = "Ana: hello\n" * 900
    form = sealed(
        forms.choose_form(
            (policy, summarise),
            summarise,
            PLACE,
            prefill=Prefill({}, {}, {"thread": thread}),
            can_be_public=True,
        )
    )
    assert json.loads(form["private_metadata"])["taken"] == ["thread"]
    assert "All of it will be used" in shown(form)
    assert_golden("form-shortcut", form)


@pytest.mark.parametrize("choice", list(text.ANSWER_PLACES))
def test_settings_start_from_what_is_set_and_are_read_back(choice: str) -> None:
    form = sealed(forms.settings_form(choice, text.ANSWER_PLACES, PLACE))
    assert form["blocks"][0]["element"]["initial_option"]["value"] == choice
    state = {"answers": {"settings-answers": {"selected_option": {"value": choice}}}}
    assert forms.read_settings(state) == choice
