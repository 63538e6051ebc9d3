"""Golden cases as people keep them: added, found again, retired, and only by those who may."""

from pathlib import Path
from typing import Any

import pytest

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.governance.roles import Role
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue, Content, UnknownWorkflow
from bot.services.golden_cases import CaseDoesNotFit, GoldenCases, UnknownCase
from tests.fakes import FakeClock
from workflows.cases import InvalidCases
from workflows.expectations import Expectation

DEV, EVA, ANA = Actor("U0DEV"), Actor("U0EVA"), Actor("U0ANA")
GUEST = Actor("U0WHO", is_outsider=True)
WORKFLOW = """
name: {name}
title: Ask
purpose: Answers.
inputs:
  question: {{kind: text, label: Question, from: message}}
  nights: {{kind: integer, label: Nights, required: false}}
steps:
  - {{id: say, kind: template, text: "{{{{ inputs.question }}}}"}}
answer: "{{{{ say.text }}}}"
"""
FILE = """
- {id: first, inputs: {question: a}, expect: {must_contain: [a]}}
- {id: second, inputs: {question: b}, expect: {must_contain: [b]}}
"""
EXPECT = {"must_contain": ["five days"]}


@pytest.fixture
async def golden(store: Store, tmp_path: Path) -> GoldenCases:
    clock = FakeClock()
    access = Access(store, clock, ["U0DEV"])
    await access.grant(DEV, "U0EVA", Role.EDITOR, "workflow:ask")
    catalogue = Catalogue(store, access, clock)
    await catalogue.seed([Content("workflow", name, WORKFLOW.format(name=name)) for name in ("ask", "own")])
    (tmp_path / "ask.cases.yaml").write_text(FILE, encoding="utf-8")
    return GoldenCases(store, access, catalogue, clock, tmp_path)


async def ids(golden: GoldenCases, workflow: str = "ask") -> list[str]:
    return [case.id for case in await golden.of(workflow)]


async def test_what_is_added_in_chat_stands_behind_the_file(golden: GoldenCases) -> None:
    question = {"question": "How many days of leave can I carry over, please tell me?"}
    key = await golden.add(EVA, "ask", question, EXPECT, run_id="r_1", why="It was wrong.")
    assert key == "how-many-days-of-leave-can-i-carry"
    assert await ids(golden) == ["first", "second", key]
    case = (await golden.of("ask"))[-1]
    assert (case.source, case.run_id, case.why, case.inputs) == ("chat", "r_1", "It was wrong.", question)
    assert [kept.author for kept in await golden.listed(EVA, "ask")] == ["", "", "U0EVA"]


async def test_one_run_makes_one_case_and_names_never_collide(golden: GoldenCases) -> None:
    question = {"question": "First?"}
    one = await golden.add(EVA, "ask", question, EXPECT, run_id="r_1")
    again = await golden.add(EVA, "ask", question, {"must_abstain": True}, run_id="r_1")
    other = await golden.add(EVA, "ask", question, Expectation.model_validate(EXPECT), run_id="r_2")
    assert (one, again, other) == ("first-2", "first-2", "first-3")
    assert (await golden.of("ask"))[2].expect.must_abstain is True
    assert await golden.add(EVA, "ask", {"question": "¿?"}, EXPECT) == "case"


async def test_a_retired_case_is_out_of_force_wherever_it_came_from(golden: GoldenCases) -> None:
    key = await golden.add(EVA, "ask", {"question": "Why?"}, EXPECT, run_id="r_1")
    await golden.retire(EVA, "ask", key)
    await golden.retire(EVA, "ask", "first")
    assert await ids(golden) == ["second"]
    with pytest.raises(UnknownCase):
        await golden.retire(EVA, "ask", "first")
    assert await golden.add(EVA, "ask", {"question": "Why?"}, EXPECT, run_id="r_1") == key
    assert await ids(golden) == ["second", key], "what is added again is in force again"


async def test_the_cases_of_a_file_of_ones_own_are_kept_with_it(golden: GoldenCases) -> None:
    assert await golden.keep_file(DEV, "own", FILE) == 2
    await golden.retire(DEV, "own", "second")
    assert await golden.keep_file(DEV, "own", FILE.replace("first", "third")) == 2
    assert await ids(golden, "own") == ["third"], "replaced, and what was retired stays so"
    assert (await golden.of("own"))[0].source == "file"
    with pytest.raises(InvalidCases):
        await golden.keep_file(DEV, "own", "- {id: a}")


@pytest.mark.parametrize(("actor", "error"), [(ANA, NotAuthorized), (GUEST, Outsider)])
async def test_without_the_right_nothing_is_seen_or_changed(
    golden: GoldenCases, actor: Actor, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await golden.add(actor, "ask", {"question": "Why?"}, EXPECT)
    with pytest.raises(error):
        await golden.retire(actor, "ask", "first")
    with pytest.raises(error):
        await golden.listed(actor, "ask")
    with pytest.raises(NotAuthorized):
        await golden.add(EVA, "own", {"question": "Why?"}, EXPECT)
    assert await ids(golden) == ["first", "second"]


@pytest.mark.parametrize(
    ("inputs", "expect", "error"),
    [
        ({"question": "Why?"}, {}, InvalidCases),
        ({"question": "Why?"}, {"must_contian": ["a"]}, InvalidCases),
        ({"question": "Why?", "nights": "many"}, EXPECT, CaseDoesNotFit),
        ({"qestion": "Why?"}, EXPECT, CaseDoesNotFit),
    ],
)
async def test_what_could_never_be_tried_is_refused(
    golden: GoldenCases, inputs: dict[str, str], expect: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await golden.add(EVA, "ask", inputs, expect)
    with pytest.raises(UnknownWorkflow):
        await golden.add(EVA, "nope", inputs, EXPECT)


async def test_each_deed_is_on_record(golden: GoldenCases, store: Store) -> None:
    key = await golden.add(EVA, "ask", {"question": "Why?"}, EXPECT, run_id="r_1")
    await golden.retire(EVA, "ask", key)
    events = store.read_now(lambda connection: audit_log.read_events(connection, limit=50))
    found = [(e.action, e.actor, e.context.get("case")) for e in events if e.action.startswith("case")]
    assert sorted(found) == [("case.added", "U0EVA", key), ("case.retired", "U0EVA", key)]
