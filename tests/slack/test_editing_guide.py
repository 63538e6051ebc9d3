"""docs/editing.md is held to the code: its commands exist and its conditions are understood."""

import re
from pathlib import Path

import pytest

from bot.slack.commands import SUBCOMMANDS
from workflows.definition import load_workflow
from workflows.plain_conditions import to_condition
from workflows.rules import parse_condition
from workflows.table_names import names_for

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "editing.md").read_text(encoding="utf-8")
NAMES = names_for(
    load_workflow((ROOT / "workflows" / "library" / "ask-policy.yaml").read_text(encoding="utf-8")), "verdict"
)
CONDITIONS = re.findall(r"^\| `([^`]+)` \|", GUIDE, re.MULTILINE)


def test_its_commands_exist() -> None:
    named = re.findall(r"^ {4}/spanwise (\w+)", GUIDE, re.MULTILINE)
    assert named and set(named) <= set(SUBCOMMANDS)


@pytest.mark.parametrize("written", CONDITIONS)
def test_its_conditions_are_understood(written: str) -> None:
    assert parse_condition(to_condition(written, NAMES))


def test_it_has_conditions() -> None:
    assert len(CONDITIONS) >= 6
