"""Trying whether the database takes writes, and leaving nothing behind."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, insert, text

from bot.adapters.store.heartbeats_log import heartbeats
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.store_down import down_of_file

ROOM_BYTES = 1024 * 1024
"""Less than this beside the database counts as full."""
ROW_BYTES = 16 * 1024
"""More than a page, so that one has to be found."""
NAME = ".spanwise-probe"


OWN_ROOM = ("work_mem = '64kB'", "temp_tablespaces = ''")
"""What has PostgreSQL put more than so much into a file, beside the tables."""
SPILL = (
    "WITH taken AS MATERIALIZED (SELECT repeat('0', 8000) AS room FROM generate_series(1, :rows)) "
    "SELECT count(*) FROM taken"
)
"""Writes so many rows of 8 kB for itself, and drops them at once."""


def try_out(connection: Connection) -> None:
    """Write a row and take it back within the caller's transaction. Raises what a real write would."""
    now = lease_clock(connection)
    row = {"process": NAME, "parts": "0" * ROW_BYTES, "started_at": now, "seen_at": now}
    tried = connection.begin_nested()
    # where it fails, the transaction is over already
    if connection.dialect.name != "sqlite":
        take_room(connection)
    connection.execute(insert(heartbeats), row)
    tried.rollback()


def take_room(connection: Connection, how: str = "") -> CursorResult[Any]:
    """Have PostgreSQL take room on its disk for a moment: a row may fit into a page that is there."""
    for setting in OWN_ROOM:
        connection.exec_driver_sql(f"SET LOCAL {setting}")
    return connection.execute(text(how + SPILL), {"rows": ROOM_BYTES // 8000})


def try_folder(folder: Path) -> None:
    """Take room for a file in the folder and give it back. Raises StoreDown."""
    probe = folder / f"{NAME}-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, ROOM_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise down_of_file(error) from error
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
