"""Content goes after its time, and nothing else does: on both engines, in batches, harmless to repeat."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text, update

from bot.adapters.store import audit_log, digests_log, outbox_log, retention_log
from bot.adapters.store.escalations_log import escalations, insert_escalation
from bot.adapters.store.evaluations_log import (
    DONE,
    RUNNING,
    NewEvaluation,
    finish_evaluation,
    insert_evaluation,
)
from bot.adapters.store.ledger import sum_usage
from bot.adapters.store.questions_log import questions, topics
from bot.adapters.store.run_log import read_run
from bot.adapters.store.scores import Score, read_scores, write_score
from bot.adapters.store.triage_log import find_item, insert_item
from bot.governance.retention_words import (
    FOR_EVER,
    MOST_DAYS,
    InvalidKeeping,
    KeepingRequest,
    read_days,
    read_keeping,
)
from bot.governance.roles import Role
from bot.governance.run_filter import RunFilter
from bot.quality.complaint import TriageState
from bot.quality.evaluation import CaseScore, EvaluationReport, ReportRow, Standing, Trial
from bot.services import retention as retention_service
from bot.services.access import NotAuthorized
from bot.services.actors import Actor
from bot.services.catalogue import UnknownWorkflow
from bot.services.explaining import Explaining
from bot.services.retention import Retention
from bot.services.run_exports import RunExports
from bot.services.run_history import RunHistory
from bot.services.run_sight import RunSights
from bot.services.runs import NothingToShare
from tests.bot.feedback_desk import OWNER, FeedbackDesk
from tests.bot.history_rows import NOW, Past, insert_past
from tests.bot.run_desk import ANA, DEV
from workflows.run import Failure, RunStatus

CHLOE = Actor(OWNER, "Chloe")
SECRETS = ("leave", "Five days", "Secret", "so it is", "Ten days", "quoted", "Private")
"""Words of what was asked, answered, read and said."""


@pytest.fixture
async def desk(store: Any) -> AsyncIterator[FeedbackDesk]:
    desk = await FeedbackDesk(store).open()
    desk.clock.at = NOW
    yield desk


def retention(desk: FeedbackDesk, days: int = FOR_EVER) -> Retention:
    return Retention(desk.store, desk.access, desk.catalogue, desk.clock, days)


def past(name: str, days: int, **changes: Any) -> Past:
    return Past(name, asked_at=NOW - timedelta(days=days), **changes)


def fill(desk: FeedbackDesk, *pasts: Past) -> None:
    """Runs with everything that quotes them."""

    def act(connection: Any) -> None:
        for each in pasts:
            insert_past(connection, each)
            _quote(connection, each)

    desk.store.write_now(act)


def _quote(connection: Any, each: Past) -> None:
    at = each.asked_at
    for name, value, reason in (("reason", 0.0, "wrong"), ("correction", 1.0, "Ten days.")):
        write_score(connection, Score(each.id, name, "person:U0BEN", value, reason), at)
    write_score(connection, Score(each.id, "grounded", "check:answer", 1.0, "All of it"), at)
    insert_escalation(connection, each.id, each.workflow, each.person, OWNER, at)
    reply = update(escalations).values(reply="Ask me, Private.", status="answered")
    connection.execute(reply.where(escalations.c.run_id == each.id))
    item = outbox_log.NewItem(f"m_{each.id}", "fix", "U0BEN", each.id, body={"old": "Five days."})
    outbox_log.insert_item(connection, item, at)
    insert_item(connection, run_id=each.id, workflow=each.workflow, fingerprint="f", at=at)
    vector = {
        "run_id": each.id,
        "workflow": each.workflow,
        "asked_at": at,
        "vector": b"Private",
        "is_covered": True,
    }
    connection.execute(insert(questions).values(**vector, topic_id=f"t_{each.id}"))
    topic = {"id": f"t_{each.id}", "workflow": each.workflow, "centre": b"Private", "size": 1, "asked_at": at}
    connection.execute(insert(topics).values(topic))


def everything(desk: FeedbackDesk) -> str:
    """Every cell of every table but the audit's, where content could stand."""

    def look(connection: Any) -> str:
        names = (
            "runs",
            "steps",
            "scores",
            "outbox",
            "questions",
            "topics",
            "digests",
            "findings",
            "ledger",
            "triage",
            "escalations",
        )
        return "\n".join(
            str(tuple(row)) for name in names for row in connection.execute(text(f"SELECT * FROM {name}"))
        )

    return desk.store.read_now(look)


