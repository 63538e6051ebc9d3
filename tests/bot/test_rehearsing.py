"""A changed document, tried on real knowledge before it is in force: what is found, and what is answered."""

from pathlib import Path
from typing import Any

import pytest

from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import run_log
from bot.adapters.store.database import Store
from bot.adapters.store.row_codec import answer_json
from bot.governance.changes import Target
from bot.services.actors import Origin
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.evaluating import Evaluations
from bot.services.golden_cases import GoldenCases
from bot.services.intake import document_id
from bot.services.readers import TERMINAL, Audience
from bot.slack import change_blocks, change_text
from knowledge.document import Citation
from tests.bot.change_desk import ANA, BEN, HERE, MODELS, TRAVEL, ChangeDesk
from tests.fakes import passage
from workflows.ports import UnknownCollection
from workflows.run import Answer

LEAVE = "# Annual leave\n\nUp to five days of unused leave may be carried over until 31 March.\n"
PAGES = {
    "travel.md": "# Travel\n\nEmployees book second class train tickets for journeys under six hours.\n",
    "leave.md": LEAVE,
    "parking.md": "# Parking\n\nThe garage in Leeds has twelve places for visitors.\n",
}
CASES = """
- id: trains
  inputs: {question: "Which class of train ticket do employees book?"}
  expect: {must_contain: [second class]}
- id: carry-over
  inputs: {question: "How many days of unused leave may be carried over?"}
  expect: {must_contain: [five]}
"""
FIRST_CLASS = PAGES["travel.md"].replace("second class", "first class")


class TriedDesk(ChangeDesk):
    """Changes, tried with real cases on real knowledge by the built-in model."""

    async def open(self, **_: Any) -> "TriedDesk":
        await super().open(documents=PAGES)
        (self.folder / "ask-policy.cases.yaml").write_text(CASES, encoding="utf-8")
        billing = Billing(self.store, self.clock, BudgetNotices(self.access), WakeUp())
        self.evaluations = Evaluations(
            self.store,
            self.catalogue,
            Models(read_profiles(MODELS), self.store, environ={}, clock=self.clock),
            self.holdings,
            self.clock,
            billing,
            GoldenCases(self.store, self.access, self.catalogue, self.clock, self.folder),
            lambda one, other: float(one == other),
        )
        self.comparer = self.evaluations  # type: ignore[assignment]
        return self

    def ran(self, run_id: str, question: str, path: str, origin: Origin = HERE) -> None:
        """A run whose answer cited a document."""
        cited = passage(document_id=document_id("people", path))
        answer = Answer("It was answered [1].", "self", (Citation(1, cited),))

        def act(connection: Any) -> None:
            actor = ANA.as_json()
            run = run_log.NewRun(
                run_id, "ask-policy", 1, "Ask", {"question": question}, ANA.id, actor, origin.as_json()
            )
            run_log.insert_run(connection, run, run_id, self.clock.now())
            values = {"answer": answer_json(answer), "status": "succeeded"}
            done = run_log.runs.update().where(run_log.runs.c.id == run_id)
            connection.execute(done.values(**values))

        self.store.write_now(act)

    async def found(self, question: str) -> list[str]:
        """Texts of what is live."""
        found = await self.holdings.retriever(TERMINAL).retrieve(question, collection="people", limit=3)
        return [each.text for each in found.passages]


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> TriedDesk:
    return await TriedDesk(store, tmp_path).open()


async def test_a_rehearsal_finds_what_is_proposed_and_leaves_what_is_live(desk: TriedDesk) -> None:
    question = "Which class of train ticket do employees book?"
    live = await desk.found(question)
    rehearsal = await desk.holdings.rehearse("people", "travel.md", FIRST_CLASS)
    tried = await rehearsal.retriever(TERMINAL, {}).retrieve(question, collection="people", limit=3)
    texts = [each.text for each in tried.passages]
    assert "first class" in texts[0] and not any("second class" in text for text in texts)
    assert await desk.found(question) == live and "second class" in live[0]
    await desk.holdings.put_text("people", "travel.md", FIRST_CLASS, by="U0DEV")
    after = await desk.holdings.retriever(TERMINAL).retrieve(question, collection="people", limit=3)
    assert [(each.chunk_id, round(each.score, 4)) for each in after.passages] == [
        (each.chunk_id, round(each.score, 4)) for each in tried.passages
    ], "it is found as it will be"


