"""How long what was asked and answered is kept, by workflow, and taking it out of the store after that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from bot.adapters.store.digests_log import POSTED, digests, findings
from bot.adapters.store.escalations_log import escalations
from bot.adapters.store.evaluations_log import evaluations
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.questions_log import questions, topics
from bot.adapters.store.run_log import RunRow, runs
from bot.adapters.store.scores import scores
from bot.adapters.store.step_log import steps
from bot.adapters.store.tables import UtcDateTime, metadata
from bot.adapters.store.triage_log import triage
from bot.quality.complaint import TriageState
from bot.quality.digest_findings import FindingStatus
from bot.quality.evaluation import GOLDEN

retention = Table(
    "retention",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("days", Integer),
    Column("set_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("emptied_until", UtcDateTime),
)
"""Content of runs that ended longer ago than `days` is deleted; their numbers stay. No days: as the setting
says; 0: for ever. What ended before `emptied_until` has been emptied."""

SPOKEN = ("reason", "correction", "vote")
"""Scores whose reason is in a person's words."""

_EMPTY_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("emptied"))
    .values(inputs={}, answer=bindparam("kept_answer"), failure=bindparam("kept_failure"))
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is said of one workflow."""

    workflow: str
    days: int | None
    """0 for ever; None as the setting says."""
    set_by: str
    changed_at: datetime
    emptied_until: datetime | None


def read_retention(connection: Connection) -> dict[str, Kept]:
    """By workflow; one of which nothing was ever said is absent."""
    return {row.workflow: Kept(**row._asdict()) for row in connection.execute(select(retention))}


def write_days(connection: Connection, workflow: str, days: int | None, by: str, at: datetime) -> None:
    """Say how long from now on."""
    values = {"days": days, "set_by": by, "changed_at": at}
    if connection.execute(update(retention).filter_by(workflow=workflow).values(**values)).rowcount == 0:
        connection.execute(insert(retention).values(workflow=workflow, **values))


def mark_emptied(connection: Connection, workflow: str, until: datetime, at: datetime) -> None:
    """Note that what ended before has been emptied."""
    statement = update(retention).filter_by(workflow=workflow).values(emptied_until=until)
    if connection.execute(statement).rowcount == 0:
        row = {"workflow": workflow, "set_by": "", "changed_at": at, "emptied_until": until}
        connection.execute(insert(retention).values(row))


def workflows_run(connection: Connection) -> tuple[str, ...]:
    """Every workflow that anybody ever ran."""
    return tuple(connection.execute(select(runs.c.workflow).distinct().order_by(runs.c.workflow)).scalars())


def count_ended(connection: Connection, workflow: str, since: datetime | None, before: datetime) -> int:
    """How many runs ended in that time."""
    return int(connection.execute(select(func.count()).where(*_ended(workflow, since, before))).scalar_one())


def due_runs(
    connection: Connection, workflow: str, since: datetime | None, before: datetime, most: int
) -> tuple[tuple[RunRow, ...], datetime]:
    """The oldest that ended in that time, about `most`, and the time before which these are all."""
    query = select(runs.c.finished_at).where(*_ended(workflow, since, before))
    edge = connection.execute(query.order_by(runs.c.finished_at).offset(most).limit(1)).scalar()
    until = edge if edge is not None and edge != since else before
    found = connection.execute(select(runs).where(*_ended(workflow, since, until)))
    return tuple(found), until


def empty_runs(connection: Connection, rows: Sequence[RunRow]) -> None:
    """Delete what was asked and answered, and every copy of it; numbers, endings and versions stay."""
    ids = [row.id for row in rows]
    if not ids:
        return
    connection.execute(_EMPTY_RUN, [_emptied(row) for row in rows])
    failed = steps.c.failure.is_not(None)
    connection.execute(update(steps).where(steps.c.run_id.in_(ids)).values(output={}))
    connection.execute(update(steps).where(steps.c.run_id.in_(ids), failed).values(failure=None))
    spoken = scores.c.name.in_(SPOKEN)
    connection.execute(update(scores).where(scores.c.run_id.in_(ids), spoken).values(reason=""))
    connection.execute(update(outbox).where(outbox.c.run_id.in_(ids)).values(body={}))
    waiting = triage.c.state == TriageState.WAITING
    ended = {"state": TriageState.WITHDRAWN, "result": "retention"}
    connection.execute(update(triage).where(triage.c.run_id.in_(ids), waiting).values(**ended))
    connection.execute(update(escalations).where(escalations.c.run_id.in_(ids)).values(reply=""))
    _forget_questions(connection, ids)


def empty_late_words(connection: Connection, workflow: str, before: datetime) -> None:
    """Delete what people said of runs that ended before, also of those that were emptied before they did."""
    ended = select(runs.c.id).where(*_ended(workflow, None, before))
    said = (scores.c.name.in_(SPOKEN), scores.c.reason != "", scores.c.run_id.in_(ended))
    connection.execute(update(scores).where(*said).values(reason=""))
    replied = (escalations.c.reply != "", escalations.c.run_id.in_(ended))
    connection.execute(update(escalations).where(*replied).values(reply=""))


def empty_digests(connection: Connection, workflow: str, before: datetime) -> None:
    """Delete what digests quoted that were made before, and findings that were last made before.

    What people decided about a finding stays, with how bad it was.
    """
    old = select(digests.c.key, digests.c.content).where(
        digests.c.created_at < before, digests.c.content != {}, digests.c.status == POSTED
    )
    keys = [key for key, content in connection.execute(old) if _is_about(content, workflow)]
    connection.execute(update(digests).where(digests.c.key.in_(keys)).values(content={}))
    year, week, _ = before.isocalendar()
    stale = (findings.c.workflow == workflow, findings.c.week < f"{year}-W{week:02d}")
    settled = findings.c.status == FindingStatus.DISMISSED.value
    for row in connection.execute(select(findings.c.id, findings.c.facts).where(*stale, settled)).all():
        kept = {"severity": row.facts["severity"]} if "severity" in row.facts else {}
        connection.execute(update(findings).filter_by(id=row.id).values(facts=kept))
    connection.execute(delete(findings).where(*stale, ~settled))


def empty_reports(connection: Connection, workflow: str, since: datetime | None, before: datetime) -> None:
    """Delete from reports of evaluations what was answered again to questions of runs that ended before.

    Cases that a person approved stay with their answers: what is in them was chosen to be kept. Reports that
    ended before `since` have been gone through already.
    """
    query = select(evaluations.c.id, evaluations.c.report).where(evaluations.c.finished_at.is_not(None))
    if since is not None:
        query = query.where(evaluations.c.finished_at >= since)
    for evaluation_id, report in connection.execute(query).all():
        asked = {row["run_id"] for row in report.get("rows") or () if _is_of_a_run(row)}
        ended = select(runs.c.id).where(runs.c.id.in_(asked), *_ended(workflow, None, before))
        gone = set(connection.execute(ended).scalars()) if asked else set()
        if gone:
            kept = [_unanswered(row) if row["run_id"] in gone else row for row in report["rows"]]
            changed = update(evaluations).filter_by(id=evaluation_id)
            connection.execute(changed.values(report={**report, "rows": kept}))


def _is_of_a_run(row: Mapping[str, Any]) -> bool:
    return bool(row.get("run_id")) and row.get("source") not in GOLDEN


def _unanswered(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a report without what was answered, which each side's judgements may quote too."""
    if not _is_of_a_run(row):
        return dict(row)
    sides = {name: row[name] for name in ("new", "old") if row.get(name)}
    bare = {
        name: {**side, "answer": "", "note": "", "scores": [{**s, "reason": ""} for s in side["scores"]]}
        for name, side in sides.items()
    }
    return {**row, **bare}


