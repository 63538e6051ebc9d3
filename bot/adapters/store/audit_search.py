"""Finding audit events by what they are about, who did them, what and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from bot.adapters.store.audit_log import AuditEvent, audit_events

TRAFFIC = ("run.", "feedback.", "evaluation.", "fix.")
"""Beginnings of actions that use something and do not change it."""
ROWS = 1000
"""Read at a time by an export."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to find; what is empty is not looked at."""

    about: str = ""
    """The name of a workflow, prompt, collection, document, person or run, or a whole target."""
    actor: str = ""
    action: str = ""
    """A whole action, or its beginning up to a dot: `stage.` or `stage`."""
    since: datetime | None = None
    until: datetime | None = None
    changes_only: bool = False
    """Leave out runs, votes and evaluations."""


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event with the hash it was linked to, as an auditor checks it."""

    event: AuditEvent
    previous_hash: str


def find_events(connection: Connection, search: Search, *, limit: int = 20) -> tuple[AuditEvent, ...]:
    """Newest first."""
    query = _matching(search).order_by(audit_events.c.seq.desc()).limit(limit)
    return tuple(_sealed(row).event for row in connection.execute(query))


def every_event(connection: Connection, search: Search) -> Iterator[SealedEvent]:
    """All of them, oldest first, a few at a time."""
    query = _matching(search).order_by(audit_events.c.seq).execution_options(yield_per=ROWS)
    yield from map(_sealed, connection.execute(query))


def chain_end(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last event; (0, "") when there is none."""
    query = select(audit_events.c.seq, audit_events.c.hash).order_by(audit_events.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.seq, row.hash) if row else (0, "")


def hash_at(connection: Connection, seq: int) -> str:
    """The hash of one event; empty when it is not there."""
    return connection.execute(select(audit_events.c.hash).where(audit_events.c.seq == seq)).scalar() or ""


def count_events(connection: Connection, search: Search) -> int:
    """How many there are."""
    inner = _matching(search).subquery()
    return int(connection.execute(select(func.count()).select_from(inner)).scalar_one())


def _matching(search: Search) -> Select[Any]:
    column = audit_events.c
    wanted = []
    if search.about:
        wanted.append(_about(search.about))
    if search.actor:
        wanted.append(column.actor == search.actor)
    if search.action:
        whole = search.action.removesuffix(".")
        wanted.append(or_(column.action == whole, column.action.startswith(f"{whole}.", autoescape=True)))
    if search.since:
        wanted.append(column.occurred_at >= search.since)
    if search.until:
        wanted.append(column.occurred_at < search.until)
    if search.changes_only:
        wanted += [~column.action.startswith(each, autoescape=True) for each in TRAFFIC]
    return select(audit_events).where(and_(True, *wanted))


def _about(name: str) -> Any:
    """A target that is the name, or ends with it, or whose part it is: `prompt:ask-policy.answer`."""
    target = audit_events.c.target
    forms = [target == name, target.endswith(f":{name}", autoescape=True)]
    for separator in (".", "/"):
        forms.append(target.startswith(f"{name}{separator}", autoescape=True))
        forms.append(target.contains(f":{name}{separator}", autoescape=True))
    forms.append(target.startswith(f"{name}:", autoescape=True))
    return or_(*forms)


def _sealed(row: Row[Any]) -> SealedEvent:
    event = AuditEvent(row.seq, row.occurred_at, row.actor, row.action, row.target, row.context, row.hash)
    return SealedEvent(event, row.previous_hash)
