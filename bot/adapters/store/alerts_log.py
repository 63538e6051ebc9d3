"""Alerts that were raised, and since when each is over."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, Text, insert, select, text, update

from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import JsonText, UtcDateTime, metadata
from bot.quality.alerts import AlertRule, Reading, Standing
from workflows.run import Ending

FAILURES = 1000
"""Failed runs that are looked at for what they have in common."""

_STANDS = text("cleared_at IS NULL")

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
    Column("judged_at", UtcDateTime, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("cleared_at", UtcDateTime),
    Index(
        "ix_alerts_rule_scope", "rule", "scope", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS
    ),
)
"""An alert without `cleared_at` stands, one of a rule and scope; `told_at` is when people were last reminded
of it, `judged_at` when there was last enough to judge it by, `taken_by` who said that they see to it."""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert as it was raised and as it is."""

    standing: Standing
    facts: Mapping[str, Any]
    cleared_at: datetime | None = None


def standing_alerts(connection: Connection) -> tuple[Standing, ...]:
    """Those that are not over, the oldest first."""
    query = select(alerts).where(alerts.c.cleared_at.is_(None)).order_by(alerts.c.raised_at, alerts.c.id)
    return tuple(_record(row).standing for row in connection.execute(query))


def find_alert(connection: Connection, alert_id: str) -> AlertRecord | None:
    """One alert."""
    row = connection.execute(select(alerts).where(alerts.c.id == alert_id)).first()
    return _record(row) if row else None


def insert_alert(
    connection: Connection, alert_id: str, reading: Reading, facts: Mapping[str, Any], at: datetime
) -> None:
    """Raise one; another that stands for the same rule and scope is an error of the database."""
    row = {
        "id": alert_id,
        "rule": reading.rule.value,
        "scope": reading.scope,
        "facts": dict(facts),
        "taken_by": "",
        **dict.fromkeys(("raised_at", "told_at", "judged_at"), at),
    }
    connection.execute(insert(alerts), row)


def mark_alert(
    connection: Connection, alert_id: str, told_before: datetime | None = None, **values: Any
) -> bool:
    """Keep `told_at`, `judged_at`, `taken_by` or `cleared_at` of one that stands.

    False when it is over, or when people were told of it since `told_before`.
    """
    statement = update(alerts).where(alerts.c.id == alert_id, alerts.c.cleared_at.is_(None)).values(**values)
    if told_before is not None:
        statement = statement.where(alerts.c.told_at == told_before)
    return connection.execute(statement).rowcount == 1


def failure_kinds(connection: Connection, since: datetime, workflow: str = "") -> list[tuple[str, int]]:
    """Names of the errors that runs failed with, the most frequent first."""
    query = (
        select(runs.c.failure)
        .where(runs.c.created_at >= since, runs.c.finished_at >= since, runs.c.ending == Ending.FAILED.value)
        .order_by(runs.c.finished_at.desc())
        .limit(FAILURES)
    )
    if workflow:
        query = query.where(runs.c.workflow == workflow)
    found = connection.execute(query).scalars()
    return Counter(str(failure.get("kind", "")) for failure in found if failure).most_common()


def _record(row: Any) -> AlertRecord:
    names = ("id", "scope", "raised_at", "told_at", "judged_at", "taken_by")
    standing = Standing(rule=AlertRule(row.rule), **{name: getattr(row, name) for name in names})
    return AlertRecord(standing, row.facts, row.cleared_at)