def _is_about(content: Mapping[str, Any], workflow: str) -> bool:
    named = content.get("workflows") or ()
    return any(
        each == workflow or (isinstance(each, dict) and each.get("name") == workflow) for each in named
    )


def _forget_questions(connection: Connection, ids: Sequence[str]) -> None:
    """Vectors of questions, and topics that no question is left of."""
    asked = questions.c.run_id.in_(ids)
    touched = list(connection.execute(select(questions.c.topic_id).where(asked).distinct()).scalars())
    connection.execute(delete(questions).where(asked))
    left = exists().where(questions.c.topic_id == topics.c.id)
    connection.execute(delete(topics).where(topics.c.id.in_(touched), ~left))


def _ended(workflow: str, since: datetime | None, before: datetime) -> list[Any]:
    # read by the index of the time, which continues where the last batch ended
    named = func.coalesce(runs.c.workflow, "") == workflow
    found: list[Any] = [named, runs.c.finished_at < before]
    return [*found, runs.c.finished_at >= since] if since else found


def _emptied(row: RunRow) -> dict[str, Any]:
    return {
        "emptied": row.id,
        "kept_answer": _without_words(row.answer),
        "kept_failure": {**row.failure, "facts": {}} if row.failure else None,
    }


def _without_words(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Which documents it stood on, and how well, stays; what it said of them goes."""
    if answer is None:
        return None
    cited = [{**each, "passage": {**each["passage"], "text": ""}} for each in answer.get("citations") or ()]
    return {**answer, "text": "", "notes": [], "citations": cited}
