from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from bot.adapters.store.all_tables import metadata
from bot.adapters.store.audit_log import append_event, verify
from bot.adapters.store.database import Store, open_engine
from bot.adapters.store.migrate import current_revision, migrate, newest_revision
from tests.fakes import FakeClock


def is_ours(name: str | None, *_: object) -> bool:
    """Procrastinate's tables come from itself."""
    return not (name or "").startswith("procrastinate_")


def test_migrations_give_exactly_the_tables_of_the_code(database_url: str) -> None:
    assert migrate(database_url) == newest_revision() != ""
    store = Store(database_url)
    differences = store.read_now(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"include_name": is_ours}), metadata
        )
    )
    assert differences == []
    assert store.read_now(current_revision) == newest_revision()
    store.close()


def test_migrated_audit_events_are_guarded(database_url: str) -> None:
    migrate(database_url)
    store = Store(database_url)
    store.write_now(lambda c: append_event(c, actor="a", action="b.c", target="d", at=FakeClock().now()))
    for statement in ("UPDATE audit_events SET actor='x'", "DELETE FROM audit_events"):
        with pytest.raises(DBAPIError, match="append-only"):
            store.write_now(lambda c, statement=statement: c.exec_driver_sql(statement))
    assert store.read_now(verify).rows == 1
    store.close()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(migrate, [database_url] * 4)) == {newest_revision()}


def test_a_new_file_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    """Each finds the other changing the journal's mode, for which SQLite does not wait."""
    gate = Barrier(8)

    def write(number: int) -> None:
        engine = open_engine(f"sqlite:///{tmp_path / str(number // 8)}.db")
        gate.wait()
        with engine.connect() as connection:
            for statement in ("BEGIN IMMEDIATE", "CREATE TABLE IF NOT EXISTS t (x)", "COMMIT"):
                connection.exec_driver_sql(statement)
        engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, number) for number in range(8 * 150)]
    assert not [error for each in writes if (error := each.exception())]


def test_a_migration_that_fails_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bot.adapters.store.audit_log.guards", lambda dialect: ("SELECT broken FROM nowhere",)
    )
    with pytest.raises(DBAPIError):
        migrate(database_url)
    monkeypatch.undo()
    assert migrate(database_url) == newest_revision()