async def test_content_goes_after_its_time_and_numbers_stay(desk: FeedbackDesk) -> None:
    failure = Failure("InvalidInputs", {"problems": "Private"}, "i_1")
    fill(
        desk,
        past("r_old", 91, votes={"U0BEN": -1}),
        past("r_failed", 92, status=RunStatus.FAILED, failure=failure),
    )
    before = desk.store.read_now(lambda c: read_run(c, "r_old"))
    assert all(
        secret in everything(desk) for secret in ("leave", "Five days", "Secret", "Ten days", "Private")
    )
    service = retention(desk)
    await service.keep(CHLOE, "ask-policy", 90)
    assert await service.empty_due() == {"ask-policy": 2}
    left = everything(desk)
    assert [
        secret for secret in SECRETS if secret in left.replace("'Leave'", "").replace('"Leave"', "")
    ] == []
    row = desk.store.read_now(lambda c: read_run(c, "r_old"))
    for name in (
        "workflow",
        "version",
        "actor_id",
        "pins",
        "status",
        "ending",
        "created_at",
        "finished_at",
        "revision",
    ):
        assert getattr(row, name) == getattr(before, name), name
    assert row.answer["outcome"] == "covered" and row.answer["citations"][0]["passage"]["document_id"] == "d1"
    assert row.inputs == {} and row.answer["text"] == ""
    assert desk.store.read_now(lambda c: read_run(c, "r_failed")).failure["kind"] == "InvalidInputs"
    used = desk.store.read_now(lambda c: sum_usage(c, ["r_old"]))["r_old"].usage
    assert (used.input_tokens, used.cost_usd) == (100, Decimal("0.0012"))
    scores = {score.name: score for score in desk.store.read_now(lambda c: read_scores(c, "r_old"))}
    assert (
        scores["vote"].value == -1
        and scores["correction"].reason == ""
        and scores["grounded"].reason == "All of it"
    )
    assert desk.item("r_old").state is TriageState.WITHDRAWN  # type: ignore[union-attr]
    assert await service.empty_due() == {}, "once is enough"
    events = desk.store.write_now(lambda c: audit_log.read_events(c, action="retention.emptied"))
    assert [(event.actor, event.context["runs"]) for event in events] == [("spanwise", 2)]
    assert desk.store.read_now(audit_log.verify).bad_seq is None


async def test_words_that_come_after_their_run_was_emptied_go_the_next_night(desk: FeedbackDesk) -> None:
    fill(desk, past("r_old", 100), past("r_kept", 80))
    keeping = retention(desk, 90)
    await keeping.empty_due()
    for run_id, words in (("r_old", "Belated words"), ("r_kept", "Timely words")):
        await desk.feedback.record(ANA, run_id, "down", words)
        await desk.feedback.complain(ANA, run_id, "wrong", words)
    reply = update(escalations).where(escalations.c.run_id == "r_old")
    desk.store.write_now(lambda c: c.execute(reply.values(reply="Belated words")))
    desk.clock.at = NOW + timedelta(days=1)
    await keeping.empty_due()
    assert "Belated words" not in everything(desk)
    assert "Timely words" in everything(desk)


async def test_what_is_younger_unfinished_or_of_another_workflow_stays(desk: FeedbackDesk) -> None:
    fill(
        desk,
        past("r_young", 89),
        past("r_open", 400, status=RunStatus.WAITING),
        past("r_other", 400, workflow="draft-reply"),
        past("r_old", 400),
    )
    service = retention(desk)
    await service.keep(CHLOE, "ask-policy", 90)
    assert await service.empty_due() == {"ask-policy": 1}
    for name in ("r_young", "r_open", "r_other"):
        row = desk.store.read_now(lambda c, name=name: read_run(c, name))
        assert row.inputs == {"question": "How many days of leave?"}
        assert desk.store.read_now(lambda c, name=name: find_item(c, name)).state is TriageState.WAITING
    desk.clock.at += timedelta(days=2)
    assert await service.empty_due() == {"ask-policy": 1}, "r_young is old enough by now"


