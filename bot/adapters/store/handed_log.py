"""Requests that the process which took them leaves to a worker, until they are dealt with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
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

handed = Table(
    "handed_requests",
    metadata,
    Column("key", Text, primary_key=True),
    *filled(String(16), "kind"),
    *filled(JsonText, "body"),
    *filled(Boolean, "is_answered"),
    *filled(Integer, "attempts"),
    Column("put_off", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("lease_until", UtcDateTime),
)
"""`body` is what Slack sent, `put_off` how often it met what passes by itself. A row goes once its request is
dealt with, so nothing is kept here."""


@dataclass(frozen=True, slots=True)
class HandedRequest:
    """A request that a worker deals with, exactly as Slack sent it."""

    key: str
    kind: str
    body: Mapping[str, Any]
    is_answered: bool
    """The person has had the answer that comes with the acknowledgement."""
    attempts: int = 0
    """Times it was taken up; also tells whoever holds it from whoever held it before."""
    put_off: int = 0
    """Times it was put off, because what kept it from being dealt with passes by itself."""


def insert_handed(connection: Connection, request: HandedRequest, at: datetime) -> None:
    """Leave it to a worker; a second delivery finds the first one's row."""
    if connection.scalar(select(handed.c.key).where(handed.c.key == request.key)) is None:
        connection.execute(
            insert(handed).values(
                key=request.key,
                kind=request.kind,
                body=request.body,
                is_answered=request.is_answered,
                attempts=0,
                put_off=0,
                created_at=at,
            )
        )


def claim_handed(connection: Connection, lease_s: float) -> HandedRequest | None:
    """Take up the oldest that nobody holds; None when there is none."""
    now = lease_clock(connection)
    free = or_(handed.c.lease_until.is_(None), handed.c.lease_until < now)
    oldest = select(handed).where(free).order_by(handed.c.created_at, handed.c.key).limit(1)
    row = connection.execute(oldest.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    taken = HandedRequest(row.key, row.kind, row.body, row.is_answered, row.attempts + 1, row.put_off)
    connection.execute(
        update(handed)
        .where(handed.c.key == row.key)
        .values(attempts=taken.attempts, lease_until=now + timedelta(seconds=lease_s))
    )
    return taken


def hold_handed(connection: Connection, request: HandedRequest, lease_s: float) -> None:
    """Hold it longer, if it is still held by whoever took it up."""
    until = lease_clock(connection) + timedelta(seconds=lease_s)
    connection.execute(update(handed).where(_held(request)).values(lease_until=until))


def put_off_handed(connection: Connection, request: HandedRequest, since: datetime) -> bool:
    """Have it taken up again once its lease is over; False when it was left to workers before `since`."""
    counted = update(handed).where(_held(request), handed.c.created_at >= since)
    return connection.execute(counted.values(put_off=handed.c.put_off + 1)).rowcount == 1


def end_handed(connection: Connection, request: HandedRequest) -> bool:
    """It is dealt with; False when somebody else holds it."""
    return connection.execute(delete(handed).where(_held(request))).rowcount == 1


def _held(request: HandedRequest) -> Any:
    return and_(handed.c.key == request.key, handed.c.attempts == request.attempts)
