"""Contents with one command carried out in them, and conditions in plain words."""

import pytest

from bot.adapters.profiles import read_profiles
from bot.governance.content_edits import (
    NoSuchAlias,
    document_path,
    document_text,
    with_front_matter,
    with_model,
    with_rule,
    with_value,
)
from bot.governance.edit_commands import AddKnowledge, EditRule
from bot.governance.prompt_instructions import HEADING, instructions_of, with_instructions
from bot.governance.spoken_conditions import UnclearCondition, condition_of
from tests.bot.admin_words import LIBRARY, WORKFLOWS
from workflows.decision_tables import read_table, rows_of, with_tables
from workflows.template import parse_prompt

PROMPT = (LIBRARY / "prompts" / "ask-policy.answer.md").read_text(encoding="utf-8")
TRIAGE, SPEND = WORKFLOWS["triage-request"], WORKFLOWS["approve-spend"]

AMOUNT = "inputs.amount {0} {1} || facts.fields.amount != null && facts.fields.amount {0} {1}"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("the amount is over 5000", AMOUNT.format(">", "5000")),
        ("amount exceeds 5k", AMOUNT.format(">", "5000")),
        ("the amount is 5,000 EUR or more", AMOUNT.format(">=", "5000")),
        ("the amount is at least the finance limit", AMOUNT.format(">=", "parameters.finance_limit")),
        ("it is a purchase", 'sort.label == "purchase"'),
        ("the location is Leeds", 'facts.fields.location != null && facts.fields.location == "Leeds"'),
        (
            "the reference contains PO",
            'facts.fields.reference != null && facts.fields.reference.contains("PO")',
        ),
        ('sort.label == "purchase" && inputs.amount > 9', 'sort.label == "purchase" && inputs.amount > 9'),
    ],
)
def test_conditions_in_words_become_cel_that_the_workflow_takes(said: str, wanted: str) -> None:
    found = condition_of(said, TRIAGE)
    assert found == wanted
    command = EditRule(workflow=TRIAGE.name, step="route", condition=found, outcome="front_desk")
    rest = [row for row in rows_of(TRIAGE, "route") if "otherwise" in row]
    with_tables(TRIAGE, {"route": with_rule(TRIAGE, rest, command)})


def test_what_is_said_of_one_name_goes_on_after_and() -> None:
    assert condition_of("the amount is over 50 and under 900", SPEND) == (
        "inputs.amount > 50 && inputs.amount < 900"
    )
    assert condition_of("the amount is $1.5k or less", SPEND) == "inputs.amount <= 1500"
    assert condition_of("the email is ana@example.org", TRIAGE).endswith('== "ana@example.org"')


def test_a_limit_below_does_not_hold_for_what_nobody_gave() -> None:
    assert "inputs.amount != 0 && inputs.amount < 50" in condition_of("the amount is under 50", TRIAGE)


@pytest.mark.parametrize(
    "said",
    ["the moon is full", "the amount is Leeds", 'the amount is "5"', "", "over 5", "(" * 900 + "x > 1"],
)
def test_what_names_nothing_says_what_there_is(said: str) -> None:
    with pytest.raises(UnclearCondition) as caught:
        condition_of(said, SPEND)
    assert caught.value.why


def test_a_limit_that_is_there_is_moved_and_a_new_rule_comes_first() -> None:
    rows = rows_of(SPEND, "route")
    moved = EditRule(
        workflow=SPEND.name, step="route", condition="inputs.amount > 5000", outcome="manager_approval"
    )
    table = read_table(with_rule(SPEND, rows, moved))
    assert [row.get("when") for row in table] == ["inputs.amount > 5000", None]
    new = EditRule(workflow=SPEND.name, step="route", condition="inputs.urgent", outcome="automatic")
    table = read_table(with_rule(SPEND, rows, new))
    assert [row.get("when") for row in table] == ["inputs.urgent", "inputs.amount > 1000", None]


