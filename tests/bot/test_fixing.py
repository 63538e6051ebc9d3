"""After a change: who voted an answer down gets the new answer to their own question, and nobody else."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.changes_log import changes
from bot.adapters.store.database import Store
from bot.adapters.store.explain_facts import newest_run_of
from bot.adapters.store.fixes_log import FixState, fixes
from bot.adapters.store.home_facts import runs_by_workflow
from bot.adapters.store.run_log import recent_runs
from bot.adapters.store.run_search import Sight, find_runs
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.governance.run_filter import RunFilter
from bot.quality.complaint import TriageState
from bot.services.actors import Actor, Origin
from bot.services.fixing import Fixing, FixPace
from bot.services.improvements import Improvement
from bot.services.run_views import load_view
from tests.bot.feedback_desk import FeedbackDesk
from tests.bot.run_desk import ANA, BEN, DEV
from tests.fakes import FakeClock
from workflows.run import Answer, RunResult, RunStatus

CHANNEL = Origin("mention", "T0SPAN", "C0PEOPLE", "1.0", visibility="channel")


class FixingDesk(FeedbackDesk):
    """With changes that are applied, and people who are looked up."""

    def __init__(self, store: Store, pace: FixPace | None = None) -> None:
        super().__init__(store)
        self.people = {actor.id: actor for actor in (ANA, BEN, DEV)}
        self.fixing = Fixing(store, self.runs, self.catalogue, self.clock, self.outgoing, pace or FixPace())
        self.abstains = False
        self.looked_up: list[str] = []

    async def _answer(self, row: Any, _held: Any, _on_progress: Any) -> RunResult:
        return RunResult(RunStatus.SUCCEEDED, Answer(self.says, "covered", abstained=self.abstains), ())

    async def _identify(self, person: str) -> Actor:
        self.looked_up.append(person)
        return self.people[person]

    async def applied(self, change: str = "c_one", affected: tuple[str, ...] = ("ask-policy",)) -> None:
        self.clock.at += timedelta(minutes=1)
        view: Any = SimpleNamespace(
            id=change,
            label="production",
            affected=affected,
            author="U0CHLOE",
            effect="Answers name the date.",
            target=Target("prompt", "ask-policy.answer"),
            updated_at=self.clock.at,
        )
        await self.fixing.after_applied(view)
        self.clock.at += timedelta(minutes=1)

    async def settled(self) -> None:
        """Ask, answer, send, until nothing is left to do."""
        for _ in range(20):
            await self.fixing.step(self._identify)
            await self.worker().drain()
            await self.fixing.step(self._identify)
            if not {FixState.DUE, FixState.ASKED} & set(self.states()):
                return

    def states(self) -> list[FixState]:
        rows = self.sql("SELECT state FROM fixes ORDER BY created_at, run_id, person")
        return [FixState(row.state) for row in rows]

    def rows(self) -> list[Any]:
        return self.store.read_now(lambda connection: list(connection.execute(fixes.select())))

    def runs_of(self, person: str) -> int:
        return int(self.sql("SELECT count(*) AS n FROM runs WHERE actor_id = :p", p=person)[0].n)

    def lists_of(self, actor: Actor) -> list[list[str]]:
        """What each list of a person's own runs shows, the newest first."""
        return self.store.read_now(lambda connection: self._lists(connection, actor.id))

    def _lists(self, connection: Connection, person: str) -> list[list[str]]:
        recent = [row.id for row in recent_runs(connection, person, 9)]
        counted = runs_by_workflow(connection, person, self.clock.now() - timedelta(days=1))
        assert counted == {"ask-policy": len(recent)}
        assert newest_run_of(connection, person) == recent[0]
        looks = [
            (RunFilter(), Sight(person)),
            (RunFilter(workflow="ask-policy"), Sight(person)),
            (RunFilter(person=person), Sight(person)),
            (RunFilter(person=person), Sight(person, None)),
        ]
        return [recent, *([r.id for r in find_runs(connection, *look, limit=9).rows] for look in looks)]

    async def changed(self, says: str, change: str = "c_one") -> None:
        self.says = says
        await self.applied(change)
        await self.settled()


@pytest.fixture
async def desk(store: Store) -> FixingDesk:
    desk = FixingDesk(store)
    await desk.open()
    return desk


