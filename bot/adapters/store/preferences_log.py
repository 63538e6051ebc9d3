"""People's own settings in the store: one row a person and setting."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, delete, insert, select

from bot.adapters.store.tables import UtcDateTime, metadata

preferences = Table(
    "preferences",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)


def read_preference(connection: Connection, person: str, name: str) -> str:
    """What the person chose; empty when nothing."""
    row = connection.execute(select(preferences.c.value).filter_by(person=person, name=name)).first()
    return row.value if row else ""


def write_preference(connection: Connection, person: str, name: str, value: str, at: datetime) -> bool:
    """Keep a choice in place of the last one; False when it was that already."""
    if read_preference(connection, person, name) == value:
        return False
    connection.execute(delete(preferences).filter_by(person=person, name=name))
    connection.execute(insert(preferences).values(person=person, name=name, value=value, changed_at=at))
    return True
