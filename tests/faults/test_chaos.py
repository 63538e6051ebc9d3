"""Chaos, short enough for each commit; `make faults` runs it at length and prints what it injected."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.adapters.store.database import Store
from bot.slack import manifest
from bot.workspace import postman
from tests.faults.chaos import Plan, rest, run_chaos
from tests.faults.chaos_world import World
from tests.ports import free_port

pytestmark = pytest.mark.slow

RUNS = int(os.environ.get("CHAOS_RUNS", "1000"))


@pytest.mark.parametrize("seed", [7])
def test_nothing_is_lost_and_nothing_comes_twice(
    database_url: str, tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    figures = asyncio.run(run_chaos(Plan(database_url, tmp_path, RUNS, seed)))
    record_property("figures", figures.text())
    # how soon a busy machine acknowledges is measured by the command, not asserted here
    broken = [each for each in figures.violations if each.kind != "slow ack"]
    assert broken == [] and figures.is_at_rest, figures.text()
    assert figures.injected["worker: kill -9"] >= RUNS // 200, "the chaos was none"
    assert figures.injected["Slack: chat.postMessage: drop_after_store"] >= RUNS // 50


async def test_rest_waits_for_what_slack_sends_once_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "RETRY_AFTER_S", (0.0, 0.05, 0.2))
    world = World(7, free_port())
    attempts: list[int] = []

    async def carry(kind: str, payload: object, retry: postman.Retry | None = None) -> None:
        attempts.append(retry.attempt if retry else 0)
        raise postman.NotAcknowledged("dispatch_failed")

    workspace = world.open(manifest.build([]))
    monkeypatch.setattr(world.line, "carry", carry)
    await world.people[0].say("C0ROOM1", "@spanwise ask-once k000001 How many days are left?")
    assert await rest(store, world)
    assert set(attempts) == {0, 1, 2, 3}
    await workspace.stop()
