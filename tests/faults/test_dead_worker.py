"""A worker dies with runs in its hands: another continues them once the lease is over, and nobody helps."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.outbox_log import SETTLED, outbox
from bot.adapters.store.run_log import runs
from bot.bootstrap import Product, build
from bot.services.actors import Origin
from bot.services.work import Pace
from bot.settings_reading import settings_from
from tests.bot.run_desk import request
from tests.faults import chaos_parts, recorder
from tests.faults.chaos import Plan, prepare, settings_of
from tests.faults.chaos_parts import Orders, start
from tests.faults.chaos_world import World
from tests.faults.checker import check
from tests.faults.history import History
from tests.openai_server import HANG
from tests.ports import free_port

pytestmark = pytest.mark.slow

RUNS = 4
LONGEST_S = 120.0


async def until(store: Store, look: Callable[[Connection], Any]) -> Any:
    async with asyncio.timeout(LONGEST_S):
        while not (found := await store.read(look)):
            await asyncio.sleep(0.1)
    return found


def in_hand(connection: Connection) -> list[Any]:
    """All runs with who holds them until when, once somebody does."""
    rows = list(connection.execute(select(runs).where(runs.c.status == "running")))
    return rows if len(rows) == RUNS else []


def told(connection: Connection, these: set[str]) -> bool:
    """Whether the messages of these runs are as they will stay."""
    settled = select(outbox.c.run_id).where(outbox.c.state == SETTLED)
    return these <= set(connection.execute(settled).scalars())


async def ask(product: Product) -> None:
    for number in range(RUNS):
        origin = Origin("mention", channel_id="C0PEOPLE", visibility="channel")
        inputs = {"question": f"k{number:06d} How many days?"}
        await product.runs.accept(request(f"k{number}", workflow="ask-once", inputs=inputs, origin=origin))


async def test_its_runs_continue_on_another(database_url: str, tmp_path: Path) -> None:
    world = World(1, free_port())
    world.faults.is_over = world.model.is_over = True
    world.server.respond = lambda body: HANG
    async with world.server:
        settings = settings_of(Plan(database_url, tmp_path), world, 0)
        models = tmp_path / "models.yaml"
        models.write_text(models.read_text().replace("reply_s: 4", "reply_s: 300"))
        product = build(settings_from(**settings))
        workspace = world.open(await prepare(product, RUNS))
        await workspace.start()
        orders = Orders(
            {**settings, "SLACK_API_URL": workspace.api_url},
            tmp_path / "notes.jsonl",
            tmp_path / "door.jsonl",
        )
        workers = [await asyncio.to_thread(start, chaos_parts.whole_worker, orders) for _ in range(2)]
        try:
            await ask(product)
            held = await until(product.store, in_hand)
            victim = next(each for each in workers if f":{each.pid}:" in held[0].owner)
            world.server.respond = world.model.respond
            victim.kill()
            died_at = time.time()
            left = {row.id: row.lease_until for row in held if row.owner == held[0].owner}
            await until(product.store, lambda connection: told(connection, set(left)))
        finally:
            for child in workers:
                child.kill()
            await workspace.stop()
        history = History()
        product.store.read_now(lambda connection: recorder.read_into(history, connection))
        await product.close()
    taken = {each.run_id: each for each in history.held if each.status == "running" and each.fence == 2}
    for run_id, lease_until in left.items():
        assert held[0].owner != taken[run_id].owner, "somebody else has it"
        assert taken[run_id].at >= lease_until.timestamp(), "and not before its lease was over"
        assert lease_until.timestamp() - died_at <= Pace().lease_s, "which is no longer than that"
    broken = {each.kind for each in check(history)}
    assert broken <= {"lost", "wrong answer"}, "the other's own runs hang, or are not told yet"
    after = [taken[run_id].at - died_at for run_id in left]
    sys.stdout.write(
        f"a worker of {product.store.engine.dialect.name} killed with {len(left)} runs in hand: "
        f"continued by another {min(after):.1f} to {max(after):.1f} s later, under a lease of "
        f"{Pace().lease_s:.0f} s\n"
    )
