"""Texts that people have not proposed yet, kept so that nobody types them twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata

drafts = Table(
    "drafts",
    metadata,
    Column("id", String(16), primary_key=True),
    *filled(String(64), "person", "base_hash"),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    *filled(Text, "content", "why", "reason"),
    Column("revision", Integer, nullable=False),
    Column("unfinished", JsonText, nullable=False),
    *filled(UtcDateTime, "created_at", "updated_at"),
    Index("ix_drafts_person_updated_at", "person", "updated_at"),
)
"""`why` says what kept it from being proposed, `reason` why its author wants the change; `base_hash` is of
the content it was made from; `revision` grows with each change; `unfinished` is a part that cannot be read
yet."""


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """One text of one person about one target."""

    id: str
    person: str
    kind: str
    name: str
    content: str
    why: str = ""
    reason: str = ""
    base_hash: str = ""
    revision: int = 0
    unfinished: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = field(kw_only=True)
    updated_at: datetime = field(kw_only=True)


_COLUMNS = (
    *(drafts.c.id, drafts.c.person, drafts.c.kind, drafts.c.name, drafts.c.content, drafts.c.why),
    *(drafts.c.reason, drafts.c.base_hash, drafts.c.revision, drafts.c.unfinished),
    *(drafts.c.created_at, drafts.c.updated_at),
)
_NEWEST_FIRST = (drafts.c.updated_at.desc(), drafts.c.id)


def write_draft(connection: Connection, draft: StoredDraft) -> bool:
    """Keep a draft in place of its revision before; False when another came first, or it is not theirs."""
    values = {
        column.name: getattr(draft, column.name)
        for column in drafts.c
        if column.name not in ("id", "person", "created_at")
    }
    known = connection.execute(select(drafts.c.id).filter_by(id=draft.id)).first()
    if known is None:
        row = {"id": draft.id, "person": draft.person, "created_at": draft.created_at}
        connection.execute(insert(drafts).values(**values, **row))
        return True
    earlier = {"id": draft.id, "person": draft.person, "revision": draft.revision - 1}
    return connection.execute(update(drafts).filter_by(**earlier).values(**values)).rowcount > 0


def read_draft(connection: Connection, person: str, draft_id: str) -> StoredDraft | None:
    """One of this person's drafts."""
    row = connection.execute(select(*_COLUMNS).filter_by(id=draft_id, person=person)).first()
    return None if row is None else StoredDraft(**row._asdict())


def find_draft(connection: Connection, person: str, kind: str, name: str) -> StoredDraft | None:
    """This person's newest draft about a target."""
    query = select(*_COLUMNS).filter_by(person=person, kind=kind, name=name).order_by(*_NEWEST_FIRST)
    row = connection.execute(query.limit(1)).first()
    return None if row is None else StoredDraft(**row._asdict())


def list_drafts(connection: Connection, person: str, limit: int) -> tuple[StoredDraft, ...]:
    """This person's drafts, newest first."""
    query = select(*_COLUMNS).filter_by(person=person).order_by(*_NEWEST_FIRST).limit(limit)
    return tuple(StoredDraft(**row._asdict()) for row in connection.execute(query))


def delete_draft(connection: Connection, person: str, draft_id: str) -> bool:
    """Throw a draft away; False when this person has none of that id."""
    return connection.execute(delete(drafts).filter_by(id=draft_id, person=person)).rowcount > 0
