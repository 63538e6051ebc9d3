"""A full, read-only or locked database: it is said, nothing is taken that cannot be kept, all goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_scene import Scene, open_scene
from sqlalchemy import text

from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown
from bot.adapters.store.store_probe import ROOM_BYTES, take_room
from bot.services.health_checks import HealthChecks, checks_for
from bot.workspace.driver import Person
from tests.faults.broken_store import FAULTS

CHANNEL = "C0PEOPLE"
SAID = {"full": "no room left", "read-only": "takes nothing new", "locked": "could not be stored in the time"}


ON_POSTGRES = pytest.param("postgres", "full", marks=pytest.mark.postgres)
BROKEN = [*(("sqlite", fault) for fault in FAULTS), ON_POSTGRES]
"""Engine and what is wrong with it."""


@pytest.fixture
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """On the engine that the test names, SQLite by default."""
    is_postgres = getattr(request, "param", "") == "postgres"
    url = str(request.getfixturevalue("filled_postgres_url")) if is_postgres else ""
    made, close = await open_scene(tmp_path, database_url=url)
    made.worker.pace = replace(made.worker.pace, rest_s=0.2)
    yield made
    await close()


def database_checks(store: Store) -> HealthChecks:
    every = checks_for((), store, None, None, None)  # type: ignore[arg-type]
    return HealthChecks({"database": every.looks["database"]}, frozenset({"database"}), fresh_s=0)


def count_runs(store: Store) -> int:
    return int(store.read_now(lambda c: c.execute(text("SELECT count(*) FROM runs")).scalar_one()))


async def taken_until_refused(ana: Person, said: str) -> int:
    """How many requests were taken: a full database has a little room in the pages that it has."""
    for taken in range(30):
        outcome = await ana.command(CHANNEL, f"/ask-policy {'Is this kept as well? ' * 20}{taken}")
        if "Working on" not in str(outcome.payload):
            assert said in str(outcome.payload)
            return taken
    raise AssertionError("never refused")


@pytest.mark.parametrize(("scene", "fault"), BROKEN, indirect=["scene"])
async def test_what_cannot_be_stored_is_not_taken(
    scene: Scene, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.reception.ANSWER_S", 1.0)
    checks, ana = database_checks(scene.store), scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy Is this kept?")
    await scene.answered(ana)
    assert (await checks.health()).is_ready
    with FAULTS[fault](scene.store):
        taken = 1 + await taken_until_refused(ana, SAID[fault])
        assert count_runs(scene.store) == taken, "what is refused is not there, and what is taken is"
        found = (await checks.health()).parts["database"]
        assert (found.state, found.needed) == ("down", True) and found.detail and found.next
    # as 20 s later; runs that go on may still have found it full until now
    monkeypatch.setattr("bot.adapters.store.database.FULL_S", 0.0)
    async with asyncio.timeout(10):
        while not (await checks.health()).is_ready:
            await asyncio.sleep(0.05)
    outcome = await ana.command(CHANNEL, "/ask-policy And now?")
    assert "Working on" in str(outcome.payload)
    await scene.answered(ana, count=taken + 1)
    assert count_runs(scene.store) == taken + 1, "what was refused was not stored later"
    await checks.close()


def read_only_postgres(store: Store) -> contextlib.nullcontext[None]:
    store.write_now(lambda c: c.exec_driver_sql("SET default_transaction_read_only TO on"))
    return contextlib.nullcontext()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_reason_is_told(store: Store, fault: str) -> None:
    faults: dict[str, Any] = FAULTS
    if not store.is_sqlite:
        fault = "read-only" if fault == "locked" else fault
        faults = {**FAULTS, "read-only": read_only_postgres}
    with faults[fault](store), pytest.raises(StoreDown, match=fault):
        await store.probe()


@pytest.mark.postgres
async def test_postgres_is_asked_for_room_on_its_disk(filled_postgres_url: str) -> None:
    """A row may fit into a page that is there already: what it writes to a file does not."""
    store = Store(filled_postgres_url)
    how = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
    plan = store.write_now(lambda c: take_room(c, how).scalar_one())
    written = 8192 * plan[0]["Plan"]["Temp Written Blocks"]
    assert written >= 0.95 * ROOM_BYTES
    shown = store.read_now(lambda c: c.exec_driver_sql("SHOW work_mem").scalar_one())
    await store.probe()
    assert store.write_now(lambda c: c.exec_driver_sql("SHOW work_mem").scalar_one()) == shown
    store.close()
