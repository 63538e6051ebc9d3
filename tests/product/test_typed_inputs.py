"""What `python -m bot run` makes of the words after the workflow's name."""

import pytest

from bot.cli.asking import read_words

KINDS = {"city": "text", "price": "number"}


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["city=Leeds", "price=160"], {"city": "Leeds", "price": "160"}),
        (["New", "York", "price=160"], {"city": "New York", "price": "160"}),
        (["what does a=b mean?"], {"city": "what does a=b mean?"}),
        (["what", "does", "a=b", "mean?"], {"city": "what does a=b mean?"}),
        (["city=a=b"], {"city": "a=b"}),
        (["city="], {"city": ""}),
    ],
)
def test_words_become_inputs(words: list[str], values: dict[str, str]) -> None:
    assert read_words(words, KINDS) == (values, {})


@pytest.mark.parametrize(
    ("words", "values", "problems"),
    [
        (["city=Leeds", "city=York"], {"city": "Leeds"}, {"city": "is given more than once"}),
        (["city=Leeds", "one", "more"], {"city": "Leeds"}, {"“one more”": "belongs to no input"}),
        (["city=Leeds", "stars=4"], {"city": "Leeds", "stars": "4"}, {}),
        (["Leeds", "prise=900"], {"city": "Leeds", "prise": "900"}, {}),
    ],
    ids=["repeated", "surplus", "unknown", "misspelt beside an open text"],
)
def test_nothing_typed_is_dropped(words: list[str], values: dict[str, str], problems: dict[str, str]) -> None:
    """A name that is none stays among the inputs, where reading them says so."""
    assert read_words(words, KINDS) == (values, problems)
