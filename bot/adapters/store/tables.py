"""The shared metadata and the column types that keep money Decimal, time aware UTC, and JSON plain."""

import functools
import importlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, DateTime, MetaData, Numeric, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


canonical_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
"""Plain JSON as the same text for the same value."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time. SQLite keeps no zone, so one is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Dollars as Decimal: NUMERIC on PostgreSQL, text on SQLite, whose NUMERIC is a float."""

    impl = Numeric(20, 10)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Text where the engine has no exact decimals."""
        return dialect.type_descriptor(String(40) if dialect.name == "sqlite" else Numeric(20, 10))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Keep every digit."""
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Always a Decimal."""
        return None if value is None else Decimal(value)


class JsonText(TypeDecorator[Any]):
    """Plain JSON as text with sorted keys, the same bytes on both engines, so it can be hashed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Serialise; anything that is not plain JSON raises TypeError."""
        if value is None:
            return None
        return canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Parse."""
        return None if value is None else json.loads(value)


def insert_or(connection: Connection, table: Table) -> Any:
    """An insert that can say what to do where the row is there: `on_conflict_do_nothing` and `..._update`."""
    return insert_of(connection.dialect.name)(table)


@functools.cache
def insert_of(dialect: str) -> Any:
    """The dialect's own insert; the other dialect is not loaded, which takes 3 MiB."""
    return importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert


def filled(kind: Any, *names: str) -> tuple[Column[Any], ...]:
    """Columns of one type that always hold a value."""
    return tuple(Column(name, kind, nullable=False) for name in names)