async def test_a_document_that_goes_is_not_found_and_one_that_comes_is(desk: TriedDesk) -> None:
    gone = await desk.holdings.rehearse("people", "travel.md", "")
    found = await gone.retriever(TERMINAL, {}).retrieve("train ticket class", collection="people", limit=5)
    assert found.passages and all("train" not in each.text for each in found.passages)
    new = await desk.holdings.rehearse("people", "dogs.md", "# Dogs\n\nDogs are welcome in Lisbon.\n")
    found = await new.retriever(TERMINAL, {}).retrieve("Are dogs welcome?", collection="people", limit=1)
    assert "welcome in Lisbon" in found.passages[0].text
    assert not any("Dogs" in text for text in await desk.found("Are dogs welcome?"))


async def test_who_may_not_read_the_collection_finds_nothing_in_the_rehearsal(desk: TriedDesk) -> None:
    await desk.holdings.set_audience("people", ["U0ANA"])
    rehearsal = await desk.holdings.rehearse("people", "travel.md", FIRST_CLASS)
    stranger = rehearsal.retriever(Audience((frozenset({"U0EVE"}),)), {})
    with pytest.raises(UnknownCollection):
        await stranger.retrieve("train", collection="people", limit=1)
    with pytest.raises(UnknownCollection):
        await stranger.retrieve("train", collection="nowhere", limit=1)


async def test_a_changed_document_shows_which_cases_and_questions_are_answered_otherwise(
    desk: TriedDesk,
) -> None:
    private = Origin("dm", channel_id="D1", visibility="private")
    desk.ran("r_train", "Which class of train ticket is booked?", "travel.md", private)
    desk.ran("r_again", "which class of TRAIN ticket is booked?", "travel.md")
    desk.ran("r_leave", "How many days of leave may be carried over?", "leave.md")
    change = await desk.tested(target=TRAVEL, content=FIRST_CLASS)
    view = await desk.changes.view(change)
    (tested,) = view.tests
    assert (tested.judged, tested.passed_old, tested.passed_new) == (2, 2, 1)
    assert tested.newly_failing == tested.changed == ("trains",) and view.is_failing
    assert tested.cited == 1 and len(tested.cited_changed) == 1, "the same question is asked once"
    assert tested.cited_changed[0] in ("r_train", "r_again") and not tested.cited_lost
    report = await desk.evaluations.report(tested.evaluation_id)
    (cited,) = report.cited
    assert cited.new.answer == "" and cited.old is not None and cited.old.answer == "", (
        "nobody's words are kept"
    )
    assert report.new_versions == report.old_versions
    shown = str(change_blocks.change_message(view).blocks)
    assert "1 recent question* of `/ask-policy` whose answer cited this document" in shown
    assert "newly failing: `trains`" in shown and "also answered" not in shown
    details = str(change_blocks.tests_view(view, [report]))
    assert "Today:" in details and "second class" in details and "first class" in details
    assert "Private" not in details and "TRAIN ticket" not in details


async def test_a_document_that_goes_takes_answers_with_it_and_needs_a_reason(desk: TriedDesk) -> None:
    desk.ran("r_train", "Which class of train ticket do employees book?", "travel.md")
    change = await desk.tested(target=TRAVEL, content="")
    (tested,) = (await desk.changes.view(change)).tests
    assert tested.newly_failing == ("trains",) and tested.cited_lost == 1
    assert "1 of them not at all any more" in change_text.cited(tested)
    await desk.changes.approve(BEN, change, "Nobody travels any more.")
    await desk.work().drain()
    assert await desk.status(change) == "applied"
    assert all("train" not in text for text in await desk.found("train ticket"))


async def test_a_document_that_changes_nothing_says_so(desk: TriedDesk) -> None:
    desk.ran("r_leave", "How many days of unused leave may be carried over?", "leave.md")
    note = f"{LEAVE}\n# Dogs\n\nNo dogs.\n"
    change = await desk.tested(target=Target("document", "people/leave.md"), content=note)
    view = await desk.changes.view(change)
    (tested,) = view.tests
    assert not tested.changed and not tested.newly_failing and tested.passed_new == 2
    assert "each keeps its answer" in str(change_blocks.change_message(view).blocks)
