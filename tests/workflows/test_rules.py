import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.rule_checks import comparisons, findings
from workflows.rules import ConditionFailed, InvalidCondition, Rule, decide, parse_condition
from workflows.run import Json

SCOPE: dict[str, Json] = {
    "find": {"support": 0.3, "count": 3, "passages": [{"title": "A", "score": 0.5}], "nothing": None},
    "parameters": {"min_support": 0.4, "whole": 1},
    "inputs": {"question": "How many days?", "amount": None},
    "size": {"outcome": "too_short"},
}


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("find.support < parameters.min_support", True),
        ("find.support < parameters.whole", True),
        ("find.count == 3.0", True),
        ("find.count != 3", False),
        ("find.nothing == null", True),
        ("has(find.missing)", False),
        ("find.passages.size() > 0 && find.passages[0].title == 'A'", True),
        ("find.passages.exists(p, p.score > 0.4)", True),
        ('size(inputs.question) < 3 || size.outcome == "too_short"', True),
        ('inputs.question.contains("days")', True),
        ('inputs.question in ["a", "b"]', False),
        ("!(find.count > 2)", False),
        ("find.count > 2 ? true : false", True),
        ("inputs.amount != null && inputs.amount > 5", False),
    ],
)
def test_conditions(source: str, holds: bool) -> None:
    assert parse_condition(source).holds(SCOPE) is holds


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("", "not a condition"),
        ("a ==== 1", "character 5"),
        ("a = 1", "not a condition"),
        ("import os", "not a condition"),
        ("__import__('os') == 1", "there is|does not exist"),
        ("open('x') == 1", "does not exist"),
        ("a.startswith('x')", "did you mean `startsWith`"),
        ("'" + "x" * 1001 + "' == a", "longer than"),
        ("a.all(b, a.all(c, a.all(d, true)))", "more than 2"),
        (r'size(r"\") > 0 && [1].all(b, [1].all(c, [1].all(d, "\\" == "x")))', "more than 2"),
        ("[1].//\nall(b, [1].//\nall(c, [1].//\nall(d, true)))", "more than 2"),
        ('size("""a"b""") > 0 && [1].all(b, [1].all(c, [1].all(d, d == size("""a"b"""))))', "more than 2"),
        ("[1].all(b, // '\n[1].all(c, [1].all(d, true))) // '", "more than 2"),
        ("(" * 200 + "1" + ")" * 200, "not a condition"),
        ("a == 'x", "not a condition"),
    ],
)
def test_bad_conditions(source: str, part: str) -> None:
    with pytest.raises(InvalidCondition, match=part):
        parse_condition(source)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("find.missing == 1", "no `missing`"),
        ("inputs.question > 1", "different kinds"),
        ("find.nothing > 1", "different kinds"),
        ("find.count", "neither true nor false"),
        ("find.passages[7].title == 'A'", ""),
        ("1 / 0 == 1", "zero"),
        ("int(inputs.question) == 1", ""),
    ],
)
def test_conditions_that_cannot_be_decided(source: str, part: str) -> None:
    with pytest.raises(ConditionFailed) as caught:
        parse_condition(source).holds(SCOPE)
    assert caught.value.facts["condition"] == source
    assert part in caught.value.facts["why"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("find.support < parameters.min_support", {"find.support", "parameters.min_support"}),
        ("find.passages.exists(p, p.score > inputs.x)", {"find.passages", "inputs.x"}),
        ('a.b == "c.d" && size(e.f) > 1', {"a.b", "e.f"}),
        ("a.b.size() > 1.5", {"a.b"}),
        ('a["b"] == c.d[0].e', {"a", "c.d"}),
        ("true", set()),
    ],
)
def test_references(source: str, names: set[str]) -> None:
    assert {".".join(name) for name in parse_condition(source).references} == names


@pytest.mark.parametrize(
    "source",
    [
        "!" * 995 + "true",
        "1" + "+1" * 490 + " == 1",
        "true" + "||true" * 160,
        "a" + ".b" * 490,
        "-" * 900 + "1 == 1",
    ],
)
def test_the_longest_conditions_do_not_exhaust_the_stack_of_a_thread(source: str) -> None:
    def decide_it() -> None:
        with contextlib.suppress(InvalidCondition, ConditionFailed):
            parse_condition(source).holds({"a": {}})

    thread = threading.Thread(target=decide_it)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()


@given(st.text(alphabet="ab.<>=!&|()[]{}?:'\" 01+-*/,sizehas", max_size=60))
def test_any_text_is_a_condition_or_refused(source: str) -> None:
    try:
        condition = parse_condition(source)
    except InvalidCondition:
        return
    try:
        assert condition.holds({"a": {"b": 1}, "b": "x"}) in (True, False)
    except ConditionFailed as error:
        assert error.facts["why"]


