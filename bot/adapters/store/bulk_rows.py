"""Many rows at once, past everything that costs time for each: what a made-up history is written with."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from bot.adapters.store.tables import JsonText


def insert_rows(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows of values in the order of `names`; JSON is given as its text already."""
    makers = [_maker(table, name, connection) for name in names]
    made = [
        tuple(value if make is None else make(value) for make, value in zip(makers, row, strict=True))
        for row in rows
    ]
    cursor: Any = connection.connection.cursor()
    columns = ", ".join(names)
    try:
        if connection.dialect.name == "sqlite":
            places = ", ".join("?" * len(names))
            cursor.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({places})", made)  # noqa: S608
            return
        with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
            for row in made:
                copy.write_row(row)
    finally:
        cursor.close()


def _maker(table: Table, name: str, connection: Connection) -> Any:
    kind = table.c[name].type
    if isinstance(kind, JsonText):
        return None
    return kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