async def test_a_promotion_brings_the_new_answer_too(desk: FixingDesk) -> None:
    await desk.voted_down(question="How many days?", origin=CHANNEL)
    desk.clock.at += timedelta(minutes=1)
    desk.says = "Ten days, until 31 March."
    promoted = Improvement(
        "p_1", "workflow:ask-policy", ("ask-policy",), "Promoted.", "U0CHLOE", "", desk.clock.at
    )
    await desk.store.write(lambda connection: desk.fixing.note(connection, promoted))
    await desk.store.write(lambda connection: desk.fixing.note(connection, promoted))
    await desk.settled()
    (message,) = desk.queued("fix")
    assert message.body["effect"] == "Promoted." and message.body["change"] == "p_1"


def undone(connection: Connection, change: str) -> None:
    """As a change stands once it was applied and undone."""
    row = {each.name: "" for each in changes.columns}
    row |= {"id": change, "kind": "prompt", "name": "ask-policy.answer", "status": "undone"}
    row |= dict.fromkeys(("created_at", "updated_at", "expires_at"), FakeClock().now())
    row |= dict.fromkeys(
        ("base_number", "round", "approvals", "fence", "previous_number", "applied_number"), 1
    )
    row |= {name: {} for name in ("author", "authors", "origin", "why", "affected", "tests")}
    connection.execute(changes.insert().values(**row | {"is_announced": True, "lease_until": None}))


@pytest.mark.parametrize("when", ["due", "asked"])
async def test_what_was_undone_brings_nobody_a_new_answer(desk: FixingDesk, when: str) -> None:
    await desk.voted_down(question="How many days?", origin=CHANNEL)
    desk.says = "Ten days, until 31 March."
    await desk.applied()
    if when == "asked":
        await desk.fixing.step(desk._identify)
    desk.store.write_now(lambda connection: undone(connection, "c_one"))
    await desk.settled()
    assert desk.queued("fix") == []
    assert [(row.state, row.why) for row in desk.rows()] == [("skipped", "ChangeUndone")]
    assert desk.runs_of("U0ANA") == (2 if when == "asked" else 1)


async def test_who_voted_down_gets_the_new_answer_to_their_own_question(desk: FixingDesk) -> None:
    run_id = await desk.voted_down(question="How many days?", origin=CHANNEL)
    await desk.changed("Ten days, until 31 March.")
    (message,) = desk.queued("fix")
    (fix,) = desk.rows()
    assert (fix.state, fix.run_id, fix.person, fix.new_run_id) == ("sent", run_id, "U0ANA", message.run_id)
    assert message.channel == "U0ANA"
    assert message.body == {
        "effect": "Answers name the date.",
        "by": "U0CHLOE",
        "target": "prompt:ask-policy.answer",
        "change": "c_one",
        "old": "Five days.",
        "abstained": False,
        "person": "U0ANA",
    }
    new = desk.store.read_now(lambda connection: load_view(connection, fix.new_run_id))
    assert (new.follows, dict(new.inputs), new.actor) == (run_id, {"question": "How many days?"}, ANA)
    assert (new.origin.surface, new.origin.visibility, new.origin.readers) == (
        "mention",
        "private",
        ("U0ANA",),
    )
    assert len(desk.queued("run")) == 1, "the new run has no message but that"
    assert desk.events(run_id)[-1] == "fix.sent"


@pytest.mark.parametrize("says", ["Five days.", "Ten days, until 31 March."])
async def test_what_nobody_asked_for_is_in_no_list_of_ones_own_unless_the_answer_came(
    desk: FixingDesk, says: str
) -> None:
    run_id = await desk.voted_down()
    desk.says = says
    await desk.applied()
    for _ in range(2):
        await desk.fixing.step(desk._identify)
    (fix,) = desk.rows()
    assert fix.state == FixState.ASKED and desk.lists_of(ANA) == [[run_id]] * 5
    await desk.settled()
    known = [fix.new_run_id, run_id] if desk.states() == [FixState.SENT] else [run_id]
    assert desk.lists_of(ANA) == [known] * 5
    page = desk.store.read_now(lambda c: find_runs(c, RunFilter(), Sight("U0ANA", None), limit=9))
    assert len(page.rows) == 2, "the log of a workflow leaves out nothing"


async def test_hearing_of_a_change_twice_asks_once(desk: FixingDesk) -> None:
    await desk.voted_down()
    desk.says = "Ten days."
    await desk.applied()
    await desk.applied()
    await desk.settled()
    await desk.applied()
    await desk.settled()
    assert len(desk.queued("fix")) == 1 and desk.runs_of("U0ANA") == 2


