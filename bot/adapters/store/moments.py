"""The clock that leases are measured with: the database's, where several machines share one."""

from datetime import UTC, datetime

from sqlalchemy import Connection, DateTime, func, select

_CLOCK = select(func.clock_timestamp(type_=DateTime(timezone=True)))


def lease_clock(connection: Connection) -> datetime:
    """Now, by the database on PostgreSQL and by the one host that SQLite allows."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    return connection.execute(_CLOCK).scalar_one().astimezone(UTC)
