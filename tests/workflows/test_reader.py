import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.reader import MAX_BYTES, InvalidYaml, read_yaml
from workflows.run import Json

SUITE = Path(__file__).parents[3] / "shared" / "attacks" / "yaml_suite.jsonl"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: NO", {"a": "NO"}),
        ("a: yes", {"a": "yes"}),
        ("a: on", {"a": "on"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a: 2026-01-31", {"a": "2026-01-31"}),
        ("a: 0o17", {"a": "0o17"}),
        ("a: 017", {"a": "017"}),
        ("a: 0x1F", {"a": "0x1F"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: ~", {"a": "~"}),
        ("a: True", {"a": "True"}),
        ("a: 1" + "0" * 40, {"a": "1" + "0" * 40}),
        ("a:", {"a": None}),
        ("a: null", {"a": None}),
        ("a: true", {"a": True}),
        ("a: -12", {"a": -12}),
        ("a: 0.5", {"a": 0.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: '5'", {"a": "5"}),
        ('a: "true"', {"a": "true"}),
        ("5: x", {"5": "x"}),
        ("NO: x", {"NO": "x"}),
        ("- [1, two, {a: b}]", [[1, "two", {"a": "b"}]]),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_plain_values(text: str, value: Json) -> None:
    assert read_yaml(text).value == value


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "empty"),
        ("# only a comment", 1, "empty"),
        ("a: 1\nb: &x 2", 2, "anchors"),
        ("a: &x 1\nb: *x", 2, "aliases"),
        ("a: 1\n<<: {b: 1}", 2, "merge"),
        ("a: 1\nb: !!str 2", 2, "tags"),
        ("a: 1\nb: !!python/object/apply:os.system ['ls']", 2, "tags"),
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: {b: 1,\n  b: 2}", 2, "twice"),
        ("a: 1\n---\nb: 2", 2, "more than one"),
        ("%YAML 1.1\n---\na: 1", 1, "directive"),
        ("a: 1\n? [x]\n: 2", 2, "plain text"),
        ("a: [1,\n  2", 3, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("a: 1\nb: x: y", 2, "not YAML"),
        ("a: 1\nb: \x00", 2, "control character"),
        ("a: 1\nb: \ud800", 2, "Unicode"),
        ("é: é\né2: \x07", 2, "control character"),
        ("a: " + "[" * 60 + "]" * 60, 1, "deeper"),
        ("a: [" + "1," * 20_001 + "]", 1, "20000"),
        ("a: " + "x" * MAX_BYTES, 1, "256 KiB"),
    ],
)
def test_refused_with_its_line(text: str, line: int, part: str) -> None:
    with pytest.raises(InvalidYaml) as caught:
        read_yaml(text)
    assert any(problem.line == line and part in problem.message for problem in caught.value.problems), str(
        caught.value
    )


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidYaml) as caught:
        read_yaml("a: &x 1\nb: *x\na: !!int 3\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 3]


def test_a_bomb_of_aliases_is_never_expanded() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(InvalidYaml, match="aliases"):
        read_yaml("\n".join(rows))


def test_places() -> None:
    document = read_yaml("a: 1\nsteps:\n  - id: x\n    query: y\n")
    assert document.place(("steps", 0)) == (3, 5)
    assert document.place(("steps", 0, "query")) == (4, 5)
    assert document.place(("steps", 0, "missing")) == (3, 5)
    assert document.place(("nowhere",)) == (1, 1)


@pytest.mark.skipif(not SUITE.exists(), reason="the suite is not on this machine")
def test_what_the_suite_says_must_fail_is_refused_and_nothing_crashes() -> None:
    accepted = 0
    for row in map(json.loads, SUITE.read_text(encoding="utf-8").splitlines()):
        try:
            read_yaml(row["yaml"])
        except InvalidYaml as error:
            assert error.problems, row["id"]
            assert all(problem.line > 0 and problem.column > 0 for problem in error.problems)
        else:
            assert not row["must_fail"], row["id"]
            accepted += 1
    assert accepted > 150


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_yaml(text)
    except InvalidYaml as error:
        assert error.problems


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t~<", max_size=80))
def test_any_yaml_like_text_is_read_or_refused(text: str) -> None:
    try:
        read_yaml(text)
    except InvalidYaml as error:
        assert error.problems


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@given(_values)
def test_json_reads_as_itself(value: Json) -> None:
    text = json.dumps(value)
    if "<<" not in text and '""' not in text and "\\" not in text:
        assert read_yaml(text).value == value
