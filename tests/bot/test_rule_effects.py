"""The effect of a change of a decision table in one sentence, with the overlaps it brings."""

import pytest

from bot.governance.changes import Target
from bot.services.effects import effect_of, readable
from tests.bot.admin_words import WORKFLOWS
from workflows.decision_tables import rows_of, table_text

SPEND, TRIAGE = WORKFLOWS["approve-spend"], WORKFLOWS["triage-request"]
BIG = {"when": "inputs.amount > 1000", "then": "manager_approval", "because": "Large sums need a manager."}
LAST = {"otherwise": "automatic", "because": "Small sums need nobody."}
URGENT = {"when": "inputs.urgent", "then": "fast", "because": "Somebody waits."}


def effect(*rows: dict[str, str]) -> str:
    target = Target("rules", "approve-spend/route")
    old, new = table_text(rows_of(SPEND, "route")), table_text(rows)
    made = effect_of(target, old, new, affected=("approve-spend",), workflow=SPEND)
    return made.removeprefix("From the next run on, Approve spending ")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            (BIG, {**URGENT, "when": "inputs.urgent && inputs.amount < 10"}, LAST),
            "decides “fast” when urgent is true and amount is less than 10, tried as rule 2 of 3.",
        ),
        (
            ({**BIG, "when": "inputs.amount > 5000"}, LAST),
            "decides “manager approval” when amount is more than 5000 "
            "instead of when amount is more than 1000.",
        ),
        (
            ({**BIG, "then": "board"}, LAST),
            "decides “board” instead of “manager approval” when amount is more than 1000.",
        ),
        ((LAST,), "no longer has the rule that decides “manager approval” when amount is more than 1000."),
        ((BIG, {"otherwise": "nobody"}), "decides “nobody” instead of “automatic” when no rule holds."),
        (({**BIG, "because": "Because."}, LAST), "gives other reasons and decides as before."),
    ],
)
def test_what_is_decided_otherwise_is_said_in_words(rows: tuple[dict[str, str], ...], said: str) -> None:
    assert effect(*rows) == said


def test_a_rule_that_takes_cases_from_another_is_pointed_out() -> None:
    assert effect(URGENT, BIG, LAST) == (
        "decides “fast” when urgent is true, tried before every other rule; rules 1 and 2 overlap: "
        "where both hold, for example when urgent is yes and amount is 1001, it is “fast” "
        "and not “manager approval”."
    )


def test_of_many_overlaps_one_is_told_and_the_others_are_numbered() -> None:
    rows = rows_of(TRIAGE, "route")
    first = {"when": "inputs.amount > 5000", "then": "finance_approval", "because": "Much money."}
    target = Target("rules", "triage-request/route")
    made = effect_of(
        target, table_text(rows), table_text([first, *rows]), affected=("triage-request",), workflow=TRIAGE
    )
    assert "; rules 1 and 2 overlap: where both hold, for example when input amount is 5001" in made
    assert made.count("overlap") == 1 and "; so do more rules: 3" in made


def test_two_rules_the_other_way_round_are_said_to_be() -> None:
    target = Target("rules", "approve-spend/route")
    two = [table_text(rows) for rows in ((URGENT, BIG, LAST), (BIG, URGENT, LAST))]
    made = effect_of(target, *two, affected=(), workflow=SPEND)
    assert "tries the same rules in another order" in made


def test_rules_are_read_in_words_and_what_is_no_table_as_it_stands() -> None:
    target = Target("rules", "triage-request/route")
    table = table_text(rows_of(TRIAGE, "route"))
    shown = readable(target, table, TRIAGE)
    said = 'When label is "purchase" and input amount is at least finance limit then finance approval'
    assert said in shown
    assert "&&" not in shown and "inputs." not in shown
    assert readable(target, "no table", TRIAGE) == "no table"
