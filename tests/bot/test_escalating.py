"""Questions handed to people, on both databases: who is asked, who may answer, and who is told in the end."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, escalations_log, fixes_log, questions_log
from bot.adapters.store.database import Store
from bot.adapters.store.escalations_log import EscalationState
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.questions_log import Question, packed
from bot.adapters.store.retention_log import empty_runs
from bot.adapters.store.row_codec import answer_json
from bot.adapters.store.run_log import runs
from bot.governance.changes import Target
from bot.governance.roles import EVERYTHING, Grant, Role
from bot.services import escalating
from bot.services.access import Access, NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.escalating import (
    Escalating,
    Escalation,
    NobodyToAsk,
    NothingToAsk,
    NotTheirQuestion,
    RepliedAlready,
    expert_for,
    load_escalation,
)
from bot.services.remedies import NothingToWrite
from bot.services.run_views import UnknownRun
from knowledge.document import Citation
from tests.bot.history_rows import NOW, Past, insert_past
from tests.bot.planted import planted
from tests.bot.run_desk import ANA, BEN, DEV, STRANGER
from tests.fakes import FakeClock, passage
from workflows.run import Answer

CHLOE = Actor("U0CHLOE", "Chloe")
VECTOR = packed(planted(1, 1)[0][0])
OWNER = Grant("U0OWNER", Role.OWNER, "workflow:ask-policy")


class Proposals:
    """Takes what is proposed; keeps the keys."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[Target, str]] = {}

    async def propose(self, actor: Actor, target: Target, content: str, **how: Any) -> Any:
        self.made.setdefault(how["key"], (target, content))
        return SimpleNamespace(id="c_1")


