"""docs/evaluation.md beside the code: keys, defaults, kinds, settings, and the example itself."""

import re
from dataclasses import fields
from pathlib import Path

from bot.cli.trying import FAILING, UNUSABLE
from bot.quality.significance import cases_sentence
from bot.services.contents import PINNED_KINDS
from bot.settings import Settings
from workflows.cases import load_cases
from workflows.expectations import RUBRIC_PASSES, SIMILAR, Expectation

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_every_key_of_an_expectation_has_a_row_and_no_row_is_of_something_else() -> None:
    table = PAGE.split("## What a case can expect")[1].split("## The judge")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Expectation.keys())
    assert f"{SIMILAR} if left out" in table and f"at least {RUBRIC_PASSES} by this text" in table


def test_the_example_can_be_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    first, second = load_cases(example)
    assert first.expect.grounded and second.expect.rubric and second.needs == "writing_model"


def test_what_can_be_compared_and_how_it_ends() -> None:
    assert all(f"`{kind}`" in PAGE for kind in PINNED_KINDS)
    assert [int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)] == [0, FAILING, UNUSABLE]


def test_settings_and_sentences_are_those_of_the_code() -> None:
    known = {each.metadata["alias"] for each in fields(Settings)}
    assert set(re.findall(r"SPANWISE_\w+", PAGE)) <= known
    assert cases_sentence(2, 1, 40) in PAGE
