"""The forms of editing as Slack takes them: at their limits, and with hostile text in every place."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_checks import assert_message, assert_view, hostile_strings, strings

from bot.adapters.store.drafts_log import StoredDraft
from bot.governance.changes import Target
from bot.services.drafting import Edit, Editing
from bot.services.edit_targets import Live
from bot.slack import edit_views as views
from bot.slack import parameter_form, table_form
from bot.slack.long_text import FIELD, FIELDS
from bot.slack.seal import seal_message, seal_view
from bot.slack.table_steps import writable
from workflows.decision_tables import read_table, table_text
from workflows.definition import load_workflow
from workflows.workflow import Workflow

PLACE = {"channel": "C0PEOPLE", "response_url": "https://hooks.slack.com/" + "x" * 200, "surface": "command"}
LAST = {"otherwise": "b"}
PROMPT, TABLE, VALUES = Target("prompt", "big.ask"), Target("rules", "big/route"), Target("parameters", "big")


def workflow(parameters: int = 2, help_text: str = "What it is for") -> Workflow:
    declared = {
        f"p{number}": {"kind": "integer", "default": 1, "min": 0, "max": 9, "help": help_text}
        for number in range(parameters)
    }
    steps = [
        {"id": "ask", "kind": "prompt", "task": "write", "template": "big.ask", "question": "{{ inputs.q }}"},
        {"id": "route", "kind": "decide", "rules": [{"when": "inputs.n > 1", "then": "a"}, LAST]},
    ]
    inputs = {"q": {"kind": "text", "label": help_text[:100]}, "n": {"kind": "number", "help": help_text}}
    content = {
        "name": "big",
        "title": help_text[:100] or "x",
        "purpose": "x",
        "inputs": inputs,
        "parameters": declared,
        "steps": steps,
        "answer": "{{ ask.text }}",
    }
    return load_workflow(json.dumps(content, ensure_ascii=False))


def editing(
    target: Target, content: str, flow: Workflow | None = None, live: str = "", **about: object
) -> Editing:
    now = Live(live or content, "U0DEV", (flow or workflow(),))
    edit = Edit("t_12345678", target, content, now.hash)
    return Editing(replace(edit, **about), now)  # type: ignore[arg-type]


def sealed(view: dict[str, object]) -> dict[str, object]:
    made = seal_view(view)
    assert_view(made)
    assert len(json.dumps(made)) < 250_000
    assert len(str(made.get("private_metadata", ""))) <= 3000
    return made


def test_the_longest_prompt_that_a_form_holds() -> None:
    line = "Be precise {{ question }} and kind.\n"
    made = views.prompt_form(editing(PROMPT, line * (FIELD * FIELDS // len(line) - 20)), PLACE)
    assert sum(block["type"] == "input" for block in sealed(made)["blocks"]) == FIELDS + 1  # type: ignore[union-attr]


def test_a_base_that_moved_far() -> None:
    made = views.prompt_form(
        editing(PROMPT, "new line\n" * 900, live="```old``` line <!channel>\n" * 500, base_hash="gone"), PLACE
    )
    kinds = [block["type"] for block in sealed(made)["blocks"]]  # type: ignore[union-attr]
    assert "rich_text" in kinds, "what differs, in its parts"


@pytest.mark.parametrize("tuned", [{}, {f"p{number}": 5 for number in range(40)}])
def test_forty_parameters(tuned: dict[str, int]) -> None:
    flow = workflow(40, "A long explanation of what it is for. " * 10)
    made = parameter_form.parameter_form(editing(VALUES, json.dumps(tuned), flow), PLACE)
    assert not any("left out here" in text for text in strings(sealed(made)["blocks"]))


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 199])
def test_tables_of_every_size(count: int) -> None:
    rows = [{"when": f"inputs.n == {number}", "then": "a", "because": "why " * 60} for number in range(count)]
    made = editing(TABLE, table_text([*rows, {"otherwise": "b"}]))
    pages = max(1, -(-count // table_form.PAGE_ROWS))
    for page in range(1, pages + 1):
        view = sealed(table_form.table_form(made, PLACE, banner="x" * 300, page=page))
        assert not any("left out here" in text for text in strings(view["blocks"]))
    for row in {0, 1 if count else 0, count, count + 1}:
        sealed(table_form.row_form(made, PLACE, row=row, root="V1", page=1))


def test_rows_that_cannot_be_read_are_shown_all_the_same() -> None:
    rows = [{"when": "x" * 1000, "then": "a b", "because": "y" * 300}, {"otherwise": "b"}]
    kept = {"row": "1", "typed": "z" * 1000, "problem": "p" * 500, "then": "c", "because": "d"}
    made = editing(TABLE, table_text(rows), unfinished=kept)
    said = json.dumps(sealed(table_form.table_form(made, PLACE)))
    assert "A rule you began is kept" in said and ":warning: Rule 1" in said
    form = sealed(table_form.row_form(made, PLACE, row=1, root="V1", page=1))
    assert "z" * 1000 in json.dumps(form)


def test_hostile_text_stays_text() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for hostile in filter(str.strip, hostile_strings()):
        flow = workflow(1, "".join(filter(str.isprintable, hostile))[:100] or "x")
        rows = [{"when": hostile, "then": hostile[:40], "because": hostile}, {"otherwise": hostile[:40]}]
        for view in (
            views.prompt_form(editing(PROMPT, hostile, flow, reason=hostile[:300]), PLACE, why=hostile),
            parameter_form.parameter_form(editing(VALUES, json.dumps({"p0": hostile}), flow), PLACE),
            table_form.table_form(editing(TABLE, table_text(rows), flow), PLACE),
            table_form.row_form(editing(TABLE, table_text(rows), flow), PLACE, row=1, root="V1", page=1),
        ):
            _harmless(mrkdwn(seal_view(view)["blocks"]))
        draft = StoredDraft(
            "t_1", "U0ANA", "prompt", "big.ask", hostile, hostile, created_at=now, updated_at=now
        )
        message = seal_message(views.drafts_message([draft]))
        assert_message(message)
        _harmless(mrkdwn(message["blocks"]))


@given(st.text(max_size=40))
def test_what_is_typed_into_a_rule_can_be_kept(typed: str) -> None:
    row = {"when": "x", "then": "a", "because": writable(typed)}
    (kept, _) = read_table(table_text([row, LAST]))
    assert kept.get("because", "") == row["because"]


def mrkdwn(blocks: object) -> list[str]:
    """Every text that Slack reads as markup."""
    if isinstance(blocks, list):
        return [text for each in blocks for text in mrkdwn(each)]
    if not isinstance(blocks, dict):
        return []
    own = [str(blocks["text"])] if blocks.get("type") == "mrkdwn" else []
    return own + [text for each in blocks.values() for text in mrkdwn(each)]


def _harmless(texts: list[str]) -> None:
    for text in texts:
        bare = text.replace("<@U0DEV>", "")
        assert "<@" not in bare and "<http" not in bare and "<#" not in bare
        assert "<!" not in bare.replace("<!date^", "")