class Office:
    """A store, and a question that nothing answered."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.proposals = store, FakeClock(NOW), Proposals()
        self.access = Access(store, self.clock, ["U0DEV"])
        catalogue = Catalogue(store, self.access, self.clock)
        self.escalating = Escalating(store, self.access, catalogue, self.clock, WakeUp(), self.proposals)
        self.run("r_1")

    def run(self, run_id: str, person: str = "U0ANA", *, abstained: bool = True, topic: str = "q_1") -> None:
        past = Past(run_id, person=person, abstained=abstained, question="May I bring a dog?")
        asked = Question(run_id, past.workflow, past.asked_at, VECTOR, not abstained, topic)
        self.store.write_now(lambda connection: insert_past(connection, past))
        self.store.write_now(lambda connection: questions_log.insert_questions(connection, [asked]))

    async def reply(self, actor: Actor = CHLOE, text: str = "Yes.", **document: str) -> str:
        wanted: Any = {"collection": "", "title": "", "origin": None, **document}
        return await self.escalating.reply(actor, "r_1", text, **wanted)

    def status(self) -> EscalationState | None:
        found = self.store.read_now(lambda connection: escalations_log.find_escalation(connection, "r_1"))
        return found.status if found else None

    def told(self) -> list[tuple[str, str]]:
        query = select(outbox.c.kind, outbox.c.channel).order_by(outbox.c.seq)
        return [tuple(row) for row in self.store.read_now(lambda connection: connection.execute(query).all())]

    def happened(self, action: str) -> list[str]:
        found = self.store.read_now(lambda connection: audit_log.read_events(connection, action=action))
        return [event.actor for event in found]


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def near(*owners: str) -> Answer:
    return Answer("?", "", tuple(Citation(n, passage(n, owner=owner)) for n, owner in enumerate(owners, 1)))


@pytest.mark.parametrize(
    ("owners", "grants", "expert"),
    [
        (("U0CHLOE", "U0EVA"), (OWNER,), "U0CHLOE"),
        (("U0ANA", "U0EVA"), (OWNER,), "U0EVA"),
        (("People Operations", ""), (OWNER,), "U0OWNER"),
        (("U0ANA",), (Grant("U0ANA", Role.OWNER, "workflow:ask-policy"),), ""),
        ((), (Grant("S0PEOPLE", Role.OWNER, "workflow:ask-policy"),), ""),
        ((), (Grant("U0DEV", Role.ADMIN, EVERYTHING),), "U0DEV"),
        ((), (), ""),
    ],
)
def test_whom_to_ask(owners: tuple[str, ...], grants: tuple[Grant, ...], expert: str) -> None:
    assert expert_for(near(*owners), grants, "ask-policy", "U0ANA") == expert


async def test_asking_twice_asks_once(office: Office) -> None:
    for _ in range(2):
        asked = await office.escalating.ask(ANA, "r_1")
        assert (asked.row.expert, asked.row.status) == ("U0CHLOE", EscalationState.ASKED)
    assert office.told() == [("escalation", "U0CHLOE")]
    assert office.happened("run.escalated") == ["U0ANA"]
    ended = office.store.read_now(lambda connection: connection.execute(select(runs)).one())
    assert (ended.ending, ended.revision) == ("escalated", 2)


async def test_a_second_click_that_looked_before_the_first_was_kept_asks_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [None]

    def look(connection: Any, run_id: str) -> Escalation | None:
        return looks.pop() if looks else load_escalation(connection, run_id)

    first = await office.escalating.ask(ANA, "r_1")
    monkeypatch.setattr(escalating, "load_escalation", look)
    assert await office.escalating.ask(ANA, "r_1") == first
    assert [kind for kind, _ in office.told()] == ["escalation"]
    assert office.happened("run.escalated") == ["U0ANA"]


async def test_what_cannot_be_asked_is_refused(office: Office) -> None:
    office.run("r_2", abstained=False)
    for actor, run_id, error in (
        (BEN, "r_1", NotTheirQuestion),
        (Actor("U0ANA", is_outsider=True), "r_1", Outsider),
        (ANA, "r_2", NothingToAsk),
        (ANA, "r_3", UnknownRun),
    ):
        with pytest.raises(error):
            await office.escalating.ask(actor, run_id)
    answer = answer_json(Answer("?", "not_covered", abstained=True))
    mine = Grant("U0ANA", Role.OWNER, "workflow:ask-policy")
    await office.access.grant(DEV, mine.grantee, mine.role, mine.scope)
    office.store.write_now(
        lambda connection: connection.execute(update(runs).filter_by(id="r_1").values(answer=answer))
    )
    with pytest.raises(NobodyToAsk):
        await office.escalating.ask(ANA, "r_1")
    assert office.status() is None


async def test_who_may_answer(office: Office) -> None:
    await office.escalating.ask(ANA, "r_1")
    for actor, error in ((BEN, NotAuthorized), (ANA, NotAuthorized), (STRANGER, Outsider)):
        with pytest.raises(error):
            await office.reply(actor)
    await office.access.grant(DEV, "U0BEN", Role.OWNER, "workflow:ask-policy")
    await office.reply(BEN)
    assert office.status() is EscalationState.ANSWERED
    with pytest.raises(RepliedAlready) as late:
        await office.escalating.decline(CHLOE, "r_1")
    assert late.value.facts == {"run": "r_1", "status": "answered", "ask": "U0BEN"}
    assert office.told() == [("escalation", "U0CHLOE"), ("escalation-reply", "U0ANA")]


async def test_an_empty_reply_is_none(office: Office) -> None:
    await office.escalating.ask(ANA, "r_1")
    with pytest.raises(NothingToWrite):
        await office.reply(text="  ")
    with pytest.raises(NothingToWrite):
        await office.reply(collection="people", title=" ")
    assert (office.status(), office.proposals.made) == (EscalationState.ASKED, {})


async def applied(office: Office, change_id: str = "c_1", label: str = "production") -> None:
    change: Any = SimpleNamespace(
        id=change_id,
        label=label,
        effect="Dogs may come.",
        author="U0CHLOE",
        target=Target("document", "people/dogs.md"),
    )
    await office.escalating.after_applied(change)


async def test_everybody_else_who_asked_is_asked_for_once_it_applies(office: Office) -> None:
    """Each person once, by their newest question; not who was answered, asked otherwise, or long ago."""
    for number, (person, changes) in enumerate(
        [
            ("U0BEN", {}),
            ("U0BEN", {}),
            ("U0CY", {"abstained": False}),
            ("U0EVA", {"topic": "q_2"}),
            ("terminal", {}),
            ("U0ANA", {}),
            ("U0DEV", {}),
        ],
        2,
    ):
        office.run(f"r_{number}", person, **changes)
    long_ago = NOW - timedelta(days=90)
    old = update(questions_log.questions).filter_by(run_id="r_8").values(asked_at=long_ago)
    office.store.write_now(lambda connection: connection.execute(old))
    asked = await office.escalating.ask(ANA, "r_1")
    assert asked.others == 2
    assert await office.reply(collection="people", title="Dogs at work") == "c_1"
    assert office.proposals.made["escalation:r_1"][0] == Target("document", "people/dogs-at-work.md")
    await applied(office, label="candidate")
    await applied(office, "c_2")
    assert office.status() is EscalationState.ANSWERED
    for _ in range(2):
        await applied(office)
    due = office.store.read_now(lambda connection: fixes_log.fixes_in(connection, fixes_log.FixState.DUE, 9))
    assert [(fix.run_id, fix.person) for fix in due] == [("r_2", "U0BEN")]
    assert due[0].change["gap"] is True
    assert office.status() is EscalationState.KNOWN
    assert len(office.happened("gap.closed")) == 1


async def test_retention_takes_the_reply(office: Office) -> None:
    await office.escalating.ask(ANA, "r_1")
    await office.reply()

    def empty(connection: Any) -> Any:
        empty_runs(connection, connection.execute(select(runs)).all())
        return escalations_log.find_escalation(connection, "r_1")

    row = office.store.write_now(empty)
    assert (row.reply, row.status) == ("", EscalationState.ANSWERED)
