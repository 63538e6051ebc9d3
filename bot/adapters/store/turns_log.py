"""Whose turn it is at a provider with a rate: one moment a rate, moved on by whoever goes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, Text, insert, select, update

from bot.adapters.rate import MINUTE, Rate
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
    asked = select(turns.c.key, turns.c.full_at).where(turns.c.key.in_(sorted(wanted)))
    rows = connection.execute(asked.order_by(turns.c.key).with_for_update())
    full_at: dict[str, datetime] = {row.key: row.full_at for row in rows}
    unused = now - MINUTE
    start = max(
        rate.starts_at(amount, full_at.get(key, unused), now) for key, (rate, amount) in wanted.items()
    )
    turn = Turn(start - now, start - now <= patience)
    for key, (rate, amount) in sorted(wanted.items()) if turn.is_taken else ():
        moved = {"full_at": rate.full_after(amount, full_at.get(key, unused), start)}
        if key in full_at:
            connection.execute(update(turns).where(turns.c.key == key).values(**moved))
        else:
            connection.execute(insert(turns).values(key=key, **moved))
    return turn
