"""When what runs depend on was changed: contents that were released, and documents."""

from datetime import datetime

from sqlalchemy import Connection, select

from bot.adapters.store.audit_log import AuditEvent, audit_events

KINDS = ("workflow", "prompt", "parameters", "rules", "models")
RELEASED = tuple(f"{kind}.{verb}" for kind in KINDS for verb in ("released", "rolled_back"))
DOCUMENTS = ("document.added", "document.changed", "document.removed")
MOST = 500


def changes_between(connection: Connection, since: datetime, until: datetime) -> tuple[AuditEvent, ...]:
    """Newest first, at most so many that somebody could have made by hand."""
    query = (
        select(audit_events)
        .where(audit_events.c.action.in_(RELEASED + DOCUMENTS))
        .where(audit_events.c.occurred_at >= since, audit_events.c.occurred_at < until)
        .order_by(audit_events.c.seq.desc())
        .limit(MOST)
    )
    return tuple(
        AuditEvent(row.seq, row.occurred_at, row.actor, row.action, row.target, row.context, row.hash)
        for row in connection.execute(query)
    )
