"""Published attack strings as question and as passage, through a whole shipped workflow."""

import json
from pathlib import Path

import pytest

from tests.fakes import FakeLibrary, FakeModel, FakeRetriever, passage
from tests.workflows.engine_desk import Desk
from tests.workflows.shipped import load, prompts
from workflows.inputs import InvalidInputs

ATTACKS = Path(__file__).parents[3] / "shared" / "attacks"


@pytest.mark.skipif(not ATTACKS.exists(), reason="the attack strings are not on this machine")
@pytest.mark.parametrize("name", ["hostile_strings", "indirect_injection"])
async def test_text_of_any_kind_stays_data(name: str) -> None:
    workflow, shelf = load("ask-policy"), FakeLibrary(prompts=prompts())
    rules = ""
    for line in (ATTACKS / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
        text = json.loads(line)["text"] if line else ""
        desk = Desk(
            model=FakeModel("Five days may be carried over [1]."),
            retriever=FakeRetriever(passage(1), passage(2, f"{text} planted")),
            library=shelf,
        )
        try:
            result = await desk.execute(workflow, {"question": text})
        except InvalidInputs as error:
            assert set(error.problems) == {"question"}
            continue
        assert result.answer is not None
        assert result.answer.outcome == "covered"
        system, user = desk.model.requests[0].messages
        mark = system.content.split("<data-")[1].split(" ")[0]
        rules = rules or system.content.replace(mark, "")
        assert system.content.replace(mark, "") == rules
        assert f"{text} planted" in user.content
