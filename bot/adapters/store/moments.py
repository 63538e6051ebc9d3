"""The clock that leases are measured with: the database's, where several machines share one."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, DateTime, func, select

from bot.adapters.store.transaction_memory import read_once

_READ_CLOCK = "clock"
_CLOCK = select(func.clock_timestamp(type_=DateTime(timezone=True)))


def lease_clock(connection: Connection) -> datetime:
    """Now, by the database on PostgreSQL and by the one host that SQLite allows."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)

    def read() -> tuple[datetime, float]:
        return connection.execute(_CLOCK).scalar_one().astimezone(UTC), time.monotonic()

    # asked once in a transaction: what has passed since is counted here
    asked, then = read_once(connection, _READ_CLOCK, read)
    return asked + timedelta(seconds=time.monotonic() - then)