async def test_nobody_is_bothered_with_the_same_answer(desk: FixingDesk) -> None:
    run_id = await desk.voted_down()
    await desk.changed("**five** days [1].")
    assert desk.states() == [FixState.SAME] and desk.queued("fix") == []
    assert desk.events(run_id)[-1] == "fix.same"


@pytest.mark.parametrize(("before", "after", "sent"), [(True, True, 0), (True, False, 1), (False, True, 1)])
async def test_abstaining_before_and_after(store: Store, before: bool, after: bool, sent: int) -> None:
    desk = FixingDesk(store)
    await desk.open()
    desk.abstains = before
    await desk.voted_down()
    desk.abstains = after
    await desk.changed("Something else.")
    assert len(desk.queued("fix")) == sent


async def test_the_right_is_that_of_today(desk: FixingDesk) -> None:
    first = await desk.voted_down("k1", question="Mine?")
    second = await desk.voted_down("k2", actor=BEN, question="Yours?")
    third = await desk.voted_down("k3", actor=DEV, question="Theirs?")
    desk.people["U0ANA"] = Actor("U0ANA", is_outsider=True)
    await desk.access.revoke(DEV, "everyone", Role.RUNNER)
    await desk.changed("Ten days.")
    assert {(fix.person, fix.state, fix.why) for fix in desk.rows()} == {
        ("U0ANA", "skipped", "Outsider"),
        ("U0BEN", "skipped", "NotAuthorized"),
        ("U0DEV", "sent", ""),
    }
    assert [desk.events(run)[-1] for run in (first, second, third)] == [
        "fix.skipped",
        "fix.skipped",
        "fix.sent",
    ]
    skipped = desk.store.read_now(lambda connection: audit_log.read_events(connection, action="fix.skipped"))
    assert {(event.context["person"], event.context["why"]) for event in skipped} == {
        ("U0ANA", "Outsider"),
        ("U0BEN", "NotAuthorized"),
    }


async def test_a_person_whom_slack_does_not_name_is_waited_for_a_day(desk: FixingDesk) -> None:
    await desk.voted_down()
    del desk.people["U0ANA"]
    await desk.changed("Ten days.")
    assert desk.states() == [FixState.DUE]
    desk.clock.at += timedelta(days=2)
    await desk.settled()
    assert desk.states() == [FixState.SKIPPED]


async def test_slack_is_asked_less_and_less_often_for_whom_it_does_not_name(desk: FixingDesk) -> None:
    await desk.voted_down()
    ana = desk.people.pop("U0ANA")
    await desk.changed("Ten days.")
    for _ in range(600):
        desk.clock.at += timedelta(seconds=1)
        await desk.fixing.step(desk._identify)
    assert 4 <= len(desk.looked_up) <= 12
    desk.people["U0ANA"] = ana
    desk.clock.at += desk.fixing.pace.longest_pause
    await desk.settled()
    assert desk.states() == [FixState.SENT]


async def test_people_whom_slack_does_not_name_hold_nobody_up(store: Store) -> None:
    desk = FixingDesk(store, FixPace(at_once=1))
    await desk.open()
    await desk.voted_down("k1", question="One?")
    desk.clock.at += timedelta(seconds=1)
    await desk.voted_down("k2", actor=BEN, question="Two?")
    del desk.people["U0BEN"]
    await desk.changed("Ten days.")
    assert {(fix.person, fix.state) for fix in desk.rows()} == {("U0ANA", "sent"), ("U0BEN", "due")}


async def test_only_standing_votes_of_the_workflow_before_the_change_count(desk: FixingDesk) -> None:
    changed_mind = await desk.voted_down("k1", question="One?")
    await desk.feedback.record(ANA, changed_mind, "up")
    old = await desk.voted_down("k2", question="Two?")
    desk.clock.at += timedelta(days=61)
    await desk.applied("c_other", ("plan-trip",))
    desk.says = "Ten days."
    await desk.applied()
    late = await desk.voted_down("k3", question="Three?")
    assert desk.rows() == [], (changed_mind, old, late)


async def test_another_reader_of_a_public_answer_is_told_and_of_a_private_one_is_not(
    desk: FixingDesk,
) -> None:
    public = await desk.answered("k1", question="One?", origin=CHANNEL)
    private = await desk.answered("k2", question="Two?")
    await desk.feedback.record(BEN, public, "down")
    await desk.feedback.record(BEN, private, "down")
    await desk.changed("Ten days.")
    assert [
        (message.channel, fix.run_id) for message, fix in zip(desk.queued("fix"), desk.rows(), strict=True)
    ] == [("U0BEN", public)]


