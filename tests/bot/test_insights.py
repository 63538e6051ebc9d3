"""A week's insights from runs in a store, on both databases: what is found, and what is kept from whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from bot.adapters.store import audit_log, budgets_log
from bot.adapters.store.database import Store
from bot.adapters.store.document_log import CollectionRow, DocumentRow, insert_collection, put_document
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import Score, write_score
from bot.bootstrap import library
from bot.governance.budget import Budget, Period, Scope, ScopeKind
from bot.quality.complaint import Reason
from bot.quality.week_insights import CauseKind, Measure, WeekInsights
from bot.services.access import Access
from bot.services.catalogue import Catalogue, Content
from bot.services.insights import EVERYBODY, Insights
from bot.services.question_work import QuestionWork
from bot.services.readers import Audience
from bot.services.rollups import Rollups
from knowledge.document import Document
from tests.bot.history_rows import Past, insert_past
from tests.bot.test_question_work import FakeEncoder
from tests.fakes import FakeClock

SINCE = datetime(2026, 11, 16, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
DAY = timedelta(days=1)
ANA = Audience((frozenset({"U0ANA"}),))


class Office:
    """A store with the shipped workflows, some documents, and runs put into it."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.count = store, FakeClock(UNTIL + timedelta(hours=9)), 0
        self.catalogue = Catalogue(store, Access(store, self.clock), self.clock)
        self.insights = Insights(store, self.catalogue, self.clock)

    async def open(self) -> "Office":
        self.clock.at, now = SINCE - 90 * DAY, self.clock.at
        await self.catalogue.seed(library())
        self.clock.at = now
        return self

    def ask(self, day: float, question: str, person: str = "U0ANA", **changes: Any) -> str:
        self.count += 1
        past = Past(
            f"r_{self.count:04}", question=question, person=person, asked_at=SINCE + day * DAY, **changes
        )
        self.store.write_now(lambda connection: insert_past(connection, past))
        return past.id

    def say(self, run_id: str, name: str, value: float, words: str = "", person: str = "U0BEN") -> None:
        score = Score(run_id, name, f"person:{person}", value, words)
        self.store.write_now(lambda connection: write_score(connection, score, SINCE + DAY))

    def document(
        self, number: int, age_days: int, collection: str = "people", audience: str = "everyone"
    ) -> None:
        at = UNTIL - age_days * DAY
        row = CollectionRow(collection, (audience,), 0, "model", 384)
        document = Document(
            f"d{number}", collection, f"Page {number}", f"page-{number}.md", "U0CHLOE", 1, "h", at
        )

        def act(connection: Any) -> None:
            if number == 1:
                insert_collection(connection, row, now=at)
            put_document(connection, DocumentRow(document, "test", "h"), ())

        self.store.write_now(act)

    def cost(self, which: str) -> None:
        """Four cents for the calls of some runs."""
        dear = f"UPDATE ledger SET cost_usd = '0.0400' WHERE {which}"
        self.store.write_now(lambda connection: connection.exec_driver_sql(dear))

    async def look(self, may_see: bool = True, audience: Audience = EVERYBODY) -> WeekInsights:
        await QuestionWork(self.store, FakeEncoder(), self.clock).drain()
        await Rollups(self.store, self.clock).refresh()
        return await self.insights.for_week(("ask-policy",), SINCE, UNTIL, may_see, audience)


@pytest.fixture
async def office(store: Store) -> Office:
    return await Office(store).open()


async def test_topics_are_counted_named_and_exemplified(office: Office) -> None:
    for number, person in enumerate(("U0ANA", "U0BEN", "U0CY", "U0ANA")):
        office.ask(number, f"May I carry over leave, case {number}?", person)
    for number in range(2):
        office.ask(number, f"What may a hotel cost in town {number}?", abstained=number == 1)
    office.ask(3, "Is there a pension?")
    office.ask(-3, "May I carry over leave, case 9?")
    office.say("r_0001", "vote", -1)
    topics = (await office.look()).topics
    assert [
        (each.questions, each.people, each.before, each.uncovered, each.votes_down) for each in topics
    ] == [
        (4, 3, 1, 0, 1),
        (2, 1, 0, 1, 0),
    ]
    assert "leave" in topics[0].label
    assert len(topics[0].examples) == 3
    assert topics[0].label not in [example.text for example in topics[0].examples]
    assert {example.run_id for example in topics[0].examples} <= {"r_0001", "r_0002", "r_0003", "r_0004"}


async def test_gaps_hold_only_what_was_not_covered(office: Office) -> None:
    for number in range(4):
        office.ask(number, f"Where is my laptop, case {number}?", f"U0P{number}", abstained=number > 0)
    office.ask(1, "How long must a password be?", abstained=True)
    office.store.write_now(
        lambda connection: connection.execute(update(runs).filter_by(id="r_0003").values(ending="escalated"))
    )
    (gap,) = (await office.look()).gaps
    assert (gap.questions, gap.people, gap.escalated, gap.newest_run_id) == (3, 3, 1, "r_0004")
    assert all("case 0" not in each for each in (gap.label, *(one.text for one in gap.examples)))


async def test_readers_who_may_not_see_runs_see_only_what_several_share(office: Office) -> None:
    for number, person in enumerate(("U0ANA", "U0BEN", "U0CY")):
        office.ask(number, f"May {person} carry over leave after secret-{number}?", person, abstained=True)
    for number in range(5):
        office.ask(number, f"Why was my hotel refused in place-{number}?", "U0ANA", abstained=True)
    office.say("r_0001", "vote", -1)
    found = await office.look(may_see=False)
    assert len(found.topics) == len(found.gaps) == 1
    assert found.worst == ()
    assert found.gaps[0].examples == found.topics[0].examples == ()
    assert found.gaps[0].newest_run_id == "r_0003", "an id is nobody's words"
    assert "leave" in found.topics[0].label
    shown = repr(found)
    for private in ("secret", "hotel", "place", "U0ANA"):
        assert private not in shown


