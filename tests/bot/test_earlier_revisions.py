"""Every released revision, with work in the middle, brought to today's: the product finishes that work."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from bot.adapters.store import migrate as bringing
from bot.adapters.store.audit_log import verify
from bot.adapters.store.database import Store, begin, open_engine
from bot.adapters.store.migrate import SchemaNewer, SchemaOlder, current_revision, migrate, newest_revision
from bot.adapters.store.run_leases import queue_again
from bot.bootstrap import Product, build
from bot.services.actors import Actor
from bot.services.budget_book import give_back_dead
from bot.settings_reading import settings_from
from bot.slack.refusals import sentence
from tests.bot.earlier_rows import fill
from tests.fakes import FakeSender

RELEASED = ("0001", "0002", "0003", "0004")
EVA = Actor("U0EVA", "Eva")


def bring_to(url: str, revision: str) -> None:
    """An empty database as that revision had it, filled with what it did."""
    engine = open_engine(url)
    with engine.connect() as connection, begin(connection, writing=True):
        command.upgrade(bringing._config(connection), revision)
        fill(connection, revision)
    engine.dispose()


def product_on(url: str, tmp_path: Path) -> Product:
    """The whole product, which migrates as it starts."""
    settings = settings_from(DATABASE_URL=url, SPANWISE_DATA_DIR=tmp_path / "var", SPANWISE_ADMINS="U0DEV")
    return build(settings)


def rows(product: Product, statement: str) -> list[Any]:
    return product.store.read_now(lambda c: list(c.execute(text(statement))))


@pytest.mark.parametrize("revision", RELEASED)
async def test_work_of_an_earlier_revision_is_finished(
    database_url: str, tmp_path: Path, revision: str
) -> None:
    bring_to(database_url, revision)
    product, sender = product_on(database_url, tmp_path), FakeSender()
    try:
        assert product.store.read_now(current_revision) == newest_revision()
        sender.messages |= {"m_r_running": ["sent"], "m_r_waiting": ["sent"], "m_r_done": ["sent"]}
        await product.store.write(lambda c: queue_again(c, "r_waiting"))
        await product.worker().drain()
        await product.courier(sender).drain()
        answers = {id: (await product.runs.view(id)).answer for id in ("r_queued", "r_running", "r_waiting")}
        assert answers["r_queued"] and answers["r_queued"].text == "live first one"
        assert answers["r_running"] and answers["r_running"].text == "old first, as it was journaled"
        assert answers["r_waiting"] and answers["r_waiting"].text == "live first one"
        assert {row.status for row in rows(product, "SELECT status FROM runs")} == {"succeeded"}
        posts = [item.id for what, item in sender.calls if what == "post"]
        assert posts == ["m_r_queued"], "what may have been posted is looked for, and not posted again"
        assert [item.id for what, item in sender.calls if what == "find"] == ["m_r_running"]
        assert sender.messages["m_r_running"][-1] == "old first, as it was journaled"
        if revision >= "0002":
            await _decide(product)
        if revision >= "0003":
            product.store.write_now(lambda c: give_back_dead(c, product.clock.now()))
            assert rows(product, "SELECT reserved_usd FROM budget_balances")[0].reserved_usd == 0
            assert rows(product, "SELECT id FROM reservations") == []
        if revision >= "0004":
            await product.alerting.look()
            assert rows(product, "SELECT cleared_at FROM alerts")[0].cleared_at, "nothing waits any more"
        assert product.store.read_now(verify).bad_seq is None
    finally:
        await product.close()


async def _decide(product: Product) -> None:
    """The change that was in review is approved, applied, and the next run has it."""
    view = await product.changes.approve(EVA, "c_reviewed")
    assert view.status.value == "applied"
    await product.change_work().drain()
    [label] = rows(product, "SELECT number FROM labels WHERE name='note' AND label='production'")
    assert label.number == 3


@pytest.mark.parametrize("revision", RELEASED)
def test_an_interrupted_migration_can_be_taken_up(
    database_url: str, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing: what fails at its last step leaves the database at the revision that it had."""
    bring_to(database_url, revision)
    upgrade = command.upgrade

    def dies(*args: Any) -> None:
        upgrade(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upgrade", dies)
    with pytest.raises(KeyboardInterrupt):
        migrate(database_url)
    monkeypatch.undo()
    store = Store(database_url)
    assert store.read_now(current_revision) == revision
    assert store.read_now(lambda c: c.execute(text("SELECT count(*) FROM runs")).scalar_one()) == 4
    assert migrate(database_url) == newest_revision()
    assert store.read_now(current_revision) == newest_revision()
    store.close()


def test_a_newer_database_is_left_alone(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    store = Store(database_url)
    store.write_now(lambda c: c.execute(text("UPDATE alembic_version SET version_num='0099'")))
    with pytest.raises(SchemaNewer) as refused:
        product_on(database_url, tmp_path)
    said = sentence("SchemaNewer", refused.value.facts)
    assert "0099" in said and newest_revision() in said
    assert "newer" in store.read_now(bringing.schema_trouble)
    store.write_now(lambda c: c.execute(text("UPDATE alembic_version SET version_num='0004'")))
    assert "older" in store.read_now(bringing.schema_trouble)
    store.close()


@pytest.mark.postgres
def test_who_may_not_change_tables_is_told_to_migrate(postgres_url: str) -> None:
    bring_to(postgres_url, "0003")
    owner = open_engine(postgres_url)
    with owner.connect() as connection, begin(connection, writing=True):
        for statement in (
            "DROP ROLE IF EXISTS plain",
            "CREATE ROLE plain LOGIN PASSWORD 'plain'",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain",
        ):
            connection.execute(text(statement))
    plain = owner.url.set(username="plain", password="plain").render_as_string(hide_password=False)
    with pytest.raises(SchemaOlder) as refused:
        migrate(plain)
    assert refused.value.facts == {"found": "0003", "known": newest_revision()}
    with owner.connect() as connection, begin(connection, writing=True):
        connection.execute(text("DROP OWNED BY plain"))
        connection.execute(text("DROP ROLE plain"))
    owner.dispose()
