"""Rows that a transaction writes at its end: those of a whole group of writes in one statement a table."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

Put: TypeAlias = Callable[[Connection, Executable, Mapping[str, Any]], None]
"""How a row is written: at once, or late."""

_LATE = "late rows"


def put_now(connection: Connection, statement: Executable, row: Mapping[str, Any]) -> None:
    """Write a row where the same transaction may read it."""
    connection.execute(statement, dict(row))


def put_late(connection: Connection, statement: Executable | str, row: Mapping[str, Any]) -> None:
    """Have a row written before the commit, in the order in which statements first came.

    Text is SQL as the driver takes it. Until then this transaction does not find the row; who has to calls
    `write_late` first.
    """
    transaction = connection.get_transaction()
    if transaction is None:
        raise RuntimeError("a late row belongs to a transaction")
    begun_by, waiting = connection.info.get(_LATE, (None, {}))
    if begun_by is not transaction:
        # what another one left behind was taken back with it
        waiting = {}
        connection.info[_LATE] = (transaction, waiting)
    waiting.setdefault(statement, []).append(dict(row))


def write_late(connection: Connection) -> None:
    """Write what this transaction holds back."""
    transaction, waiting = connection.info.pop(_LATE, (None, {}))
    if waiting and transaction is connection.get_transaction():
        with _together(connection):
            for statement, rows in waiting.items():
                if isinstance(statement, str):
                    connection.exec_driver_sql(statement, rows)
                else:
                    connection.execute(statement, rows)


@contextlib.contextmanager
def _together(connection: Connection) -> Iterator[None]:
    """PostgreSQL is told everything before it is asked whether all went well: one round trip for all."""
    if connection.dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            yield
    except base as error:
        is_lost = connection.dialect.is_disconnect(error, driver, None)
        raise DBAPIError.instance(None, None, error, base, connection_invalidated=is_lost) from error
