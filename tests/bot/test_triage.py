"""Triage: what waits for whom, in which order, and that each is decided once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.adapters.store import audit_log, triage_log
from bot.adapters.store.database import Store
from bot.adapters.store.document_log import CollectionRow, insert_collection
from bot.adapters.store.run_log import read_run, runs
from bot.governance.roles import Role
from bot.quality.complaint import TriageState
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.run_views import UnknownRun
from bot.services.triage import WITHHELD, AlreadyDecided, Round, Triage, load_card
from tests.bot.feedback_desk import OWNER, FeedbackDesk
from tests.bot.run_desk import ANA, BEN, DEV, STRANGER
from tests.fakes import word_vectors

CHLOE = Actor(OWNER, "Chloe")
SALARIES = CollectionRow("salaries", (OWNER,), 0, "model", 384)


class TriageDesk(FeedbackDesk):
    """With the owner's desk."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.triage = Triage(store, self.catalogue, self.access, self.clock, self.outgoing, word_vectors)

    def shown(self) -> list[str]:
        """Runs of the cards that were sent, in order."""
        return [item.subject.removeprefix("triage:") for item in self.queued("triage")]

    def state(self, run_id: str) -> TriageState | None:
        item = self.item(run_id)
        return item.state if item else None


@pytest.fixture
async def desk(store: Store) -> TriageDesk:
    desk = TriageDesk(store)
    await desk.open()
    return desk


async def test_corrections_come_first_then_what_most_complain_of_then_the_newest(desk: TriageDesk) -> None:
    plain = await desk.voted_down("k1", question="May dogs come along?")
    desk.clock.at += timedelta(minutes=1)
    many = await desk.voted_down("k2", question="What about parental leave?")
    await desk.feedback.record(BEN, many, "down")
    desk.clock.at += timedelta(minutes=1)
    newest = await desk.voted_down("k3", question="Where is lunch served?")
    corrected = await desk.voted_down("k4", question="When do contracts end?")
    await desk.feedback.complain(ANA, corrected, "wrong", "In March.")
    assert await desk.triage.open_round(CHLOE, "key") == Round(4, 0)
    assert desk.shown() == [corrected, many, newest, plain]


async def test_five_at_a_time_and_a_second_delivery_sends_nothing_more(desk: TriageDesk) -> None:
    for number in range(7):
        await desk.voted_down(f"k{number}", question=f"{chr(97 + number) * 9} question?")
    made = await desk.triage.open_round(CHLOE, "key")
    assert (made.shown, made.left) == (5, 2)
    await desk.triage.open_round(CHLOE, "key")
    assert len(desk.shown()) == 5
    assert {item.channel for item in desk.queued("triage")} == {OWNER}
    assert [item.body.get("left") for item in desk.queued("triage")] == [None] * 4 + [2]


async def test_nearly_the_same_question_is_one_card_and_one_decision(desk: TriageDesk) -> None:
    first = await desk.voted_down("k1", question="How many days of leave carry over?")
    desk.clock.at += timedelta(minutes=1)
    second = await desk.voted_down("k2", actor=BEN, question="leave carry over how many days")
    other = await desk.voted_down("k3", question="Where is lunch served today?")
    assert (await desk.triage.open_round(CHLOE, "key")).shown == 2
    assert desk.shown() == [second, other]
    card = desk.store.read_now(lambda connection: load_card(connection, second))
    assert card is not None
    assert ([run.id for run in card.others], {one.person for one in card.complaints}) == (
        [first],
        {"U0ANA", "U0BEN"},
    )
    await desk.triage.decide(CHLOE, second, TriageState.DISMISSED)
    assert (desk.state(first), desk.state(second), desk.state(other)) == (
        TriageState.DISMISSED,
        TriageState.DISMISSED,
        TriageState.WAITING,
    )


async def test_two_owners_at_once_make_one_decision(desk: TriageDesk) -> None:
    run_id = await desk.voted_down()
    twin_store = Store(desk.store.url)
    twin = TriageDesk(twin_store)
    done = await asyncio.gather(
        desk.triage.decide(CHLOE, run_id, TriageState.DISMISSED),
        twin.triage.decide(DEV, run_id, TriageState.PROMPT, "ask-policy.answer"),
        *(desk.triage.decide(CHLOE, run_id, TriageState.DISMISSED) for _ in range(4)),
        return_exceptions=True,
    )
    assert [type(each) for each in done if each is not None] == [AlreadyDecided] * 5
    events = desk.store.read_now(
        lambda connection: audit_log.read_events(connection, action="triage.decided")
    )
    assert len(events) == 1
    assert events[0].context["decision"] == desk.state(run_id)
    twin_store.close()


