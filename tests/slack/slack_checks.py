"""What every payload of this folder's tests is held to: Slack's Block Kit, and the golden files."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.workspace.blockkit import check_blocks, check_view

GOLDEN = Path(__file__).parents[1] / "golden"
ATTACKS = Path(__file__).parents[3] / "shared" / "attacks" / "hostile_strings.jsonl"


def assert_message(sealed: Mapping[str, Any]) -> None:
    """Slack would take this message."""
    assert sealed["text"].strip()
    assert [problem.sentence() for problem in check_blocks(sealed["blocks"])] == []


def assert_view(view: Mapping[str, Any]) -> None:
    """Slack would take this view."""
    assert [problem.sentence() for problem in check_view(view)] == []


def assert_golden(name: str, made: Any) -> None:
    """It is what it was when somebody last looked; UPDATE_GOLDEN=1 writes it anew."""
    path = GOLDEN / f"{name}.json"
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


def hostile_strings() -> list[str]:
    """Public attack strings; the test is skipped where they are not."""
    if not ATTACKS.exists():
        pytest.skip("the shared attack strings are not here")
    return [json.loads(line)["text"] for line in ATTACKS.read_text().split("\n") if line]


def strings(made: Any) -> Iterator[str]:
    """Every text in blocks, however deep."""
    if isinstance(made, str):
        yield made
    elif isinstance(made, Mapping):
        for key, value in made.items():
            if key not in ("type", "action_id", "block_id", "value", "url", "style", "private_metadata"):
                yield from strings(value)
    elif isinstance(made, list | tuple):
        for item in made:
            yield from strings(item)


def shown(made: Any) -> str:
    """All that a person reads, joined."""
    return "\n".join(strings(made))