async def test_the_same_question_asked_twice_is_answered_once(desk: FixingDesk) -> None:
    await desk.voted_down("k1", question="How many days?")
    desk.clock.at += timedelta(minutes=1)
    newest = await desk.voted_down("k2", question="how many  days")
    await desk.changed("Ten days.")
    assert [fix.run_id for fix in desk.rows()] == [newest]


async def test_at_most_so_many_are_asked_again_and_few_at_once(store: Store) -> None:
    desk = FixingDesk(store, FixPace(most=5, at_once=2))
    await desk.open()
    for number in range(7):
        await desk.voted_down(f"k{number}", question=f"Question {number}?")
    desk.says = "Ten days."
    await desk.applied()
    await desk.fixing.step(desk._identify)
    assert sorted(desk.states()) == ["asked"] * 2 + ["due"] * 3
    await desk.fixing.step(desk._identify)
    assert sorted(desk.states()) == ["asked"] * 2 + ["due"] * 3
    await desk.settled()
    assert len(desk.queued("fix")) == 5
    (planned,) = desk.store.read_now(
        lambda connection: audit_log.read_events(connection, action="fix.planned")
    )
    assert planned.context == {"questions": 5, "left_out": 2}


async def test_a_run_that_fails_bothers_nobody(desk: FixingDesk) -> None:
    async def fail(*_: Any) -> RunResult:
        raise RuntimeError("no model")

    await desk.voted_down()
    desk.perform.act = fail
    await desk.applied()
    await desk.settled()
    assert desk.states() == [FixState.FAILED] and desk.queued("fix") == []


async def test_who_changed_their_vote_meanwhile_is_not_written_to(desk: FixingDesk) -> None:
    run_id = await desk.voted_down()
    desk.says = "Ten days."
    await desk.applied()
    await desk.fixing.step(desk._identify)
    await desk.feedback.record(ANA, run_id, "up")
    await desk.settled()
    assert [(fix.state, fix.why) for fix in desk.rows()] == [("skipped", "VoteChanged")]


async def test_the_vote_on_the_new_answer_confirms_the_fix_or_not(desk: FixingDesk) -> None:
    run_id = await desk.voted_down()
    await desk.changed("Ten days.")
    new = desk.rows()[0].new_run_id
    await desk.feedback.record(ANA, new, "down")
    fix = next(score for score in await desk.feedback.of_run(run_id) if score.name == "fix")
    assert (fix.value, fix.source, fix.reason) == (-1.0, "person:U0ANA", "c_one")
    assert desk.item(run_id).state is desk.item(new).state is TriageState.WAITING  # type: ignore[union-attr]
    assert (await desk.feedback.record(ANA, new, "up")).changed
    fix = next(score for score in await desk.feedback.of_run(run_id) if score.name == "fix")
    assert fix.value == 1.0
    assert desk.item(run_id).state is TriageState.WITHDRAWN  # type: ignore[union-attr]
    assert [event for event in desk.events(run_id) if event.startswith("fix.")] == [
        "fix.sent",
        "fix.refused",
        "fix.confirmed",
    ]
    votes = [score.value for score in await desk.feedback.of_run(run_id) if score.name == "vote"]
    assert votes == [-1.0], "what was said of the old answer stays"


async def test_after_the_next_change_only_those_who_are_not_content_hear(desk: FixingDesk) -> None:
    content = await desk.voted_down("k1", question="One?")
    silent = await desk.voted_down("k2", actor=BEN, question="Two?")
    await desk.changed("Ten days.")
    answers = {fix.run_id: fix.new_run_id for fix in desk.rows()}
    await desk.feedback.record(ANA, answers[content], "up")
    await desk.changed("Ten days.", "c_two")
    assert [(fix.run_id, fix.state) for fix in desk.rows() if fix.change_id == "c_two"] == [(silent, "same")]
    await desk.changed("Eleven days.", "c_three")
    assert sorted(message.channel for message in desk.queued("fix")) == ["U0ANA", "U0BEN", "U0BEN"]


async def test_a_crash_between_asking_and_noting_asks_once(desk: FixingDesk) -> None:
    await desk.voted_down()
    desk.says = "Ten days."
    await desk.applied()
    await desk.fixing.step(desk._identify)
    desk.sql("UPDATE fixes SET state = 'due', new_run_id = ''")
    await desk.settled()
    assert desk.runs_of("U0ANA") == 2 and len(desk.queued("fix")) == 1
