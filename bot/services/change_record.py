"""Moving a change request: one guarded step, its audit event and its message, in the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store import changes_log as log
from bot.adapters.store.changes_log import ChangeRow, HeldChange
from bot.adapters.store.versions_log import hold_labels
from bot.governance.changes import ChangeStatus
from bot.services.change_errors import TooLate
from bot.services.change_posts import note
from bot.services.change_views import UnknownChange, target_of
from workflows.run import Json


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to a change request."""

    action: str
    """Last word of its audit event, and what the note in the thread says: `approved`, `withdrawn`."""
    by: str
    words: str = ""
    """What the person wrote."""
    context: Mapping[str, Json] | None = None


def locked(connection: Connection, change_id: str) -> ChangeRow:
    """The row, held until the transaction ends, and with it every label. Raises UnknownChange."""
    # always before the row: two processes that took both in different orders would block each other
    hold_labels(connection)
    row = log.lock_change(connection, change_id)
    if row is None:
        raise UnknownChange(change_id)
    return row


def record(
    connection: Connection, row: ChangeRow, step: Step, *, at: datetime, to: ChangeStatus | None = None
) -> None:
    """Append the audit event of a step and show it; `to` is the state after it, where that moved."""
    audit_log.append_event(
        connection,
        actor=step.by,
        action=f"change.{step.action}",
        target=f"change:{row.id}",
        context={
            "before": row.status,
            "after": (to or ChangeStatus(row.status)).value,
            "round": row.round,
            "about": str(target_of(row)),
            **({"why": step.words} if step.words else {}),
            **(step.context or {}),
        },
        at=at,
    )
    note(connection, row, step.action, by=step.by, at=at, words=step.words)


def move(
    connection: Connection,
    row: ChangeRow,
    to: ChangeStatus,
    step: Step,
    *,
    at: datetime,
    held: HeldChange | None = None,
    **values: Any,
) -> ChangeRow:
    """Move a change request on; returns the row as it is then. Raises TooLate when it went elsewhere."""
    guard = row.round if "round" not in values else None
    if not log.move_change(connection, row.id, to, at=at, round_number=guard, held=held, **values):
        raise TooLate(row.id, row.status)
    record(connection, row, step, at=at, to=to)
    return locked(connection, row.id)
