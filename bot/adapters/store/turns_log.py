"""Whose turn it is at a provider, and who may try again: a moment each, moved on by whoever goes next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, Text, insert, select, update

from bot.adapters.rate import MINUTE, Rate, Saved
from bot.adapters.store.tables import UtcDateTime, metadata

turns = Table(
    "model_turns",
    metadata,
    Column("key", Text, primary_key=True),
    Column("full_at", UtcDateTime, nullable=False),
)
"""`key`: what is counted, model and address; `full_at`: when the bucket of that rate is full."""


@dataclass(frozen=True, slots=True)
class Turn:
    """When a call may start."""

    wait: timedelta
    is_taken: bool
    """False when that is later than it can wait: then nothing was taken."""


def take_turn(
    connection: Connection, wanted: Mapping[str, tuple[Rate, int]], now: datetime, patience: timedelta
) -> Turn:
    """The next turn in line for so much of each rate, in one piece and across all processes."""
    full_at = _held(connection, wanted)
    unused = now - MINUTE
    start = max(
        rate.starts_at(amount, full_at.get(key, unused), now) for key, (rate, amount) in wanted.items()
    )
    turn = Turn(start - now, start - now <= patience)
    for key, (rate, amount) in sorted(wanted.items()) if turn.is_taken else ():
        moved = rate.full_after(amount, full_at.get(key, unused), start)
        _move(connection, key, moved, is_new=key not in full_at)
    return turn


def take_saved(connection: Connection, key: str, bucket: Saved, earned: timedelta, now: datetime) -> bool:
    """Add what was earned and take one if there is one, in one piece and across all processes."""
    full_at = _held(connection, [key])
    moved, is_taken = bucket.full_after(full_at.get(key, now), earned, now)
    _move(connection, key, moved, is_new=key not in full_at)
    return is_taken


def _held(connection: Connection, keys: Iterable[str]) -> dict[str, datetime]:
    """When each is full, of those that were ever used; nobody else moves them until the commit."""
    asked = select(turns.c.key, turns.c.full_at).where(turns.c.key.in_(sorted(keys)))
    rows = connection.execute(asked.order_by(turns.c.key).with_for_update())
    return {row.key: row.full_at for row in rows}


def _move(connection: Connection, key: str, full_at: datetime, *, is_new: bool) -> None:
    if is_new:
        # of two processes that insert at once, the store has the slower one try again
        connection.execute(insert(turns).values(key=key, full_at=full_at))
    else:
        connection.execute(update(turns).where(turns.c.key == key).values(full_at=full_at))
