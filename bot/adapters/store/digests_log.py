"""The weekly digests: where they go, what each said, and what became of their findings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    or_,
    select,
    update,
)

from bot.adapters.store.moments import lease_clock
from bot.adapters.store.tables import JsonText, UtcDateTime, filled, insert_or, metadata
from bot.quality.digest_findings import Decision, Finding, FindingKind, FindingStatus
from bot.quality.digest_slots import IsoWeek, Schedule

QUEUED, POSTED, SKIPPED, FAILED = "queued", "posted", "skipped", "failed"
"""To be made; handed to the outbox; nobody is there to get it any more; given up."""

digest_channels = Table(
    "digest_channels",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("workflows", JsonText, nullable=False),
    Column("time_zone", Text, nullable=False),
    *filled(Integer, "weekday", "minute"),
    Column("is_on", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""A channel, or a person who wants it otherwise; `minute` of the local day, `weekday` from 0, Monday."""

digests = Table(
    "digests",
    metadata,
    Column("key", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("week", String(10), nullable=False),
    Column("status", String(16), nullable=False),
    Column("content", JsonText, nullable=False),
    *filled(UtcDateTime, "created_at", "due_at"),
    Column("lease_until", UtcDateTime),
    Column("posted_at", UtcDateTime),
    Index("ix_digests_recipient_week", "recipient", "week"),
)
"""`key` is `digest:<recipient>:<ISO week>`: a second clock finds the row and adds nothing."""

findings = Table(
    "findings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decision", JsonText, nullable=False),
    Column("week", String(10), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Index("ix_findings_workflow_kind_subject", "workflow", "kind", "subject", unique=True),
)
"""`subject` is what it is about, the same week after week, so that a decision is remembered."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a digest goes, and when."""

    recipient: str
    """A person or a channel."""
    schedule: Schedule
    workflows: tuple[str, ...] = ()
    """None: all that whoever set it may see."""
    is_on: bool = True
    set_by: str = ""
    """Empty for an owner who never said anything about it."""
    changed_at: datetime | None = None
    """Slots before are not due."""


@dataclass(frozen=True, slots=True)
class HeldDigest:
    """A digest that somebody is making; `lease_until` shuts out whoever lost it."""

    key: str
    recipient: str
    week: IsoWeek
    due_at: datetime
    lease_until: datetime
    attempts: int
    place: str
    """Whose digest it shows, where that is not the recipient's own: a preview of a channel's."""
    is_preview: bool


def read_subscriptions(connection: Connection) -> tuple[Subscription, ...]:
    """All of them, by recipient."""
    rows = connection.execute(select(digest_channels).order_by(digest_channels.c.recipient))
    return tuple(_subscription(row) for row in rows)


def find_subscription(connection: Connection, recipient: str) -> Subscription | None:
    """One recipient's."""
    row = connection.execute(select(digest_channels).filter_by(recipient=recipient)).first()
    return _subscription(row) if row else None


def put_subscription(connection: Connection, made: Subscription, at: datetime) -> None:
    """Keep one in place of what the recipient had."""
    drop_subscription(connection, made.recipient)
    values = {
        "recipient": made.recipient,
        "workflows": list(made.workflows),
        "time_zone": made.schedule.zone,
        "weekday": made.schedule.weekday,
        "minute": made.schedule.minute,
        "is_on": made.is_on,
        "set_by": made.set_by,
        "changed_at": made.changed_at or at,
    }
    connection.execute(insert(digest_channels).values(**values))


def drop_subscription(connection: Connection, recipient: str) -> None:
    """Forget what the recipient had."""
    connection.execute(delete(digest_channels).filter_by(recipient=recipient))


def enqueue(
    connection: Connection,
    key: str,
    recipient: str,
    week: IsoWeek,
    *,
    due_at: datetime,
    at: datetime,
    asked: Mapping[str, Any] | None = None,
) -> bool:
    """Have a digest made once; False when the key is known."""
    values = {
        "key": key,
        "recipient": recipient,
        "week": str(week),
        "status": QUEUED,
        "content": dict(asked or {}),
        "created_at": at,
        "due_at": due_at,
    }
    made = insert_or(connection, digests).values(**values).on_conflict_do_nothing()
    return connection.execute(made.returning(digests.c.key)).first() is not None


def claim_digest(connection: Connection, *, lease_s: float, at: datetime) -> HeldDigest | None:
    """Take the oldest that waits and that nobody holds; None when there is none."""
    now = lease_clock(connection)
    query = (
        select(digests)
        .where(digests.c.status == QUEUED, digests.c.due_at <= at)
        .where(or_(digests.c.lease_until.is_(None), digests.c.lease_until < now))
        .order_by(digests.c.due_at, digests.c.key)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    attempts, until = int(row.content.get("attempts", 0)) + 1, now + timedelta(seconds=lease_s)
    values = {"lease_until": until, "content": {**row.content, "attempts": attempts}}
    connection.execute(update(digests).filter_by(key=row.key).values(**values))
    week = IsoWeek.of(row.week)
    place = str(row.content.get("place", ""))
    is_preview = bool(row.content.get("preview"))
    return HeldDigest(row.key, row.recipient, week, row.due_at, until, attempts, place, is_preview)


def end_digest(
    connection: Connection, held: HeldDigest, status: str, content: Mapping[str, Any], at: datetime
) -> bool:
    """Keep what was made of it; False when somebody else has it."""
    values = {"status": status, "content": dict(content), "lease_until": None, "posted_at": at}
    statement = update(digests).where(*_held(held)).values(**values)
    return connection.execute(statement).rowcount == 1


def put_off(connection: Connection, held: HeldDigest, until: datetime) -> None:
    """Let it be tried again from then on."""
    statement = update(digests).where(*_held(held)).values(due_at=until, lease_until=None)
    connection.execute(statement)


def find_digest(connection: Connection, key: str) -> Row[Any] | None:
    """One digest, its columns as attributes."""
    return connection.execute(select(digests).filter_by(key=key)).first()


def newest_digest(connection: Connection, recipient: str) -> Row[Any] | None:
    """The last one that a recipient got."""
    query = select(digests).filter_by(recipient=recipient, status=POSTED)
    return connection.execute(query.order_by(digests.c.posted_at.desc()).limit(1)).first()


def digests_since(connection: Connection, since: datetime) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Key and content of what was posted since, to find those that show a finding."""
    query = select(digests.c.key, digests.c.content).where(
        digests.c.status == POSTED, digests.c.posted_at >= since
    )
    return tuple((key, content) for key, content in connection.execute(query))


def read_findings(connection: Connection, workflows: Collection[str]) -> tuple[Finding, ...]:
    """Every finding about some workflows, whatever became of it."""
    query = select(findings).where(findings.c.workflow.in_(workflows)).order_by(findings.c.created_at)
    return tuple(_finding(row) for row in connection.execute(query))


def findings_of(connection: Connection, ids: Collection[str]) -> dict[str, Finding]:
    """Findings by id."""
    rows = connection.execute(select(findings).where(findings.c.id.in_(ids)))
    return {row.id: _finding(row) for row in rows}


def find_finding(connection: Connection, finding_id: str, *, lock: bool = False) -> Finding | None:
    """One finding; locked, nobody else decides meanwhile."""
    query = select(findings).filter_by(id=finding_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return _finding(row) if row else None


def put_finding(connection: Connection, finding: Finding, at: datetime) -> None:
    """Keep a finding as it stands now."""
    decision = finding.decision
    values: dict[str, Any] = {
        "workflow": finding.workflow,
        "kind": finding.kind.value,
        "subject": finding.subject,
        "facts": dict(finding.facts),
        "status": finding.status.value,
        "decided_by": decision.by if decision else "",
        "decision": decision.as_json() if decision else {},
        "week": str(finding.week),
        "decided_at": decision.at if decision else None,
    }
    made = insert_or(connection, findings).values(id=finding.id, created_at=at, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=values))


def _held(held: HeldDigest) -> tuple[Any, ...]:
    return (
        digests.c.key == held.key,
        digests.c.status == QUEUED,
        digests.c.lease_until == held.lease_until,
    )


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        recipient=row.recipient,
        schedule=Schedule(row.weekday, row.minute, row.time_zone),
        workflows=tuple(row.workflows),
        is_on=row.is_on,
        set_by=row.set_by,
        changed_at=row.changed_at,
    )


def _finding(row: Row[Any]) -> Finding:
    decision = Decision.from_json(row.decision, row.decided_by, row.decided_at) if row.decided_at else None
    return Finding(
        id=row.id,
        workflow=row.workflow,
        kind=FindingKind(row.kind),
        subject=row.subject,
        facts=row.facts,
        status=FindingStatus(row.status),
        week=IsoWeek.of(row.week),
        decision=decision,
    )