def test_a_rule_that_would_swallow_another_is_put_where_it_does_not() -> None:
    command = EditRule(
        workflow=SPEND.name, step="route", condition="inputs.amount > 10", outcome="automatic", because="x"
    )
    table = read_table(with_rule(SPEND, rows_of(SPEND, "route"), command))
    assert [row.get("when") for row in table] == ["inputs.amount > 1000", "inputs.amount > 10", None]


def test_instructions_are_a_list_before_the_data_and_a_turned_one_replaces_its_opposite() -> None:
    said = instructions_of("friendlier and never promise a date, keep it under 50 words")
    assert said == ("Be friendlier.", "Never promise a date.", "Keep it under 50 words.")
    first = with_instructions(PROMPT, said)
    assert first.index(HEADING) < first.index("<<<PASSAGES")
    assert "- Be friendlier.\n- Never promise a date.\n- Keep it under 50 words.\n" in first
    again = with_instructions(first, ("Always promise a date.", "Be friendlier."))
    assert again.count("- ") - first.count("- ") == 0 and "- Always promise a date." in again
    assert "Never promise" not in again
    assert parse_prompt("p", again).variables == parse_prompt("p", PROMPT).variables
    assert with_instructions(first, said) == first


def test_a_prompt_without_fences_gets_its_list_at_the_end() -> None:
    assert with_instructions("Answer {{ question }}.\n", ("Be brief.",)) == (
        f"Answer {{{{ question }}}}.\n\n{HEADING}\n- Be brief.\n"
    )


def test_a_new_text_keeps_the_declarations_of_the_old() -> None:
    made = with_front_matter(PROMPT, "Answer {{ question }} from {{ passages }}")
    assert parse_prompt("p", made).variables == ("question", "passages")


MODELS = """# what we use
default:
  model: azure/gpt-4o   # agreed in March
  api_base: https://models.example.org/v1
  api_key_env: AZURE_KEY
  temperature: 0.2

careful:
  model: openai/o3
  api_key_env: OPENAI_KEY
"""


def test_a_model_is_swapped_and_the_rest_stays() -> None:
    other = read_profiles(with_model(MODELS, "default", "openai/gpt-4o-mini")).profile("default")
    assert (other.model, other.api_base, other.api_key_env, other.temperature) == (
        "openai/gpt-4o-mini", None, None, 0.2,
    )  # fmt: skip
    same = read_profiles(with_model(MODELS, "default", "azure/gpt-5")).profile("default")
    assert same.api_key_env == "AZURE_KEY"
    copied = with_model(MODELS, "default", "careful")
    assert read_profiles(copied).profile("default") == read_profiles(MODELS).profile("careful")
    assert copied.startswith("# what we use\n") and "careful:\n  model: openai/o3\n" in copied
    with pytest.raises(NoSuchAlias):
        with_model(MODELS, "other", "openai/x")


def test_values_and_documents() -> None:
    assert with_value('{"a": 1}', "b", 2) == '{"a": 1, "b": 2}'
    assert with_value("", "b", True) == '{"b": true}'
    assert document_path("Dogs & cats!", {"chat/dogs-cats.md"}) == "chat/dogs-cats-2.md"
    assert document_path("???", ()) == "chat/note.md"
    note = AddKnowledge(collection="people", heading="Dogs", text="Welcome.")
    assert document_text(note) == "# Dogs\n\nWelcome.\n"


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("the amount is over 5,000 €", "5000"),
        ("the amount is over 5.000 €", "5000"),
        ("the amount is over €12.500", "12500"),
        ("the amount is over 5.000,00 EUR", "5000"),
        ("the amount is over 5.000", "5"),
        ("the amount is over 5.50 €", "5.5"),
    ],
)
def test_money_is_read_as_it_is_written_on_either_side_of_the_channel(said: str, limit: str) -> None:
    assert condition_of(said, SPEND) == f"inputs.amount > {limit}"
