"""Processes that run, and when each was last heard: how one knows of the others."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from bot.adapters.store.moments import lease_clock
from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata

ALIVE = timedelta(seconds=45)
"""After this long without a beat a process counts as gone; it beats several times in it."""
KEPT = timedelta(hours=1)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("process", Text, primary_key=True),
    Column("parts", Text, nullable=False),
    *filled(UtcDateTime, "started_at", "seen_at"),
    Column("slots", Integer, nullable=False, server_default="0"),
    Column("troubles", JsonText, nullable=False, server_default="{}"),
)
"""`parts` is what it does, with commas: `slack,worker`; `slots` how many runs it carries out at a time;
`troubles` each part that it looks at, empty while it answers, else since when it does not, and why."""


def beat(
    connection: Connection,
    process: str,
    parts: Collection[str],
    slots: int = 0,
    troubles: Mapping[str, Any] | None = None,
) -> None:
    """Say that a process is there; what was not heard for long is forgotten."""
    now, found = lease_clock(connection), dict(troubles or {})
    known = update(heartbeats).where(heartbeats.c.process == process).values(seen_at=now, troubles=found)
    if connection.execute(known).rowcount == 0:
        row = {
            "process": process,
            "parts": ",".join(sorted(parts)),
            "started_at": now,
            "seen_at": now,
            "slots": slots,
            "troubles": found,
        }
        connection.execute(insert(heartbeats), row)
        connection.execute(delete(heartbeats).where(heartbeats.c.seen_at < now - KEPT))


def end_beats(connection: Connection, process: str) -> None:
    """Forget a process that stops."""
    connection.execute(delete(heartbeats).where(heartbeats.c.process == process))


def count_alive(connection: Connection) -> dict[str, int]:
    """How many processes do each part, of those heard lately."""
    heard = select(heartbeats.c.parts).where(heartbeats.c.seen_at >= lease_clock(connection) - ALIVE)
    counts: dict[str, int] = {}
    for parts in connection.execute(heard).scalars():
        for part in parts.split(","):
            counts[part] = counts.get(part, 0) + 1
    return counts


def names_alive(connection: Connection, part: str) -> tuple[str, ...]:
    """The processes heard lately that do this part, in an order that all of them see alike."""
    heard = select(heartbeats.c.process, heartbeats.c.parts).where(
        heartbeats.c.seen_at >= lease_clock(connection) - ALIVE
    )
    return tuple(sorted(row.process for row in connection.execute(heard) if part in row.parts.split(",")))


def read_troubles(connection: Connection) -> dict[str, tuple[dict[str, Any], ...]]:
    """Each part that a process heard lately looks at, and what they found who found it down."""
    heard = select(heartbeats.c.troubles).where(heartbeats.c.seen_at >= lease_clock(connection) - ALIVE)
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for troubles in connection.execute(heard).scalars():
        for part, trouble in troubles.items():
            found[part] = (*found.get(part, ()), *((trouble,) if trouble else ()))
    return found


_SLOTS = select(func.coalesce(func.sum(heartbeats.c.slots), 0)).where(
    heartbeats.c.seen_at >= bindparam("since", type_=UtcDateTime)
)


def count_slots(connection: Connection) -> int:
    """How many runs the workers heard lately can carry out at a time."""
    since = lease_clock(connection) - ALIVE
    return int(connection.execute(_SLOTS, {"since": since}).scalar_one())
