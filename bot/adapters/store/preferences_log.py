"""People's own settings in the store: one row a person and setting."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, Text, bindparam, delete, insert, select

from bot.adapters.store.tables import UtcDateTime, metadata

preferences = Table(
    "preferences",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)


_READ = select(preferences.c.value).where(
    preferences.c.person == bindparam("of"), preferences.c.name == bindparam("called")
)


def read_preference(connection: Connection, person: str, name: str) -> str:
    """What the person chose; empty when nothing."""
    return str(connection.execute(_READ, {"of": person, "called": name}).scalar() or "")


def write_preference(connection: Connection, person: str, name: str, value: str, at: datetime) -> bool:
    """Keep a choice in place of the last one; False when it was that already."""
    if read_preference(connection, person, name) == value:
        return False
    connection.execute(delete(preferences).filter_by(person=person, name=name))
    connection.execute(insert(preferences).values(person=person, name=name, value=value, changed_at=at))
    return True
