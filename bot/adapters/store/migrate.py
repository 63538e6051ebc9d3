"""Bringing a database to the schema of this version."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from bot.adapters.store.database import begin, open_engine
from bot.adapters.store.store_down import down_of

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).with_name("migrations") / "versions"

MIGRATION_LOCK = 7_405_117
"""Key of the PostgreSQL advisory lock that lets one process at a time migrate."""


REFUSED = frozenset({"42501", "25006"})
"""PostgreSQL's codes where this user may not change tables, or nobody may just now."""


class SchemaNewer(Exception):
    """The database was brought further by a newer version; facts `found` and `known`."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.facts = {"found": found, "known": newest_revision()}


class SchemaOlder(Exception):
    """The database lacks tables of this version, and this user may not make them; facts as above."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.facts = {"found": found or "none", "known": newest_revision()}


def migrate(url: str) -> str:
    """Apply what is missing, all or nothing; returns the revision. Several processes may call it at once.

    Raises SchemaNewer, SchemaOlder and StoreDown; the database is then as it was.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            with begin(connection, writing=False):
                found = current_revision(connection)
            if found and found not in _known():
                raise SchemaNewer(found)
            if found != newest_revision():
                _bring(connection, found)
    except Exception as error:
        down = down_of(error)
        if down is None:
            raise
        raise down from error
    finally:
        engine.dispose()
    return newest_revision()


def _bring(connection: Connection, found: str) -> None:
    # a process that finds everything done never loads it
    from alembic import command

    try:
        with begin(connection, writing=True):
            is_postgres = connection.dialect.name == "postgresql"
            if is_postgres:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            command.upgrade(_config(connection), "head")
            if is_postgres:
                # its import takes a third of a second that SQLite need not spend
                from bot.adapters.queue.procrastinate_queue import install_schema

                install_schema(connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") in REFUSED and found != newest_revision():
            raise SchemaOlder(found) from error
        raise


@functools.cache
def newest_revision() -> str:
    """The revision that this version of the program needs."""
    return max(_known())


@functools.cache
def _known() -> frozenset[str]:
    """Every revision that this version of the program has heard of."""
    return frozenset(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def schema_trouble(connection: Connection) -> str:
    """How the database differs from what this version needs; empty when it does not."""
    found = current_revision(connection)
    if found in ("", newest_revision()):
        return ""
    than = "older" if found in _known() else "newer"
    return f"revision {found} is {than} than what this process knows, {newest_revision()}"


def current_revision(connection: Connection) -> str:
    """The revision of a database, or empty before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "bot.adapters.store:migrations")
    config.attributes["connection"] = connection
    return config
