"""Requests on record until they are dealt with, where they came in or by a worker; then their keys."""

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

dealt = Table(
    "dealt_requests",
    metadata,
    Column("key", Text, primary_key=True),
    Column("dealt_at", UtcDateTime, nullable=False, index=True),
)
"""Requests that were dealt with, for as long as Slack may deliver them again: nothing is done twice."""

REMEMBERED = timedelta(days=1)
"""Slack repeats within minutes, and a signature is taken for five."""


@dataclass(frozen=True, slots=True)
class HandedRequest:
    """A request on record, exactly as Slack sent it."""

    key: str
    kind: str
    body: Mapping[str, Any]
    is_answered: bool
    """The person has had the answer that comes with the acknowledgement."""
    attempts: int = 0
    """Times it was taken up; also tells whoever holds it from whoever held it before."""
    put_off: int = 0
    """Times it was put off, because what kept it from being dealt with passes by itself."""


def insert_handed(
    connection: Connection, request: HandedRequest, at: datetime, lease_s: float | None = None
) -> bool:
    """Put it on record; with a lease, its process deals with it. False when an earlier delivery did."""
    if _is_known(connection, request.key):
        return False
    held_until = None if lease_s is None else lease_clock(connection) + timedelta(seconds=lease_s)
    connection.execute(
        insert(handed).values(
            key=request.key,
            kind=request.kind,
            body=request.body,
            is_answered=request.is_answered,
            attempts=request.attempts,
            put_off=0,
            created_at=at,
            lease_until=held_until,
        )
    )
    return True


def _is_known(connection: Connection, key: str) -> bool:
    # in this order: the first row goes in the transaction that brings the second
    on_record = select(handed.c.key).where(handed.c.key == key)
    return connection.scalar(on_record) is not None or is_dealt(connection, key)


def is_dealt(connection: Connection, key: str) -> bool:
    """Whether a request with this key was dealt with."""
    return connection.scalar(select(dealt.c.key).where(dealt.c.key == key)) is not None


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


def hand_back(connection: Connection, request: HandedRequest) -> None:
    """Have it taken up by a worker, as if this process had never tried."""
    free = {"lease_until": None, "put_off": handed.c.put_off + 1}
    connection.execute(update(handed).where(_held(request)).values(free))


def end_handed(connection: Connection, request: HandedRequest, at: datetime) -> bool:
    """It is dealt with, and its key remembered; False when somebody else holds it."""
    if connection.execute(delete(handed).where(_held(request))).rowcount != 1:
        return False
    insert_dealt(connection, request.key, at)
    return True


def insert_dealt(connection: Connection, key: str, at: datetime) -> None:
    """Remember a key. Those that were remembered for long enough go."""
    connection.execute(delete(dealt).where(dealt.c.dealt_at < at - REMEMBERED))
    if not is_dealt(connection, key):
        connection.execute(insert(dealt).values(key=key, dealt_at=at))


def _held(request: HandedRequest) -> Any:
    return and_(handed.c.key == request.key, handed.c.attempts == request.attempts)