async def test_the_worst_answers_bring_their_reasons(office: Office) -> None:
    office.document(1, 10)
    run = office.ask(1, "How *many*  days\nof leave?", votes={"U0ANA": -1, "U0BEN": -1})
    better = office.ask(2, "Is there a pension?", votes={"U0ANA": -1, "U0BEN": 1})
    office.ask(2, "Is there a password?", votes={"U0ANA": 1})
    office.ask(-2, "Is there a laptop?", votes={"U0ANA": -1})
    office.say(run, "reason", 1, Reason.OUT_OF_DATE.value)
    office.say(run, "reason", 1, Reason.OUT_OF_DATE.value, "U0ANA")
    office.say(run, "correction", 1, "It is six days since May.")
    worst = (await office.look()).worst
    assert [(each.run_id, each.votes_down, each.votes_up) for each in worst] == [(run, 2, 0), (better, 1, 1)]
    assert worst[0].question == "How *many* days of leave?"
    assert worst[0].reasons == (Reason.OUT_OF_DATE,)
    assert worst[0].words == ("It is six days since May.",)


async def test_documents_used_unused_and_stale(office: Office) -> None:
    office.document(1, 400)
    office.document(2, 20)
    office.document(3, 900)
    for number in range(24):
        office.ask(
            -number if number > 3 else number,
            "May I carry over leave?",
            votes={"U0BEN": -1} if number < 2 else {},
        )
    found = await office.look()
    assert [(each.document_id, each.answers, each.votes_down) for each in found.documents_used] == [
        ("d1", 4, 2)
    ]
    assert [each.document_id for each in found.documents_unused] == ["d3", "d2"]
    (stale,) = found.stale
    assert (stale.document.document_id, stale.age_days, stale.document.answers) == ("d1", 400, 24)
    assert stale.harm == pytest.approx(24 * 400 / 365 * (1 + 2 / 24))
    assert found.documents == 3


async def test_documents_are_kept_from_those_who_may_not_read_them(office: Office) -> None:
    office.document(1, 400, audience="U0ANA")
    for number in range(4):
        office.ask(number, "May I carry over leave?")
    assert (await office.look()).documents_used == ()
    assert [each.document_id for each in (await office.look(audience=ANA)).documents_used] == ["d1"]


async def test_a_dear_week_is_told_with_the_release_before_it(office: Office) -> None:
    for back in range(1, 6):
        for number in range(25):
            office.ask(number / 5 - 7 * back, "Is there a pension?")
    for number in range(25):
        office.ask(number / 5, "Is there a pension?")
    moved = SINCE - timedelta(hours=5)
    office.cost("run_id > 'r_0125'")

    def change(connection: Any) -> None:
        for target, at in (("prompt:ask-policy.answer", moved), ("prompt:draft-reply.write", moved)):
            audit_log.append_event(
                connection,
                actor="U0EVA",
                action="prompt.released",
                target=target,
                context={"before": 1, "number": 2, "label": "production", "change": "c_1"},
                at=at,
            )

    office.store.write_now(change)
    (anomaly,) = (await office.look()).anomalies
    assert (anomaly.workflow, anomaly.measure, anomaly.weeks) == ("ask-policy", Measure.COST, 5)
    assert (anomaly.value, anomaly.usual) == (pytest.approx(0.04), pytest.approx(0.0012))
    assert [(each.kind, each.what, each.at, each.by, each.change_id) for each in anomaly.causes] == [
        (CauseKind.RELEASE, "prompt:ask-policy.answer", moved, "U0EVA", "c_1")
    ]


MODELS = """default:
  model: acme/small
  price: {input_per_million: 1, output_per_million: 2}
"""


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        (MODELS.replace("small", "large"), CauseKind.MODEL, "default: acme/large"),
        (MODELS.replace("million: 1", "million: 9"), CauseKind.PRICE, "acme/small"),
    ],
)
async def test_another_model_or_price_is_a_cause(
    office: Office, text: str, kind: CauseKind, what: str
) -> None:
    for back in range(6):
        for number in range(25):
            office.ask(number / 5 - 7 * back, "Is there a pension?")
    office.clock.at, now = SINCE - 40 * DAY, office.clock.at
    await office.catalogue.seed([Content("models", "models", MODELS)], "settings")
    office.clock.at = SINCE + timedelta(hours=1)
    await office.catalogue.seed([Content("models", "models", text)], "settings")
    office.clock.at = now
    office.cost("run_id < 'r_0026'")
    (anomaly,) = (await office.look()).anomalies
    assert [(each.kind, each.what) for each in anomaly.causes] == [(kind, what)]


async def test_the_month_is_forecast_beside_its_budget(office: Office) -> None:
    for number in range(30):
        office.ask(6.5 - number, "Is there a pension?")
    scope = Scope(ScopeKind.WORKFLOW, "ask-policy")
    budget = Budget("b_1", scope, Period.MONTH, Decimal("0.03"))
    office.store.write_now(
        lambda connection: budgets_log.put_budget(connection, budget, by="U0DEV", at=SINCE)
    )
    (month,) = (await office.look()).forecasts
    assert month.spent == Decimal("0.0012") * 22
    assert month.limit == Decimal("0.03")
    assert month.expected > month.limit


async def test_nothing_is_told_of_a_week_in_which_nothing_was(office: Office) -> None:
    found = await office.look()
    assert replace(found, documents=0) == WeekInsights(SINCE, UNTIL)
    assert (await office.insights.for_week(("gone", "ask-policy"), SINCE, UNTIL, True)) == found
