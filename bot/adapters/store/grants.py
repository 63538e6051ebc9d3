"""Grants in the store: who holds which role over what."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from bot.adapters.store.tables import UtcDateTime, metadata
from bot.adapters.store.transaction_memory import forget, read_once
from bot.governance.roles import EVERYTHING, Grant, Role

grants = Table(
    "grants",
    metadata,
    Column("grantee", String(64), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("scope", String(128), primary_key=True),
    Column("granted_by", String(64), nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
)

_READ_GRANTS = "grants"
_READ = select(grants.c.grantee, grants.c.role, grants.c.scope, grants.c.granted_by).order_by(
    grants.c.grantee, grants.c.role, grants.c.scope
)


def read_grants(connection: Connection) -> tuple[Grant, ...]:
    """Every grant in force. Read once in a transaction."""

    def read() -> tuple[Grant, ...]:
        return tuple(Grant(row[0], Role(row[1]), row[2], row[3]) for row in connection.execute(_READ))

    return read_once(connection, _READ_GRANTS, read)


def holders_of(connection: Connection, role: Role, scope: str) -> tuple[str, ...]:
    """People and groups that hold a role over a scope or over everything: narrow first, then by seniority."""
    query = (
        select(grants.c.grantee, grants.c.scope)
        .where(grants.c.role == role.value, grants.c.scope.in_((scope, EVERYTHING)))
        .order_by(grants.c.granted_at, grants.c.grantee)
    )
    found = sorted(connection.execute(query), key=lambda row: row.scope == EVERYTHING)
    return tuple(dict.fromkeys(row.grantee for row in found))


def insert_grant(connection: Connection, grant: Grant, at: datetime) -> bool:
    """Give a role; False when it was given already."""
    key = {"grantee": grant.grantee, "role": grant.role.value, "scope": grant.scope}
    if connection.execute(select(grants.c.role).filter_by(**key)).first():
        return False
    forget(connection, _READ_GRANTS)
    connection.execute(insert(grants).values(**key, granted_by=grant.granted_by, granted_at=at))
    return True


def delete_grant(connection: Connection, grant: Grant) -> bool:
    """Take a role away; False when nobody held it."""
    key = {"grantee": grant.grantee, "role": grant.role.value, "scope": grant.scope}
    forget(connection, _READ_GRANTS)
    return connection.execute(delete(grants).filter_by(**key)).rowcount > 0
