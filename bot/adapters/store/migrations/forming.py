"""What migrations are written with. It stays as it is: what ran once must not come out otherwise."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def filled(kind: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns of one type that always hold a value."""
    return [sa.Column(name, kind, nullable=False) for name in names]


def make_table(name: str, key: tuple[str, ...], *parts: sa.schema.SchemaItem) -> None:
    """A table with its primary key."""
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")))


def make_index(table: str, *columns: str) -> None:
    """An index that is named after what it is over."""
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)