async def test_batches_miss_nothing_however_runs_ended_together(
    desk: FeedbackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_service, "BATCH", 3)
    fill(desk, *(past(f"r_{number:02d}", 100 - number // 5) for number in range(17)))
    service = retention(desk, days=30)
    assert await service.empty_due() == {"ask-policy": 17}
    assert "How many days" not in everything(desk)


async def test_the_setting_holds_where_nobody_said_otherwise(desk: FeedbackDesk) -> None:
    fill(desk, past("r_old", 40))
    service = retention(desk, days=30)
    await service.keep(CHLOE, "ask-policy", FOR_EVER)
    assert await service.empty_due() == {}
    await service.keep(CHLOE, "ask-policy", None)
    (keeping,) = await service.overview(CHLOE)
    assert (keeping.days, keeping.is_own) == (30, False)
    assert await service.empty_due() == {"ask-policy": 1}
    assert await retention(desk).empty_due() == {}


async def test_a_look_says_what_would_go(desk: FeedbackDesk) -> None:
    fill(desk, past("r_1", 10), past("r_2", 20), past("r_3", 30))
    service = retention(desk)
    assert (await service.preview(CHLOE, "ask-policy", 15)).loses == 2
    assert (await service.preview(CHLOE, "ask-policy", FOR_EVER)).loses == 0
    await service.keep(CHLOE, "ask-policy", 25)
    await service.empty_due()
    assert (await service.preview(CHLOE, "ask-policy", 15)).loses == 1, "what is gone cannot go again"


async def test_only_who_may_sets_it(desk: FeedbackDesk) -> None:
    service = retention(desk)
    for actor in (ANA, Actor("U0EVA")):
        with pytest.raises(NotAuthorized):
            await service.keep(actor, "ask-policy", 1)
        with pytest.raises(NotAuthorized):
            await service.overview(actor)
    with pytest.raises(UnknownWorkflow):
        await service.preview(DEV, "ask-polici", 1)
    await desk.access.grant(DEV, "U0EVA", Role.AUDITOR)
    with pytest.raises(NotAuthorized):
        await service.preview(Actor("U0EVA"), "ask-policy", 1)
    assert [each.workflow for each in await service.overview(DEV)] == ["ask-policy"]
    assert not desk.store.write_now(lambda c: audit_log.read_events(c, action="retention.changed"))


async def test_what_was_deleted_is_said_and_neither_shared_nor_found(desk: FeedbackDesk) -> None:
    fill(desk, past("r_old", 50))
    service = retention(desk)
    await service.keep(CHLOE, "ask-policy", 30)
    await service.empty_due()
    sights = RunSights(desk.access, desk.catalogue)
    explaining = Explaining(desk.store, desk.catalogue, desk.access, desk.runs, desk.clock, None)  # type: ignore[arg-type]
    opened = await RunHistory(desk.store, sights, explaining).run(ANA, "r_old")
    assert opened.content == "deleted" and opened.explained.base.run.inputs == {}
    lines: list[str] = []
    exports = RunExports(desk.store, sights, desk.clock)
    wanted = RunFilter("ask-policy")
    assert await exports.export(CHLOE, wanted, "jsonl", lines.append, surface="test") == 1
    assert '"content": "deleted"' in "".join(lines)
    with pytest.raises(NothingToShare):
        await desk.runs.share(ANA, "r_old")


async def test_digests_forget_what_they_quoted(desk: FeedbackDesk) -> None:
    def act(connection: Any) -> None:
        for key, workflow, days in (
            ("a", "ask-policy", 40),
            ("b", "ask-policy", 10),
            ("c", "draft-reply", 40),
        ):
            at = NOW - timedelta(days=days)
            content = {"workflows": [{"name": workflow}], "examples": "quoted"}
            row = {
                "key": key,
                "recipient": key,
                "week": "2026-W40",
                "status": digests_log.POSTED,
                "content": content,
            }
            connection.execute(insert(digests_log.digests).values(**row, created_at=at, due_at=at))
        for key, week, status in (
            ("f1", "2026-W30", "open"),
            ("f2", "2026-W30", "dismissed"),
            ("f3", "2026-W47", "open"),
        ):
            values = {
                "id": key,
                "workflow": "ask-policy",
                "kind": "gap",
                "subject": key,
                "status": status,
                "week": week,
            }
            facts = {"severity": 3, "examples": "quoted"}
            connection.execute(
                insert(digests_log.findings).values(
                    **values, facts=facts, decided_by="", decision={}, created_at=NOW
                )
            )
        insert_past(connection, past("r_1", 50))

    desk.store.write_now(act)
    service = retention(desk)
    await service.keep(CHLOE, "ask-policy", 30)
    await service.empty_due()
    rows = desk.sql("SELECT key, content FROM digests ORDER BY key")
    assert [row.key for row in rows if "quoted" in row.content] == ["b", "c"]
    found = {row.id: row.facts for row in desk.sql("SELECT id, facts FROM findings")}
    assert found == {"f2": '{"severity":3}', "f3": '{"examples":"quoted","severity":3}'}


def side(answer: str) -> Trial:
    return Trial(Standing.PASSED, (CaseScore("must_contain", True, 1.0, f"It says {answer}"),), answer=answer)


async def test_reports_of_evaluations_forget_the_answers_to_old_questions(desk: FeedbackDesk) -> None:
    rows = tuple(
        ReportRow(name, source, side(f"new to {name}"), side(f"old to {name}"), run_id=f"r_{name}")
        for name, source in (("old", "thumbs-down"), ("cited", "cited"), ("young", "cited"), ("case", "chat"))
    )
    report = EvaluationReport("e_1", "ask-policy", "change:c_1", "U0EVA", NOW, NOW, {}, rows, {})

    def act(connection: Any) -> None:
        for name, days in (("old", 50), ("cited", 40), ("young", 10), ("case", 50)):
            insert_past(connection, past(f"r_{name}", days))
        made = NewEvaluation("e_1", "ask-policy", "change:c_1", "", "U0EVA", RUNNING, {}, {})
        insert_evaluation(connection, made, NOW)
        finish_evaluation(
            connection, "e_1", fence=0, status=DONE, report=report.as_json(), cost_usd=Decimal(1), at=NOW
        )

    desk.store.write_now(act)
    service = retention(desk)
    await service.keep(CHLOE, "ask-policy", 30)
    await service.empty_due()
    (row,) = desk.sql("SELECT report FROM evaluations")
    kept = EvaluationReport.from_json(json.loads(row.report))
    assert [each.new.answer for each in kept.rows] == ["", "", "new to young", "new to case"]
    assert "to old" not in row.report and "to cited" not in row.report
    assert [each.new.standing for each in kept.rows] == [Standing.PASSED] * 4, "how it went stays"
    desk.clock.at = NOW + timedelta(days=25)
    await service.empty_due()
    assert "to young" not in desk.sql("SELECT report FROM evaluations")[0].report


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", KeepingRequest()),
        ("/ask-policy", KeepingRequest("ask-policy")),
        ("ask-policy 90 days", KeepingRequest("ask-policy", True, 90)),
        ("ask-policy 1 year", KeepingRequest("ask-policy", True, 365)),
        ("ask-policy For Ever", KeepingRequest("ask-policy", True, FOR_EVER)),
        ("ask-policy default", KeepingRequest("ask-policy", True, None)),
    ],
)
def test_what_people_type(typed: str, expected: KeepingRequest) -> None:
    assert read_keeping(typed) == expected


@pytest.mark.parametrize(
    "typed", ["ask-policy soon", "ask-policy 0 days", "ask-policy 99 years", "A!", "x -3 days"]
)
def test_what_is_no_time(typed: str) -> None:
    with pytest.raises(InvalidKeeping):
        read_keeping(typed)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(typed: str) -> None:
    try:
        days = read_days(typed)
    except InvalidKeeping as error:
        assert error.facts["typed"] == typed
    else:
        assert 0 <= days <= MOST_DAYS


def test_kept_is_read_back(desk: FeedbackDesk) -> None:
    def act(connection: Any) -> Any:
        retention_log.write_days(connection, "a", 5, "U0DEV", NOW)
        retention_log.mark_emptied(connection, "b", NOW, NOW)
        return retention_log.read_retention(connection)

    kept = desk.store.write_now(act)
    assert (kept["a"].days, kept["a"].emptied_until) == (5, None)
    assert (kept["b"].days, kept["b"].emptied_until) == (None, NOW)
