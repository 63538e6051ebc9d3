"""What people type after a command."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.arguments import NAMELESS, Arguments, fill, parse, split_word


@dataclass(frozen=True)
class Input:
    kind: str


INPUTS = {"question": Input("text"), "tone": Input("choice"), "due_date": Input("date")}


@pytest.mark.parametrize(
    ("text", "values", "rest"),
    [
        ("", {}, ""),
        ("   ", {}, ""),
        ("How many days?", {}, "How many days?"),
        ("what's the rule if I don't ask?", {}, "what's the rule if I don't ask?"),
        ('"How many days?"', {}, "How many days?"),
        ("“How many days?”", {}, "How many days?"),
        ("„Wie viele Tage?“", {}, "Wie viele Tage?"),
        ("«Combien de jours ?»", {}, "Combien de jours ?"),
        ("tone=formal Dear all", {"tone": "formal"}, "Dear all"),
        ("Dear all tone=formal", {"tone": "formal"}, "Dear all"),
        ('tone="very formal" Dear all', {"tone": "very formal"}, "Dear all"),
        ("tone=“very formal” Dear all", {"tone": "very formal"}, "Dear all"),
        ("Tone=formal", {"tone": "formal"}, ""),
        ("due-date=2026-12-01 x", {"due_date": "2026-12-01"}, "x"),
        ("is a=b or b=c?", {}, "is a=b or b=c?"),
        ('he said "tone=formal" to me', {}, 'he said "tone=formal" to me'),
        ("tone=", {"tone": ""}, ""),
        ('tone="unclosed value', {"tone": '"unclosed'}, "value"),
        ("tone='it's fine'", {"tone": "it's fine"}, ""),
        ("tone=a tone=b", {"tone": "a b"}, ""),
        ("question=How many days?", {"question": "How many days?"}, ""),
        ("question= How many days?", {"question": "How many days?"}, ""),
        ("question=How many days? tone=formal", {"question": "How many days?", "tone": "formal"}, ""),
        ("tone=formal question=How many\n\ndays?", {"tone": "formal", "question": "How many\n\ndays?"}, ""),
        ('question="How many" days?', {"question": "How many"}, "days?"),
        ('question=is "tone=formal" so?', {"question": 'is "tone=formal" so?'}, ""),
        ("question=is a=b?", {"question": "is a=b?"}, ""),
        ("question=tone=formal", {"question": "tone=formal"}, ""),
        ("question=one question=two", {"question": "one two"}, ""),
        ("first\n\n  second line", {}, "first\n\n  second line"),
        ("كم عدد أيام الإجازة؟", {}, "كم عدد أيام الإجازة؟"),
        ("🏖️🏖️", {}, "🏖️🏖️"),
        ("<!channel> hello", {}, "<!channel> hello"),
        ('"one" and "two"', {}, '"one" and "two"'),
        ("=", {}, "="),
        ("--loud hello", {}, "--loud hello"),
    ],
)
def test_typed_text_is_read(text: str, values: dict[str, str], rest: str) -> None:
    assert parse(text, INPUTS) == Arguments(values, rest)


@pytest.mark.parametrize("flag", ["--public", "—public", "–public"])
def test_public_is_known_with_the_dash_that_phones_make(flag: str) -> None:
    assert parse(f"{flag} Is it?", INPUTS) == Arguments({}, "Is it?", is_public=True)
    assert parse(f"Is {flag} it?", INPUTS) == Arguments({}, "Is it?", is_public=True)


def test_a_flag_ends_the_value_of_a_text_input() -> None:
    read = parse("question=How many --public days?", INPUTS)
    assert read == Arguments({"question": "How many"}, "days?", is_public=True)
    assert fill(INPUTS, read) == {"question": "How many days?"}


def test_private_flag() -> None:
    assert parse("Is it? --private", INPUTS).is_private


@pytest.mark.parametrize("text", ["help", "HELP", "--help", "—help", "?"])
def test_help_is_the_whole_text_only(text: str) -> None:
    assert parse(text, INPUTS).wants_help
    assert not parse(f"{text} me with leave", INPUTS).wants_help


def test_the_rest_goes_to_the_first_text_input_without_a_value() -> None:
    inputs = {"day": Input("date"), "question": Input("text"), "context": Input("text")}
    assert fill(inputs, Arguments({}, "why?")) == {"question": "why?"}
    assert fill(inputs, Arguments({"question": "a"}, "why?")) == {"question": "a", "context": "why?"}


def test_the_rest_goes_to_the_only_input_whatever_its_kind() -> None:
    assert fill({"day": Input("date")}, Arguments({}, "2026-12-01")) == {"day": "2026-12-01"}


def test_the_rest_is_added_to_the_last_text_input_given_when_none_is_open() -> None:
    inputs = {"question": Input("text"), "context": Input("text"), "day": Input("date")}
    given = Arguments({"context": "b", "question": "a"}, "why?")
    assert fill(inputs, given) == {"context": "b", "question": "a why?"}


def test_words_that_fit_no_input_are_kept_under_no_name() -> None:
    two = {"a": Input("date"), "b": Input("number")}
    assert fill(two, Arguments({}, "5")) == {NAMELESS: "5"}
    assert fill({"b": Input("number")}, Arguments({"b": "5"}, "or so")) == {"b": "5", NAMELESS: "or so"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "")),
        ("List", ("list", "")),
        ("run ask-policy  how?", ("run", "ask-policy  how?")),
        ("run\nask-policy", ("run", "ask-policy")),
    ],
)
def test_the_first_word_is_the_sub_command(text: str, expected: tuple[str, str]) -> None:
    assert split_word(text) == expected


pieces = st.one_of(
    st.text(),
    st.sampled_from(['"', "“", "”", "'", "tone=", "=", "--public", " ", "\n", "question=", "<!channel>"]),
)


@given(st.lists(pieces).map("".join))
def test_no_text_raises_and_nothing_is_invented(text: str) -> None:
    read = parse(text, INPUTS)
    assert set(read.values) <= set(INPUTS)
    for part in (*" ".join(read.values.values()).split(), *read.rest.split()):
        assert part in text


typed = st.lists(
    st.sampled_from(["tone=", "question=", "context=", "day=", "--public", '"', "“", "”"])
    | st.integers(0, 99).map("w{} ".format)
    | st.sampled_from([" ", "\n"])
)
kinds = st.dictionaries(
    st.sampled_from(["question", "context", "tone", "day"]), st.sampled_from(["text", "choice", "date"])
)


@given(typed.map("".join), kinds)
def test_no_word_typed_is_lost(text: str, declared: dict[str, str]) -> None:
    inputs = {name: Input(kind) for name, kind in declared.items()}
    kept = " ".join(fill(inputs, parse(text, inputs)).values())
    assert sorted(re.findall(r"w\d+", kept)) == sorted(re.findall(r"w\d+", text))


@given(st.text())
def test_text_without_names_quotes_and_flags_is_kept_word_for_word(text: str) -> None:
    if any(mark in text for mark in "\"'“”„‘’«»=") or "public" in text or "private" in text:
        return
    assert parse(text, INPUTS).rest == text.strip()


@given(st.text(alphabet=st.characters(blacklist_characters='"“”', blacklist_categories=("Cs",))))
def test_a_quoted_value_comes_back_whole(value: str) -> None:
    assert parse(f'tone="{value}" rest', INPUTS).values["tone"] == value


@given(st.text())
def test_first_word_never_raises(text: str) -> None:
    split_word(text)