def table(*rows: tuple[str, str], otherwise: str = "rest") -> list[Rule]:
    return [*(Rule(parse_condition(when), then) for when, then in rows), Rule(None, otherwise)]


def test_the_first_rule_that_holds_decides() -> None:
    rules = table(("find.count > 5", "many"), ("find.count > 2", "some"), ("find.count > 1", "few"))
    decision = decide(rules, SCOPE)
    assert (decision.outcome, decision.rule, decision.because) == ("some", 2, "find.count > 2")


def test_otherwise_and_because() -> None:
    rules = [Rule(parse_condition("find.count > 5"), "many", "A lot."), Rule(None, "rest", "Nothing else.")]
    assert decide(rules, SCOPE).because == "Nothing else."


def test_a_table_without_otherwise_may_fail() -> None:
    with pytest.raises(ConditionFailed):
        decide([Rule(parse_condition("false"), "x")], SCOPE)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("a < 1", "x"), ("a < 0.5", "y")], [("unreachable", 2, 1), ("gap", 3)]),
        ([("a < 1", "x"), ("a < 2", "y")], [("overlap", 2, 1), ("gap", 3)]),
        ([("a < 1", "x"), ("a >= 1", "y")], [("unreachable", 3, 1)]),
        ([("a < p", "x"), ("a == p", "y"), ("a > p", "z")], [("unreachable", 4, 1)]),
        ([("a < p", "x"), ("p < b", "x"), ("a < b && a > p", "y")], [("unreachable", 3, 2)]),
        ([("a < 1 && a > 2", "x")], [("impossible", 1), ("gap", 2)]),
        ([("a == 'x'", "x"), ("a == 'x' || a == 'y'", "y")], [("overlap", 2, 1), ("gap", 3)]),
        ([("a", "x"), ("!a", "y")], [("unreachable", 3, 1)]),
        ([("a", "x"), ("a && b", "y")], [("unreachable", 2, 1), ("gap", 3)]),
        ([("a == 1", "x"), ("a  ==  1", "y")], [("duplicate", 2, 1)]),
        ([("a == null", "x"), ("a != null && a > 5", "y")], [("gap", 3)]),
        ([("size(a) > 1", "x"), ("b", "y"), ("b && c", "z")], [("unreachable", 3, 2)]),
        ([("a in ['x']", "x"), ("a.startsWith('y')", "y")], []),
        ([("a.b == 1", "x"), ("a == 1", "y")], []),
        ([("a == 1", "x"), ("a == 'one'", "y")], []),
    ],
)
def test_what_is_known_of_a_table(rows: list[tuple[str, str]], found: list[tuple[str, ...]]) -> None:
    wanted = [tuple(each) for each in found]
    assert [
        (each.kind, *each.rules) for each in findings(table(*rows)) if (each.kind, *each.rules) in wanted
    ] == wanted
    certain = {"unreachable", "impossible", "duplicate"}
    assert {(each.kind, *each.rules) for each in findings(table(*rows)) if each.kind in certain} == {
        each for each in wanted if each[0] in certain
    }


def test_examples_are_plain() -> None:
    gap = findings(table(("find.count == 0", "none"), ("find.support < 0.4", "weak")))[-1]
    assert gap.kind == "gap"
    assert gap.example == "find.count = 1, find.support = 0.4"


def test_large_tables_are_left_alone() -> None:
    rows = [(f"a{n} < {n} || b{n} == 'x'", "x") for n in range(30)]
    assert findings(table(*rows)) == ()


_numbers = st.integers(-3, 3)
_atoms = st.builds(
    "{} {} {}".format,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    _numbers,
)
_conditions = st.recursive(
    _atoms,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=4,
)


@given(st.lists(_conditions, min_size=1, max_size=4), st.floats(-5, 5), st.floats(-5, 5))
def test_a_rule_called_unreachable_or_impossible_never_fires(sources: list[str], a: float, b: float) -> None:
    rules = table(*((source, f"o{n}") for n, source in enumerate(sources)))
    never = {
        each.rules[0] for each in findings(rules) if each.kind in ("unreachable", "impossible", "duplicate")
    }
    assert decide(rules, {"a": a, "b": b}).rule not in never


def test_comparisons_of_something_else() -> None:
    assert comparisons(parse_condition("size(a) > 1")) is None
    assert comparisons(parse_condition("a + 1 > b")) is None
    assert comparisons(parse_condition("a.b")) is not None
