"""Immutable versions and the labels that point at them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from bot.adapters.store.audit_log import hold_chain
from bot.adapters.store.tables import UtcDateTime, filled, metadata
from bot.adapters.store.transaction_memory import forget, read_once

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("name", String(128), nullable=False),
    Column("number", Integer, nullable=False),
    *filled(String(64), "content_hash", "author"),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "name", "number"),
    UniqueConstraint("kind", "name", "content_hash", name="uq_versions_content"),
)

labels = Table(
    "labels",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("label", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("moved_by", String(64), nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
)

PRODUCTION, CANDIDATE = "production", "candidate"
"""The labels: what employees run, and what is tried out by a few before."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One immutable content of a workflow, a prompt, parameter values or model profiles."""

    kind: str
    name: str
    number: int
    content_hash: str
    content: str
    author: str
    created_at: datetime


_COLUMNS = (
    versions.c.kind,
    versions.c.name,
    versions.c.number,
    versions.c.content_hash,
    versions.c.content,
    versions.c.author,
    versions.c.created_at,
)


def insert_version(
    connection: Connection,
    *,
    kind: str,
    name: str,
    content: str,
    content_hash: str,
    author: str,
    at: datetime,
) -> StoredVersion:
    """Keep a content; the same content again is the version it already was."""
    known = connection.execute(
        select(*_COLUMNS).filter_by(kind=kind, name=name, content_hash=content_hash)
    ).first()
    if known is not None:
        return StoredVersion(*known)
    newest = select(func.coalesce(func.max(versions.c.number), 0)).filter_by(kind=kind, name=name)
    number = connection.execute(newest).scalar_one() + 1
    stored = StoredVersion(kind, name, number, content_hash, content, author, at)
    connection.execute(
        insert(versions).values(
            kind=kind,
            name=name,
            number=number,
            content_hash=content_hash,
            content=content,
            author=author,
            created_at=at,
        )
    )
    return stored


def read_version(connection: Connection, kind: str, name: str, number: int) -> StoredVersion | None:
    """One version by number."""
    row = connection.execute(select(*_COLUMNS).filter_by(kind=kind, name=name, number=number)).first()
    return None if row is None else StoredVersion(*row)


_LABELLED = (
    select(*_COLUMNS)
    .join(
        labels,
        (labels.c.kind == versions.c.kind)
        & (labels.c.name == versions.c.name)
        & (labels.c.number == versions.c.number),
    )
    .where(labels.c.label == bindparam("label"))
    .order_by(versions.c.kind, versions.c.name)
)
_LABELLED_KIND = _LABELLED.where(labels.c.kind == bindparam("wanted_kind"))
_LABELLED_ONE = _LABELLED_KIND.where(labels.c.name == bindparam("wanted_name"))
_POINTERS = select(labels.c.kind, labels.c.name, labels.c.label, labels.c.number, labels.c.moved_at).order_by(
    labels.c.kind, labels.c.name, labels.c.label
)

Pointers: TypeAlias = tuple[tuple[str, str, str, int, datetime], ...]
"""Kind, name, label and number of every label, and when it was moved there."""

_READ_POINTERS = "pointers"
"""What a connection remembers of its transaction; a run asks seven times. Moving a label forgets it."""


def read_labelled(
    connection: Connection, label: str = PRODUCTION, kind: str = ""
) -> tuple[StoredVersion, ...]:
    """Every version the label points at, of one kind or of all."""
    query = _LABELLED_KIND if kind else _LABELLED
    values = {"label": label, "wanted_kind": kind} if kind else {"label": label}
    return tuple(StoredVersion(*row) for row in connection.execute(query, values))


def find_labelled(
    connection: Connection, kind: str, name: str, label: str = PRODUCTION
) -> StoredVersion | None:
    """The version of one name that the label points at."""
    values = {"label": label, "wanted_kind": kind, "wanted_name": name}
    row = connection.execute(_LABELLED_ONE, values).first()
    return None if row is None else StoredVersion(*row)


def read_pointers(connection: Connection) -> Pointers:
    """Where every label points: what tells one release from the next. Read once in a transaction."""

    def read() -> Pointers:
        rows = connection.execute(_POINTERS)
        return tuple((row[0], row[1], row[2], row[3], row[4]) for row in rows)

    return read_once(connection, _READ_POINTERS, read)


def hold_labels(connection: Connection) -> None:
    """Let no other process move a label until this transaction ends, and read anew where each points.

    It is the lock of the audit chain, which whoever moves one takes in any case: a label that was read
    before may have been moved while that was waited for.
    """
    hold_chain(connection)
    forget(connection, _READ_POINTERS)


def list_versions(connection: Connection, kind: str, name: str) -> tuple[StoredVersion, ...]:
    """Every version of one name, newest first."""
    query = select(*_COLUMNS).filter_by(kind=kind, name=name).order_by(versions.c.number.desc())
    return tuple(StoredVersion(*row) for row in connection.execute(query))


def move_label(
    connection: Connection,
    *,
    kind: str,
    name: str,
    number: int,
    by: str,
    at: datetime,
    label: str = PRODUCTION,
) -> bool:
    """Point the label at a version; False when it stood there already."""
    key = {"kind": kind, "name": name, "label": label}
    current = connection.execute(select(labels.c.number).filter_by(**key)).scalar()
    if current == number:
        return False
    forget(connection, _READ_POINTERS)
    values = {"number": number, "moved_by": by, "moved_at": at}
    if current is None:
        connection.execute(insert(labels).values(**key, **values))
    else:
        connection.execute(update(labels).filter_by(**key).values(**values))
    return True


def label_mover(connection: Connection, kind: str, name: str, label: str = PRODUCTION) -> str:
    """Who moved the label last; "" when it was never set."""
    query = select(labels.c.moved_by).filter_by(kind=kind, name=name, label=label)
    return connection.execute(query).scalar() or ""


def remove_label(connection: Connection, kind: str, name: str, label: str) -> bool:
    """Take a label away; False when it pointed nowhere."""
    forget(connection, _READ_POINTERS)
    return connection.execute(delete(labels).filter_by(kind=kind, name=name, label=label)).rowcount > 0
