"""Golden cases as files say them: every key, every mistake at its line, and the patterns."""

import time
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.cases import Case, InvalidCases, load_cases, read_case
from workflows.expectations import Expectation
from workflows.glob import matches

EVERYTHING = """
- id: everything
  inputs: {question: "How many days?", nights: 2, alone: true}
  why: "Because."
  expect:
    outcome: covered
    exact: "Five days."
    must_contain: [five]
    must_not_contain: [six]
    pattern: "*five*days?"
    schema: {type: object, properties: {days: {type: integer}}, required: [days]}
    must_cite: [leave/annual-leave.md]
    grounded: true
    must_abstain: false
    similar_to: "Up to five days."
    max_seconds: 20
    max_cost: 0.01
    rubric: {text: "Names the number of days.", at_least: 0.8}
    label: hr
    fields: {amount: 64.2, due: null}
"""


def test_every_key_is_read() -> None:
    (case,) = load_cases(EVERYTHING)
    expect = case.expect
    assert expect.model_fields_set == set(Expectation.model_fields), "the example leaves a key out"
    assert case.inputs == {"question": "How many days?", "nights": "2", "alone": "yes"}
    assert expect.similar_to and expect.similar_to.at_least == 0.7
    assert expect.rubric and (expect.rubric.text, expect.rubric.at_least) == (
        "Names the number of days.",
        0.8,
    )
    assert expect.max_cost == Decimal("0.01")
    assert expect.output_schema and expect.output_schema.problem({"days": "five"})


def test_a_case_survives_being_stored() -> None:
    (case,) = load_cases(EVERYTHING)
    again = read_case(case.as_json(), run_id="r_1")
    assert again.as_json() == case.as_json()
    assert (again.source, again.run_id, again.expect.max_cost) == ("chat", "r_1", Decimal("0.01"))


@pytest.mark.parametrize(
    ("expect", "place", "said"),
    [
        ("{}", (4, "0.expect"), "expects nothing"),
        (
            "{must_contian: [a]}",
            (4, "0.expect.must_contian"),
            "is not a key here; did you mean `must_contain`",
        ),
        ("{similar_to: {text: a, atleast: 1}}", (4, "0.expect.similar_to.atleast"), "`at_least`"),
        ("{similar_to: {text: a, at_least: 2}}", (4, "0.expect.similar_to.at_least"), "must be 1.0 or less"),
        ("{must_cite: one.md}", (4, "0.expect.must_cite"), "must be a list"),
        ("{must_contain: [a, a]}", (4, "0.expect.must_contain"), "names `a` twice"),
        ("{must_contain: [a], must_not_contain: [A]}", (4, "0.expect"), "must_contain and must_not_contain"),
        ("{grounded: 'yes'}", (4, "0.expect.grounded"), "must be true or false"),
        ("{max_seconds: 0}", (4, "0.expect.max_seconds"), "must be more than 0"),
        ("{max_cost: -1}", (4, "0.expect.max_cost"), "0 dollars or more"),
        ("{max_cost: cheap}", (4, "0.expect.max_cost"), "must be dollars"),
        ("{max_cost: true}", (4, "0.expect.max_cost"), "must be dollars"),
        ("{schema: {pattern: a}}", (4, "0.expect.schema"), "keyword `pattern` is not allowed"),
        ("{schema: {type: wrong}}", (4, "0.expect.schema"), "is not a JSON Schema"),
        ("{pattern: ''}", (4, "0.expect.pattern"), "is empty"),
        ("{rubric: 5}", (4, "0.expect.rubric"), "must be a mapping"),
    ],
)
def test_mistakes_are_named_at_their_line(expect: str, place: tuple[int, str], said: str) -> None:
    text = f"# cases\n- id: one\n  inputs: {{question: a}}\n  expect: {expect}\n"
    with pytest.raises(InvalidCases) as caught:
        load_cases(text)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == place and said in problem.message


def test_every_problem_is_reported_at_once() -> None:
    first = "- id: One\n  inputs: {}\n  expect: {max_seconds: 0, grounded: 3}\n"
    text = f"{first}- id: two\n  expect: {{outcome: a}}\n"
    with pytest.raises(InvalidCases) as caught:
        load_cases(text)
    assert {problem.path for problem in caught.value.problems} == {
        "0.id",
        "0.expect.max_seconds",
        "0.expect.grounded",
        "1.inputs",
    }


def test_what_is_said_in_chat_is_held_to_the_same() -> None:
    with pytest.raises(InvalidCases, match="expects nothing"):
        read_case({"id": "a", "inputs": {}, "expect": {}})


def fits(pattern: str, text: str) -> bool:
    """The definition, tried out in every way."""

    @cache
    def at(place: int, position: int) -> bool:
        if place == len(pattern):
            return position == len(text)
        if pattern[place] == "*":
            return at(place + 1, position) or (position < len(text) and at(place, position + 1))
        return (
            position < len(text) and pattern[place] in ("?", text[position]) and at(place + 1, position + 1)
        )

    return at(0, 0)


small = st.text(alphabet="ab*?", max_size=12)


@given(small, st.text(alphabet="ab", max_size=14))
def test_a_pattern_matches_what_its_definition_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text) is fits(pattern, text)


@given(st.text(max_size=40))
def test_a_text_fits_itself_and_everything_fits_a_star(text: str) -> None:
    plain = text.replace("*", "").replace("?", "")
    assert matches(plain, plain.upper().lower() if plain.isascii() else plain)
    assert matches("*", text) and matches(f"*{plain}*", f"x{plain}y")


def test_no_pattern_takes_long() -> None:
    began = time.process_time()
    assert not matches("a*" * 400 + "b", "a" * 100_000)
    assert not matches("*?a" * 300 + "b", "a" * 100_000)
    assert time.process_time() - began < 3


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=3))
)


@given(st.dictionaries(st.sampled_from(sorted(Expectation.keys())), values, max_size=4))
def test_anything_is_read_or_refused_and_what_is_read_stays_the_same(given_: dict[str, Any]) -> None:
    content = {"id": "a", "inputs": {}, "expect": given_}
    try:
        case = read_case(content)
    except InvalidCases as error:
        assert error.problems
    else:
        assert isinstance(case, Case) and read_case(case.as_json()).as_json() == case.as_json()
