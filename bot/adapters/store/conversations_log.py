"""Conversations with an admin that wait for a missing piece or for a confirmation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata

ASKING, WRITING, PREVIEWED = "asking", "writing", "previewed"
CONFIRMED, CANCELLED = "confirmed", "cancelled"
"""Waits for a piece; a model is at work on the preview; waits for the button; done; let go."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("request", String(200), nullable=False),
    *filled(String(64), "person", "channel", "missing", "result"),
    Column("thread_ts", String(32), nullable=False),
    Column("command", JsonText, nullable=False),
    Column("state", String(16), nullable=False),
    *filled(UtcDateTime, "created_at", "updated_at"),
    UniqueConstraint("request"),
    Index("ix_conversations_channel_thread_ts", "channel", "thread_ts"),
    Index("ix_conversations_person_updated_at", "person", "updated_at"),
)
"""`request` is the same for each delivery of the sentence that began it; `command` is what was understood so
far and what confirming would do; `result` names what confirming made."""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One conversation as stored."""

    id: str
    request: str
    person: str
    channel: str
    thread_ts: str
    command: Mapping[str, Any]
    missing: str
    """The piece that is asked for; empty when none is."""
    state: str
    result: str
    created_at: datetime
    updated_at: datetime


def insert_conversation(connection: Connection, row: ConversationRow) -> None:
    """Keep a new one."""
    values = {name: getattr(row, name) for name in ConversationRow.__slots__}
    connection.execute(insert(conversations).values({**values, "command": dict(row.command)}))


def find_conversation(connection: Connection, conversation_id: str) -> ConversationRow | None:
    """One by its id."""
    return _one(connection, conversations.c.id == conversation_id)


def find_request(connection: Connection, request: str) -> ConversationRow | None:
    """The one that a request began, when it was delivered before."""
    return _one(connection, conversations.c.request == request)


def find_asking(
    connection: Connection, person: str, channel: str, thread_ts: str, since: datetime
) -> ConversationRow | None:
    """The newest one that waits for a piece from this person in this thread."""
    query = select(conversations).where(
        conversations.c.person == person,
        conversations.c.channel == channel,
        conversations.c.thread_ts == thread_ts,
        conversations.c.state == ASKING,
        conversations.c.updated_at >= since,
    )
    row = connection.execute(query.order_by(conversations.c.updated_at.desc()).limit(1)).first()
    return _row(row) if row else None


def recent_conversations(
    connection: Connection, person: str, channel: str, thread_ts: str, limit: int = 10
) -> tuple[ConversationRow, ...]:
    """Those of this person in this thread that moved last, newest first."""
    query = select(conversations).where(
        conversations.c.person == person,
        conversations.c.channel == channel,
        conversations.c.thread_ts == thread_ts,
    )
    found = connection.execute(query.order_by(conversations.c.updated_at.desc()).limit(limit))
    return tuple(map(_row, found))


def recent_results(
    connection: Connection, person: str, channel: str = "", thread_ts: str = "", limit: int = 20
) -> tuple[str, ...]:
    """What confirmed conversations of a person made, newest first; of one thread if given."""
    query = select(conversations.c.result).where(
        conversations.c.person == person, conversations.c.state == CONFIRMED, conversations.c.result != ""
    )
    if channel and thread_ts:
        query = query.where(conversations.c.channel == channel, conversations.c.thread_ts == thread_ts)
    return tuple(connection.execute(query.order_by(conversations.c.updated_at.desc()).limit(limit)).scalars())


def update_conversation(
    connection: Connection,
    conversation_id: str,
    *,
    among: Sequence[str],
    state: str,
    at: datetime,
    command: Mapping[str, Any] | None = None,
    missing: str = "",
    result: str | None = None,
) -> bool:
    """Move one on; False when it stands in none of the states `among`."""
    values: dict[str, Any] = {"state": state, "missing": missing, "updated_at": at}
    if command is not None:
        values["command"] = dict(command)
    if result is not None:
        values["result"] = result
    statement = (
        update(conversations)
        .where(conversations.c.id == conversation_id, conversations.c.state.in_(among))
        .values(values)
    )
    return connection.execute(statement).rowcount == 1


def _one(connection: Connection, condition: Any) -> ConversationRow | None:
    row = connection.execute(select(conversations).where(condition)).first()
    return _row(row) if row else None


def _row(row: Row[Any]) -> ConversationRow:
    return ConversationRow(**{name: getattr(row, name) for name in ConversationRow.__slots__})