async def test_not_a_problem_is_remembered_until_somebody_says_something_new(desk: TriageDesk) -> None:
    run_id = await desk.voted_down()
    await desk.triage.decide(CHLOE, run_id, TriageState.DISMISSED)
    await desk.feedback.record(BEN, run_id, "down")
    await desk.feedback.complain(BEN, run_id, "tone", "")
    assert desk.state(run_id) is TriageState.DISMISSED
    again = await desk.voted_down("k2", actor=BEN, question="how many days")
    assert desk.state(again) is TriageState.DISMISSED, "the same answer to the same question"
    desk.says = "Six days."
    another = await desk.voted_down("k3", actor=BEN)
    assert desk.state(another) is TriageState.WAITING, "another answer"
    await desk.feedback.complain(BEN, run_id, "tone", "Say it kindly.")
    assert desk.state(run_id) is TriageState.WAITING
    await desk.triage.decide(CHLOE, run_id, TriageState.DISMISSED)
    await desk.feedback.complain(ANA, run_id, "tone", "say it  kindly")
    assert desk.state(run_id) is TriageState.DISMISSED, "nothing new"


async def test_a_decision_that_made_nothing_can_be_taken_back(desk: TriageDesk) -> None:
    run_id = await desk.voted_down()
    await desk.triage.decide(CHLOE, run_id, TriageState.PROMPT, "ask-policy.answer")
    await desk.triage.take_back(CHLOE, run_id)
    assert desk.state(run_id) is TriageState.WAITING
    await desk.triage.decide(CHLOE, run_id, TriageState.CASE, "how-many")
    with pytest.raises(AlreadyDecided):
        await desk.triage.take_back(CHLOE, run_id)
    assert desk.events(run_id)[-3:] == ["triage.decided", "triage.reopened", "triage.decided"]


async def test_who_may_not_triage_sees_and_decides_nothing(desk: TriageDesk) -> None:
    run_id = await desk.voted_down()
    editor = Actor("U0EDITOR")
    await desk.access.grant(DEV, editor.id, Role.EDITOR)
    for actor, error in ((ANA, NotAuthorized), (editor, NotAuthorized), (STRANGER, Outsider)):
        tried = await asyncio.gather(
            desk.triage.open_round(actor, "key"),
            desk.triage.open_round(actor, "key", "ask-policy"),
            desk.triage.decide(actor, run_id, TriageState.DISMISSED),
            desk.triage.take_back(actor, run_id),
            desk.triage.card(actor, run_id),
            desk.triage.card(actor, "r_nowhere"),
            return_exceptions=True,
        )
        assert {type(each) for each in tried} == {error}
    assert desk.state(run_id) is TriageState.WAITING and desk.shown() == []
    with pytest.raises(UnknownRun):
        await desk.triage.card(DEV, "r_nowhere")


async def test_an_owner_sees_their_own_workflow_only(desk: TriageDesk) -> None:
    run_id = await desk.voted_down()
    desk.store.write_now(
        lambda connection: connection.execute(
            triage_log.triage.update().where(triage_log.triage.c.run_id == run_id).values(workflow="other")
        )
    )
    assert (await desk.triage.open_round(CHLOE, "key")).shown == 0
    with pytest.raises(NotAuthorized):
        await desk.triage.decide(CHLOE, run_id, TriageState.DISMISSED)
    assert (await desk.triage.open_round(DEV, "key")).shown == 1


async def test_an_answer_from_documents_that_an_owner_may_not_read_is_withheld(desk: TriageDesk) -> None:
    """The question waits all the same; whoever asked saw the answer, its owner does not."""
    run_id = await desk.voted_down("k1", question="What do directors earn?")
    await desk.feedback.complain(ANA, run_id, "wrong", "Twice as much.")
    row = desk.store.read_now(lambda connection: read_run(connection, run_id))
    assert row is not None
    drawn = {**row.answer, "searched": ["salaries"]}
    desk.store.write_now(
        lambda connection: connection.execute(update(runs).where(runs.c.id == run_id).values(answer=drawn))
    )
    await desk.triage.open_round(CHLOE, "key")
    assert [item.body.get(WITHHELD) for item in desk.queued("triage")] == [True]
    card = await desk.triage.card(CHLOE, run_id)
    assert card.run.inputs["question"] == "What do directors earn?"
    assert card.run.answer is None and card.complaints == ()
    desk.store.write_now(lambda connection: insert_collection(connection, SALARIES, now=desk.clock.now()))
    await desk.triage.open_round(CHLOE, "again")
    assert [item.body.get(WITHHELD) for item in desk.queued("triage")] == [True, None]
    assert (await desk.triage.card(CHLOE, run_id)).complaints
