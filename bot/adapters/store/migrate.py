"""Bringing a database to the schema of this version."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from bot.adapters.store.database import begin, open_engine

MIGRATION_LOCK = 7_405_117
"""Key of the PostgreSQL advisory lock that lets one process at a time migrate."""


def migrate(url: str) -> str:
    """Apply what is missing, all or nothing; returns the revision. Several processes may call it at once."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection, begin(connection, writing=True):
            is_postgres = connection.dialect.name == "postgresql"
            if is_postgres:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            command.upgrade(_config(connection), "head")
            if is_postgres:
                # its import takes a third of a second that SQLite need not spend
                from bot.adapters.queue.procrastinate_queue import install_schema

                install_schema(connection)
    finally:
        engine.dispose()
    return newest_revision()


def newest_revision() -> str:
    """The revision that this version of the program needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def current_revision(connection: Connection) -> str:
    """The revision of a database, or empty before the first migration."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "bot.adapters.store:migrations")
    config.attributes["connection"] = connection
    return config
