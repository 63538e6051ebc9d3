"""Conditions as people write them: understood, or asked back, and their words mean what CEL means."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.decision_tables import rows_of
from workflows.definition import load_workflow
from workflows.plain_conditions import UnclearCondition, to_condition
from workflows.plain_words import example_in_words, in_words, outcome_of
from workflows.rules import InvalidCondition, parse_condition
from workflows.table_names import KnownName, names_for

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
TABLES = [("ask-policy", "route"), ("ask-policy", "verdict"), ("triage-request", "route")]


def names_of(workflow: str, step: str) -> tuple[KnownName, ...]:
    return names_for(load_workflow((LIBRARY / f"{workflow}.yaml").read_text()), step)


TRIAGE = names_of("triage-request", "route")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("confidence under 0.3", "sort.confidence < 0.3"),
        ("input amount > 5,000", "inputs.amount > 5000"),
        ("input amount is at least finance limit", "inputs.amount >= parameters.finance_limit"),
        ("Input amount over €5000", "inputs.amount > 5000"),
        ("label is purchase", 'sort.label == "purchase"'),
        ("label is “purchase”", 'sort.label == "purchase"'),
        ("label = purchase", 'sort.label == "purchase"'),
        ("label is it access", 'sort.label == "it_access"'),
        ("label is payroll or expenses", 'sort.label == "payroll" || sort.label == "expenses"'),
        ("label is not security and confidence < 0.3", 'sort.label != "security" && sort.confidence < 0.3'),
        ("facts amount over 5000", "facts.fields.amount != null && facts.fields.amount > 5000"),
        ("due is missing", "facts.fields.due == null"),
        (
            "facts amount is missing or facts amount < 10",
            "facts.fields.amount == null || facts.fields.amount < 10",
        ),
        ('request contains "refund"', 'inputs.request.contains("refund")'),
        ("not (label is purchase)", '!(sort.label == "purchase")'),
        ("size(inputs.request) > 5", "size(inputs.request) > 5"),
        ('sort.label == "purchase"  &&  inputs.amount > 5', 'sort.label == "purchase" && inputs.amount > 5'),
    ],
)
def test_what_people_write_becomes_a_condition(typed: str, meant: str) -> None:
    assert to_condition(typed, TRIAGE) == meant
    parse_condition(meant)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("amount over 5000", "“amount” may mean `facts.fields.amount` or `inputs.amount`"),
        ("label is banana", "none of its values: it_access"),
        ("confidnce > 0.2", "did you mean `confidence`"),
        ("colour is red", "there is no “colour”; there is `confidence`"),
        ("(label is purchase", "bracket that is never closed"),
        ("label is purchase confidence", "where `and`, `or` or the end was expected"),
        ("confidence and label is purchase", "does not say what “confidence” should be"),
        ("5000", "where a comparison was expected"),
        ("9223372036854775808 > confidence", "invalid int"),
        ("(" * 500 + "confidence > 1", "brackets within each other"),
        ("label =", "ends where a name or a value was expected"),
        ("  ", "is empty"),
    ],
)
def test_what_is_unclear_is_asked_back(typed: str, said: str) -> None:
    with pytest.raises(InvalidCondition) as refused:
        to_condition(typed, TRIAGE)
    assert said in str(refused.value)


def test_a_value_that_begins_with_not_is_asked_back() -> None:
    names = (KnownName(("route", "outcome"), "text", ("covered", "not_covered")),)
    with pytest.raises(UnclearCondition, match='is "not_covered" or is not "covered"'):
        to_condition("outcome is not covered", names)
    assert to_condition('outcome is "not_covered"', names) == 'route.outcome == "not_covered"'


def test_broken_cel_says_where() -> None:
    with pytest.raises(InvalidCondition, match="character"):
        to_condition("inputs.amount + ", TRIAGE)


@pytest.mark.parametrize(("workflow", "step"), TABLES)
def test_shipped_rules_are_said_in_words_that_mean_the_same(workflow: str, step: str) -> None:
    names = names_of(workflow, step)
    for row in rows_of(load_workflow((LIBRARY / f"{workflow}.yaml").read_text()), step):
        if "when" in row:
            words = in_words(row["when"], names)
            assert "==" not in words and "&&" not in words, words
            assert to_condition(words, names) == row["when"]


def test_what_has_no_words_stays_as_it_is() -> None:
    for source in ("size(inputs.request) > 5", "!facts.fields.due == sort.label", "1 + 1 == 2"):
        assert in_words(source, TRIAGE) == source


def test_examples_and_outcomes() -> None:
    said = example_in_words('inputs.amount = 5001, sort.label = "a, b", facts.fields.due = null', TRIAGE)
    assert said == 'input amount is 5001 and label is "a, b" and due is missing'
    assert outcome_of(" Finance Approval ") == "finance_approval"


NUMBERS = (("inputs", "amount"), ("parameters", "finance_limit"), ("sort", "confidence"))
atoms = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from([".".join(name) for name in NUMBERS]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(["0", "0.5", "5000", *(".".join(name) for name in NUMBERS)]),
    ),
    st.builds('sort.label {} "{}"'.format, st.sampled_from(["==", "!="]), st.sampled_from(["a", "purchase"])),
)
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' && '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' || '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=5,
)
values = st.sampled_from([0, 0.5, 1, 5000, 6000])


@given(source=trees, amount=values, limit=values, confidence=values, label=st.sampled_from(["a", "purchase"]))
def test_words_mean_what_the_condition_means(
    source: str, amount: float, limit: float, confidence: float, label: str
) -> None:
    scope = {
        "inputs": {"amount": amount},
        "parameters": {"finance_limit": limit},
        "sort": {"confidence": confidence, "label": label},
    }
    words = in_words(source, TRIAGE)
    back = parse_condition(to_condition(words, TRIAGE))
    assert back.holds(scope) == parse_condition(source).holds(scope), words  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        made = to_condition(text, TRIAGE)
    except InvalidCondition as refused:
        assert str(refused)
    else:
        assert parse_condition(made).source == made
