"""Editing a prompt: its front matter follows its text, and what it may use is said."""

from pathlib import Path

import pytest

from workflows.definition import load_workflow
from workflows.prompt_edits import prompt_body, prompt_flaws, prompt_text, variables_for
from workflows.template import parse_prompt

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
REPLY = load_workflow((LIBRARY / "draft-reply.yaml").read_text())
LIVE = (LIBRARY / "prompts" / "draft-reply.body.md").read_text()
VARIABLES = variables_for("draft-reply.body", [REPLY])


def test_what_a_prompt_may_use_is_said() -> None:
    about = {variable.name: variable.about for variable in VARIABLES}
    assert about["passages"] == "the passages that were found, numbered"
    assert about["tone"].startswith("the input “")
    filled = {variable.name for variable in VARIABLES if variable.is_filled}
    assert filled == {"passages", "question", "tone"}


@pytest.mark.parametrize("path", sorted((LIBRARY / "prompts").glob("*.md")), ids=lambda path: path.stem)
def test_a_shipped_prompt_comes_back_as_it_was(path: Path) -> None:
    text = path.read_text()
    made = prompt_text(prompt_body(text), text)
    assert parse_prompt("p", made) == parse_prompt("p", made) and made.strip() == text.strip()


def test_the_front_matter_follows_the_text() -> None:
    made = prompt_text("Answer {{ question }} kindly.", LIVE)
    assert parse_prompt("p", made).variables == ("question",)
    assert prompt_text("No front {{ a }}", "Plain {{ a }}") == "No front {{ a }}\n"
    assert prompt_text("Nothing at all", LIVE).startswith("---\nvariables: []\n---\n")
    parse_prompt("p", prompt_text("Nothing at all", LIVE))


@pytest.mark.parametrize(
    ("body", "at", "said"),
    [
        ("Use {{ pasages }}.", "{{ pasages", "did you mean `passages`?"),
        ("ok {{ passages }}\n{{ inputs.tone }}", "{{ inputs", "is no variable of this prompt"),
        ("ok {{ passages }}\n{{ two words }}", "{{ two", "not a name between double braces"),
        ("never {{ closed", "{{ closed", "not a name between double braces"),
        ("   ", "", "is empty"),
        ("x" * 70_000, "", "is longer than 64,536 characters"),
    ],
)
def test_what_is_wrong_and_where(body: str, at: str, said: str) -> None:
    (flaw, *_) = prompt_flaws(body, VARIABLES)
    assert said in flaw.message
    assert not at or body.index(at) == flaw.offset


def test_every_unknown_name_is_found() -> None:
    assert [flaw.hole for flaw in prompt_flaws("{{ one }} {{ passages }} {{two}}", VARIABLES)] == [
        "{{ one }}",
        "{{two}}",
    ]
