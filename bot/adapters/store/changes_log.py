"""Change requests and what reviewers said of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from bot.adapters.store.moments import lease_clock
from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata
from bot.governance.changes import UNDECIDED, ChangeStatus, Target, sources_of

changes = Table(
    "changes",
    metadata,
    Column("id", String(16), primary_key=True),
    *filled(String(16), "kind", "label", "status"),
    Column("name", String(200), nullable=False),
    *filled(Integer, "base_number", "round", "approvals", "fence"),
    *filled(Text, "base_content", "content", "effect", "reason"),
    *filled(String(64), "content_hash", "author_id"),
    *filled(JsonText, "author", "authors", "origin", "why", "affected", "tests"),
    Column("previous_number", Integer),
    Column("applied_number", Integer),
    Column("is_announced", Boolean, nullable=False),
    Column("lease_until", UtcDateTime),
    *filled(UtcDateTime, "created_at", "updated_at", "expires_at"),
    Index("ix_changes_status_expires_at", "status", "expires_at"),
    Index("ix_changes_kind_name", "kind", "name"),
)
"""`base_number` is the version it was made from, 0 for something new, and `base_content` what that said;
`round` grows with every proposal and reviews count in theirs only; `authors` are all who wrote a round;
`why` says what moved, what was refused or who asked to stop; `tests` holds a summary by workflow;
`previous_number` and `applied_number` are where the label stood before and after it was applied."""

change_reviews = Table(
    "change_reviews",
    metadata,
    Column("change_id", ForeignKey("changes.id"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("reviewer", JsonText, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_override", Boolean, nullable=False),
    Column("reviewed_at", UtcDateTime, nullable=False),
)

ChangeRow: TypeAlias = Row[Any]
"""A row of `changes`, its columns as attributes."""

ReviewRow: TypeAlias = Row[Any]
"""A row of `change_reviews`."""


@dataclass(frozen=True, slots=True)
class NewReview:
    """What one person said of a round."""

    person: str
    reviewer: Mapping[str, Any]
    """The person as an actor, with the groups of that moment."""
    verdict: str
    reason: str = ""
    is_override: bool = False


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change as one tester holds it: the fence moves whenever another takes it."""

    id: str
    fence: int


def insert_change(connection: Connection, values: Mapping[str, Any]) -> None:
    """Keep a new change request."""
    blank: dict[str, Any] = {
        "why": {},
        "tests": {},
        "previous_number": None,
        "applied_number": None,
        "is_announced": False,
        "lease_until": None,
        "fence": 0,
    }
    connection.execute(insert(changes).values(**blank | dict(values)))


def find_change(connection: Connection, change_id: str) -> ChangeRow | None:
    """One change request."""
    return connection.execute(select(changes).where(changes.c.id == change_id)).first()


def list_changes(
    connection: Connection,
    *,
    target: Target | None = None,
    statuses: Collection[ChangeStatus] = (),
    limit: int = 50,
) -> tuple[ChangeRow, ...]:
    """Newest first, of one target and in some states if given."""
    query = select(changes).order_by(changes.c.created_at.desc(), changes.c.id).limit(limit)
    if target is not None:
        query = query.where(changes.c.kind == target.kind, changes.c.name == target.name)
    if statuses:
        query = query.where(changes.c.status.in_([status.value for status in statuses]))
    return tuple(connection.execute(query))


def move_change(
    connection: Connection,
    change_id: str,
    to: ChangeStatus,
    *,
    at: datetime,
    round_number: int | None = None,
    held: HeldChange | None = None,
    **values: Any,
) -> bool:
    """Move a change to another state; False when it is in none of the states that lead there.

    With a round or a hold, only while it is still that one. Of several who try at once, one succeeds.
    """
    sources = [status.value for status in sources_of(to)]
    statement = update(changes).where(changes.c.id == change_id, changes.c.status.in_(sources))
    if round_number is not None:
        statement = statement.where(changes.c.round == round_number)
    if held is not None:
        statement = statement.where(changes.c.fence == held.fence)
    moved = statement.values(status=to.value, updated_at=at, lease_until=None, **values)
    return connection.execute(moved).rowcount == 1


def set_change(connection: Connection, change_id: str, **values: Any) -> None:
    """Set columns other than the state."""
    connection.execute(update(changes).where(changes.c.id == change_id).values(**values))


