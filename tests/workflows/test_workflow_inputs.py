from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.inputs import Input, InvalidInputs, Parameter, read_inputs, read_parameters
from workflows.run import Json


def an_input(**fields: Any) -> Input:
    return Input(**fields)


DECLARED = {
    "question": an_input(kind="text", max_length=20),
    "count": an_input(kind="integer", min=1, max=5, required=False),
    "amount": an_input(kind="number", required=False, default=0, min=0),
    "day": an_input(kind="date", required=False),
    "urgent": an_input(kind="boolean", required=False, default=False),
    "tone": an_input(kind="choice", choices=("friendly", "formal"), required=False),
}


def test_what_is_left_out_has_its_default() -> None:
    assert read_inputs(DECLARED, {"question": " How? "}) == {
        "question": "How?",
        "count": None,
        "amount": 0.0,
        "day": None,
        "urgent": False,
        "tone": None,
    }


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("count", "3", 3),
        ("count", " 3.0 ", 3),
        ("amount", "1,840.50", 1840.5),
        ("day", "2026-11-30", "2026-11-30"),
        ("urgent", "Yes", True),
        ("urgent", "off", False),
        ("tone", "FORMAL", "formal"),
        ("question", "a\x00b\x07c\ud800", "abc"),
        ("question", "שלום עולם", "שלום עולם"),
        ("question", "🙂🙂", "🙂🙂"),
        ("question", "<!channel>", "<!channel>"),
        ("question", "e\u0301", "é"),
    ],
)
def test_values(name: str, raw: str, value: Json) -> None:
    assert read_inputs(DECLARED, {"question": "q", name: raw})[name] == value


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("question", "", "is needed"),
        ("question", " \n\t ", "is needed"),
        ("question", "\x00", "is needed"),
        ("question", "x" * 40_000, "40,000 characters long; at most 20"),
        ("count", "0", "must be 1 or more"),
        ("count", "6", "must be 5 or less"),
        ("count", "1.5", "whole number"),
        ("count", "nan", "must be a number"),
        ("count", "1e400", "must be a number"),
        ("amount", "a lot", "must be a number"),
        ("day", "30.11.2026", "must be a date like"),
        ("day", "2026-02-30", "must be a date like"),
        ("urgent", "maybe", "yes or no"),
        ("tone", "formel", "did you mean `formal`"),
        ("tone", "zzz", "must be one of friendly, formal"),
        ("qestion", "x", "did you mean `question`"),
    ],
)
def test_wrong_values(name: str, raw: str, why: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(DECLARED, {"question": "q", name: raw})
    assert list(caught.value.problems) == [name]
    assert why in caught.value.problems[name]


def test_all_wrong_values_at_once() -> None:
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(DECLARED, {"count": "x", "tone": "y", "extra": "z"})
    assert set(caught.value.problems) == {"question", "count", "tone", "extra"}


@given(st.dictionaries(st.sampled_from([*DECLARED, "other"]), st.text(max_size=30)))
def test_anything_typed_is_read_or_refused_by_name(raw: dict[str, str]) -> None:
    try:
        values = read_inputs(DECLARED, raw)
    except InvalidInputs as error:
        assert error.problems
    else:
        assert set(values) == set(DECLARED)
        assert read_inputs(DECLARED, {k: str(v) for k, v in values.items() if v is not None}) == values


def test_parameters() -> None:
    declared = {"passages": Parameter(kind="integer", default=6, min=1, max=20)}
    assert read_parameters(declared, {}) == {"passages": 6}
    assert read_parameters(declared, {"passages": 3}) == {"passages": 3}
    assert declared["passages"].read("12") == 12
    for wrong in ({"passages": 21}, {"passages": [1]}, {"pasages": 1}, {"passages": True}):
        with pytest.raises(InvalidInputs):
            read_parameters(declared, wrong)  # type: ignore[arg-type]
