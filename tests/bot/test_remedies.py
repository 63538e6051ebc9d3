"""What owners make of a bad answer: made and decided together, once; and the guesses forms begin with."""

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.adapters.store import cases_log
from bot.adapters.store.database import Store
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.quality.complaint import TriageState
from bot.quality.expecting import PHRASE_CHARACTERS, file_name, named_in, phrase_of
from bot.services.access import NotAuthorized
from bot.services.actors import Actor, Origin
from bot.services.golden_cases import GoldenCases
from bot.services.remedies import NothingToWrite, NowhereToWrite, Remedies
from bot.services.triage import AlreadyDecided
from tests.bot.run_desk import ANA, DEV
from tests.bot.test_triage import CHLOE, TriageDesk
from workflows.cases import InvalidCases

ASKED = {"question": "How many days?"}
ANSWER = "You may carry over **five days** [1]. They lapse on 31 March."


@pytest.mark.parametrize(
    ("correction", "phrase"),
    [
        ("You can carry over ten days, until 31 March.", "ten days"),
        ("Ten days.", "Ten days"),
        ("Twelve days since October, see Annual leave.", "Twelve days"),
        ("You may carry over five days", ""),
        ("It lapses. It is 12.50 euros a day in London; see Travel policy.", "lapses"),
        ("It is 12.50 euros a day; see the policy.", "12.50 euros a day"),
        ("Ask the people team.", "Ask the people team"),
        ("  \n ", ""),
        ("", ""),
    ],
)
def test_the_first_words_that_the_answer_lacks(correction: str, phrase: str) -> None:
    assert phrase_of(correction, ANSWER) == phrase


def test_a_phrase_stands_in_the_correction_and_is_short() -> None:
    long = "Nobody knows everything about " + " ".join(f"word{n}" for n in range(200))
    found = phrase_of(long, ANSWER)
    assert found and found in long and len(found) <= PHRASE_CHARACTERS


def test_documents_that_a_correction_names() -> None:
    documents = [("annual-leave.md", "Annual leave"), ("travel.md", "Travel policy"), ("it.md", "IT")]
    assert named_in("see annual  LEAVE, and travel.md", documents) == ("annual-leave.md", "travel.md")
    assert named_in("it is wrong", documents) == ()


def test_file_names_are_paths() -> None:
    assert file_name("Carry-over of leave!") == "carry-over-of-leave.md"
    assert file_name("…") == "note.md"
    assert file_name("../" * 9 + "x" * 500) == "x" * 60 + ".md"


class Proposing:
    """Takes proposals as changes do: once per key."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[str, Target, str]] = {}

    async def propose(
        self, actor: Actor, target: Target, content: str, *, reason: str, origin: Origin, key: str
    ) -> Any:
        await asyncio.sleep(0)
        self.taken.setdefault(key, (f"c_{len(self.taken)}", target, content))
        return SimpleNamespace(id=self.taken[key][0])


class RemedyDesk(TriageDesk):
    """With what owners make."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store)
        self.proposing = Proposing()
        golden = GoldenCases(store, self.access, self.catalogue, self.clock, folder)
        self.remedies = Remedies(
            store, self.triage, self.catalogue, self.access, self.outgoing, golden, self.proposing
        )

    def cases(self) -> list[Any]:
        return list(self.store.read_now(lambda connection: cases_log.read_cases(connection, "ask-policy")))

    async def document(self, run_id: str, actor: Actor = CHLOE, text: str = "Ten days.") -> str:
        return await self.remedies.add_document(
            actor, run_id, collection="people", title="Carry over", text=text, origin=Origin("dm")
        )


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> RemedyDesk:
    desk = RemedyDesk(store, tmp_path)
    await desk.open()
    return desk


async def test_a_case_and_its_decision_are_made_together(desk: RemedyDesk) -> None:
    run_id = await desk.voted_down()
    await desk.feedback.complain(ANA, run_id, "wrong", "Ten days.")
    draft = await desk.remedies.case_draft(CHLOE, run_id)
    assert (draft.must_contain, draft.must_abstain, draft.labels) == (
        "Ten days",
        False,
        {"question": "Your question"},
    )
    with pytest.raises(InvalidCases):
        await desk.remedies.add_case(CHLOE, run_id, ASKED, {"must_contian": ["x"]})
    assert desk.state(run_id) is TriageState.WAITING and desk.cases() == []
    key = await desk.remedies.add_case(CHLOE, run_id, ASKED, {"must_contain": ["ten days"]})
    assert [(case.key, case.run_id, case.why) for case in desk.cases()] == [(key, run_id, "Ten days.")]
    item = desk.item(run_id)
    assert item is not None and (item.state, item.result) == (TriageState.CASE, key)


async def test_two_owners_who_add_a_case_at_once_add_one(desk: RemedyDesk) -> None:
    run_id = await desk.voted_down()
    done = await asyncio.gather(
        desk.remedies.add_case(CHLOE, run_id, ASKED, {"must_contain": ["ten"]}),
        desk.remedies.add_case(DEV, run_id, ASKED, {"must_contain": ["eleven"]}),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["AlreadyDecided", "str"]
    (case,) = desk.cases()
    assert case.author == desk.item(run_id).decided_by  # type: ignore[union-attr]


async def test_a_document_is_proposed_once_for_each_time_it_waits(desk: RemedyDesk) -> None:
    run_id = await desk.voted_down()
    with pytest.raises(NowhereToWrite):
        await desk.remedies.document_draft(CHLOE, run_id)
    with pytest.raises(NothingToWrite):
        await desk.document(run_id, text="  ")
    done = await asyncio.gather(
        desk.document(run_id), desk.document(run_id, DEV, "Eleven."), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["AlreadyDecided", "str"]
    assert len(desk.proposing.taken) == 1
    ((_, target, _),) = desk.proposing.taken.values()
    assert target == Target("document", "people/carry-over.md")
    assert desk.state(run_id) is TriageState.KNOWLEDGE
    desk.clock.at += timedelta(minutes=1)
    await desk.feedback.complain(ANA, run_id, "wrong", "No, twelve.")
    assert await desk.document(run_id, text="Twelve.") == "c_1"


async def test_the_prompt_is_the_one_that_wrote_the_answer(desk: RemedyDesk) -> None:
    run_id = await desk.voted_down()
    assert await desk.remedies.take_prompt(CHLOE, run_id) == Target("prompt", "ask-policy.answer")
    assert desk.state(run_id) is TriageState.PROMPT
    with pytest.raises(AlreadyDecided):
        await desk.remedies.take_prompt(DEV, run_id)


async def test_who_may_not_triage_makes_nothing(desk: RemedyDesk) -> None:
    run_id = await desk.voted_down()
    editor = Actor("U0EDITOR")
    await desk.access.grant(DEV, editor.id, Role.EDITOR)
    tried = await asyncio.gather(
        desk.remedies.case_draft(editor, run_id),
        desk.remedies.add_case(editor, run_id, ASKED, {"must_contain": ["x"]}),
        desk.remedies.take_prompt(editor, run_id),
        desk.remedies.document_draft(editor, run_id),
        desk.document(run_id, editor),
        return_exceptions=True,
    )
    assert {type(each) for each in tried} == {NotAuthorized}
    assert desk.cases() == [] and desk.proposing.taken == {} and desk.state(run_id) is TriageState.WAITING