def lock_change(connection: Connection, change_id: str) -> ChangeRow | None:
    """One change request that no other transaction can move until this one ends."""
    return connection.execute(select(changes).where(changes.c.id == change_id).with_for_update()).first()


def put_review(
    connection: Connection, change_id: str, round_number: int, review: NewReview, at: datetime
) -> None:
    """Record what a person said of a round; the last word counts."""
    key = {"change_id": change_id, "round": round_number, "person": review.person}
    connection.execute(delete(change_reviews).filter_by(**key))
    values = {
        "reviewer": dict(review.reviewer),
        "verdict": review.verdict,
        "reason": review.reason,
        "is_override": review.is_override,
        "reviewed_at": at,
    }
    connection.execute(insert(change_reviews).values(**key, **values))


def read_reviews(connection: Connection, change_ids: Iterable[str]) -> tuple[ReviewRow, ...]:
    """Reviews of some changes, of every round, oldest first."""
    query = select(change_reviews).where(change_reviews.c.change_id.in_(list(change_ids)))
    return tuple(connection.execute(query.order_by(change_reviews.c.reviewed_at, change_reviews.c.person)))


def claim_change(connection: Connection, *, lease_s: float) -> ChangeRow | None:
    """Take the oldest change that waits to be tested, or whose tester was lost; None when there is none.

    It is in the state `testing` on the way out, with the fence of its new holder.
    """
    now = lease_clock(connection)
    lost = and_(changes.c.status == ChangeStatus.TESTING.value, changes.c.lease_until < now)
    waiting = changes.c.status == ChangeStatus.OPEN.value
    due = select(changes.c.id).where(or_(waiting, lost)).order_by(changes.c.updated_at).limit(1)
    found = connection.execute(due.with_for_update(skip_locked=True)).scalar()
    if found is None:
        return None
    taken = (
        update(changes)
        .where(changes.c.id == found)
        .values(
            status=ChangeStatus.TESTING.value,
            lease_until=now + timedelta(seconds=lease_s),
            fence=changes.c.fence + 1,
        )
        .returning(changes)
    )
    return connection.execute(taken).first()


def extend_hold(connection: Connection, held: HeldChange, *, lease_s: float) -> bool:
    """Heartbeat of a tester; False when another has taken the change or it is tested no longer."""
    until = lease_clock(connection) + timedelta(seconds=lease_s)
    statement = update(changes).where(
        changes.c.id == held.id,
        changes.c.fence == held.fence,
        changes.c.status == ChangeStatus.TESTING.value,
    )
    return connection.execute(statement.values(lease_until=until)).rowcount == 1


def drop_hold(connection: Connection, held: HeldChange) -> None:
    """Let another tester take the change at once."""
    statement = update(changes).where(
        changes.c.id == held.id,
        changes.c.fence == held.fence,
        changes.c.status == ChangeStatus.TESTING.value,
    )
    gone = lease_clock(connection) - timedelta(seconds=1)
    connection.execute(statement.values(lease_until=gone))


_UNDECIDED = tuple(status.value for status in UNDECIDED)


def undecided_changes(connection: Connection) -> tuple[ChangeRow, ...]:
    """Every change request that may still go stale or expire, oldest first."""
    query = select(changes).where(changes.c.status.in_(_UNDECIDED)).order_by(changes.c.created_at)
    return tuple(connection.execute(query))


def changes_to_apply(connection: Connection) -> tuple[str, ...]:
    """Approved and not applied yet."""
    query = select(changes.c.id).where(changes.c.status == ChangeStatus.APPROVED.value)
    return tuple(connection.execute(query.order_by(changes.c.updated_at)).scalars())


def changes_to_announce(connection: Connection) -> tuple[str, ...]:
    """Applied, and those who want to know have not heard."""
    query = select(changes.c.id).where(
        changes.c.status == ChangeStatus.APPLIED.value, changes.c.is_announced.is_(False)
    )
    return tuple(connection.execute(query.order_by(changes.c.updated_at)).scalars())


def is_waiting(connection: Connection) -> bool:
    """Whether a change waits to be tested, or its tester was lost."""
    lost = and_(
        changes.c.status == ChangeStatus.TESTING.value, changes.c.lease_until < lease_clock(connection)
    )
    query = select(changes.c.id).where(or_(changes.c.status == ChangeStatus.OPEN.value, lost)).limit(1)
    return connection.execute(query).first() is not None
