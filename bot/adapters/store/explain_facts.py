"""What an explanation says of a workflow besides its definition: releases, documents, recent runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from bot.adapters.store.document_log import document_versions, documents
from bot.adapters.store.ledger import sum_usage
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.run_log import own_runs, runs
from bot.adapters.store.scores import scores
from bot.adapters.store.versions_log import labels
from workflows.run import RunStatus

VOTE = "vote"
MOST = 1000
"""Newest runs that the figures are taken from."""
_ENDED = (RunStatus.SUCCEEDED.value, RunStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class DocumentUsed:
    """One document without its text."""

    id: str
    title: str
    path: str
    owner: str
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """What the newest runs of a workflow came to."""

    since: datetime
    runs: int = 0
    people: int = 0
    failed: int = 0
    abstained: int = 0
    up: int = 0
    down: int = 0
    last_at: datetime | None = None
    """When somebody last got an answer."""
    seconds: tuple[float, ...] = ()
    """Of runs with an answer, from the shortest."""
    costs: tuple[Decimal, ...] = ()
    """The same."""
    is_cut: bool = False
    """There were more runs than are counted."""


def activity_of(connection: Connection, workflow: str, since: datetime) -> Activity:
    """The runs that ended since then, at most the newest thousand."""
    query = (
        select(
            runs.c.id, runs.c.actor_id, runs.c.status, runs.c.answer, runs.c.created_at, runs.c.finished_at
        )
        .where(runs.c.workflow == workflow, runs.c.created_at >= since, runs.c.status.in_(_ENDED))
        .order_by(runs.c.created_at.desc(), runs.c.id)
        .limit(MOST + 1)
    )
    found = connection.execute(query).all()
    rows: Sequence[Any] = found[:MOST]
    answered = [row for row in rows if row.status == RunStatus.SUCCEEDED.value]
    usage = sum_usage(connection, [row.id for row in answered])
    up, down = _votes(connection, [row.id for row in rows])
    return Activity(
        since,
        runs=len(rows),
        people=len({row.actor_id for row in rows}),
        failed=len(rows) - len(answered),
        abstained=sum(bool(row.answer and row.answer.get("abstained")) for row in answered),
        up=up,
        down=down,
        last_at=max((row.finished_at for row in answered), default=None),
        seconds=tuple(sorted(_seconds(answered))),
        costs=tuple(
            sorted(usage[row.id].usage.cost_usd if row.id in usage else Decimal(0) for row in answered)
        ),
        is_cut=len(found) > MOST,
    )


def _seconds(rows: Sequence[Any]) -> list[float]:
    return [float((row.finished_at - row.created_at).total_seconds()) for row in rows]


def _votes(connection: Connection, run_ids: Collection[str]) -> tuple[int, int]:
    query = select(scores.c.value).where(scores.c.run_id.in_(list(run_ids)), scores.c.name == VOTE)
    values = connection.execute(query).scalars().all()
    return sum(value > 0 for value in values), sum(value < 0 for value in values)


def documents_in(connection: Connection, collection: str) -> tuple[DocumentUsed, ...]:
    """Live documents of a collection, those unchanged for longest first."""
    query = (
        select(
            documents.c.id,
            document_versions.c.title,
            documents.c.path,
            document_versions.c.owner,
            document_versions.c.version,
            document_versions.c.updated_at,
        )
        .join(document_versions, documents.c.id == document_versions.c.document_id)
        .where(documents.c.collection == collection)
        .where(documents.c.is_removed.is_(False), document_versions.c.until_revision.is_(None))
        .order_by(document_versions.c.updated_at, documents.c.path)
    )
    return tuple(DocumentUsed(*row) for row in connection.execute(query))


def versions_now(connection: Connection, document_ids: Collection[str]) -> dict[str, int]:
    """The version of each document today; one that was taken out is absent."""
    query = select(documents.c.id, documents.c.version).where(
        documents.c.id.in_(list(document_ids)), documents.c.is_removed.is_(False)
    )
    return {row.id: row.version for row in connection.execute(query)}


def label_move(connection: Connection, kind: str, name: str, label: str) -> tuple[str, datetime] | None:
    """Who pointed the label where it points, and when; None where it never was set."""
    query = select(labels.c.moved_by, labels.c.moved_at).filter_by(kind=kind, name=name, label=label)
    row = connection.execute(query).first()
    return (row.moved_by, row.moved_at) if row else None


def newest_run_of(connection: Connection, actor_id: str) -> str:
    """The newest of this person's own runs; empty when there is none."""
    query = select(runs.c.id).where(own_runs(actor_id)).order_by(runs.c.created_at.desc()).limit(1)
    return connection.execute(query).scalar() or ""


def shared_with(connection: Connection, run_id: str) -> tuple[str, ...] | None:
    """Who read where a run was shared, () for everybody; None when that is not on record."""
    query = select(outbox.c.body).where(outbox.c.run_id == run_id, outbox.c.kind == "share")
    readers = (connection.execute(query).scalar() or {}).get("readers")
    return None if readers is None else tuple(readers)
