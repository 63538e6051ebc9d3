"""A full, read-only or locked database: it is said, nothing is taken that cannot be kept, all goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from slack_scene import Scene, open_scene
from sqlalchemy import text

from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown
from bot.services.health_checks import HealthChecks, checks_for
from bot.workspace.driver import Person
from tests.faults.broken_store import FAULTS

CHANNEL = "C0PEOPLE"
SAID = {"full": "no room left", "read-only": "takes nothing new", "locked": "could not be stored in the time"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
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


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_cannot_be_stored_is_not_taken(
    scene: Scene, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.app.ANSWER_S", 1.0)
    checks, ana = database_checks(scene.store), scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy Is this kept?")
    await scene.answered(ana)
    assert (await checks.health()).is_ready
    with FAULTS[fault](scene.store):
        taken = 1 + await taken_until_refused(ana, SAID[fault])
        assert count_runs(scene.store) == taken, "what is refused is not there, and what is taken is"
        found = (await checks.health()).parts["database"]
        assert (found.state, found.needed) == ("down", True) and found.detail and found.next
    scene.store._writer.full_at = float("-inf")  # 20 s later
    async with asyncio.timeout(10):
        while not (await checks.health()).is_ready:
            await asyncio.sleep(0.05)
    outcome = await ana.command(CHANNEL, "/ask-policy And now?")
    assert "Working on" in str(outcome.payload)
    await scene.answered(ana, count=taken + 1)
    assert count_runs(scene.store) == taken + 1, "what was refused was not stored later"
    await checks.close()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_reason_is_told(store: Store, fault: str) -> None:
    if not store.is_sqlite:
        store.write_now(lambda c: c.exec_driver_sql("SET default_transaction_read_only TO on"))
        fault = "read-only"
        with pytest.raises(StoreDown, match=fault):
            await store.probe()
        return
    with FAULTS[fault](store), pytest.raises(StoreDown, match=fault):
        await store.probe()
