"""Many runs through the whole product while processes die, Slack and the model misbehave, and clocks race.

`python -m tests.faults.chaos --runs 2000 --seed 7 --database sqlite:///chaos.db` prints what was injected and
what came of it; the exit status is 1 when a promise was broken.
"""

import argparse
import asyncio
import contextlib
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import text

from bot.adapters.store.database import Connection, Store
from bot.bootstrap import Product, build
from bot.governance.budget import Period, Scope, ScopeKind
from bot.governance.roles import Role
from bot.quality.digest_request import DigestRequest
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.settings_reading import settings_from
from bot.slack import manifest
from bot.workspace import content, postman
from tests import databases
from tests.faults import chaos_parts, recorder
from tests.faults.chaos_figures import Figures
from tests.faults.chaos_parts import Orders, open_door, start
from tests.faults.chaos_world import SECRET, World
from tests.faults.history import History
from tests.ports import free_port

DEV = Actor("U0DEV", "Dev")
WORKERS, CLOCKS = 3, 2
BACKLOG = 150
"""Requests, runs and messages that may be under way before the people ask for more."""
AT_ONCE = 6
"""Requests that wait for their acknowledgement."""
LONGEST_REST_S = 180.0
"""How long everything may take to come to rest once nothing is killed any more."""
DEAR_SHARE, DEAR_USD = 0.05, Decimal("0.02")
"""Share of the runs whose workflow has a budget, and what a word costs there."""

STEP = """\
  - {{id: {id}, kind: prompt, title: Asking, task: write, template: chaos.ask, model: {model}, timeout_s: 40,
     max_output_tokens: 16, variables: {{step: {id}, question: "{{{{ inputs.question }}}}"}}}}
"""
PROMPT = "---\nvariables: [step, question]\n---\nThis is step {{ step }} of {{ question }}\n"
MODELS = """\
default: {{model: openai/first, api_base: "{url}", timeouts: {{reply_s: 4}}, fallbacks: [spare],
  price: {{input_per_million: 1, output_per_million: 1}}}}
spare: {{model: openai/spare, api_base: "{url}", timeouts: {{reply_s: 4}},
  price: {{input_per_million: 1, output_per_million: 1}}}}
dear: {{model: openai/dear, api_base: "{url}", timeouts: {{reply_s: 4}},
  price: {{input_per_million: 20000, output_per_million: 20000}}}}
"""


def workflow(name: str, *steps: str, model: str = "default") -> list[Content]:
    """One that asks the model once a step."""
    head = (
        f"name: {name}\ntitle: Asks {len(steps)} times\npurpose: Asks a model.\n"
        "inputs:\n  question: {kind: text, label: Question}\nsteps:\n"
    )
    body = "".join(STEP.format(id=step, model=model) for step in steps)
    answer = " ".join("{{ " + step + ".text }}" for step in steps)
    return [Content("workflow", name, f'{head}{body}answer: "{answer}"\n')]


WORKFLOWS = (
    *workflow("ask-once", "first"),
    *workflow("ask-twice", "first", "second"),
    *workflow("ask-dearly", "first", model="dear"),
)


@dataclass(frozen=True)
class Plan:
    """One chaos."""

    database: str
    folder: Path
    runs: int = 2000
    seed: int = 7
    strike_every: int = 25
    minutes: float = 0.0
    """After which nobody asks any more; 0 for no end but `runs`."""


@dataclass
class Nemesis:
    """Kills and freezes workers and clocks until it is told to stop, and starts others in their place."""

    orders: Orders
    chance: random.Random
    every: int
    """About how many runs may end between two strikes."""
    port: int
    """Of the door."""
    workers: list[Any] = field(default_factory=list)
    clocks: list[Any] = field(default_factory=list)
    kills: list[tuple[int, float]] = field(default_factory=list)
    """Process and when, of the workers."""
    clock_kills: int = 0
    door_kills: int = 0
    freezes: int = 0
    door: Any = None
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether the door takes requests; nobody comes to a closed one."""
    _spared: dict[int, float] = field(default_factory=dict)
    """Until when a process is left alone: one that was frozen must live to say what it did."""

    async def open_door(self) -> None:
        self.door = open_door(self.orders)
        async with asyncio.timeout(LONGEST_REST_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        self.is_open.set()

    def begin(self) -> None:
        self.workers = [start(chaos_parts.worker, self.orders) for _ in range(WORKERS)]
        self.clocks = [start(chaos_parts.clock, self.orders) for _ in range(CLOCKS)]

    async def rage(self, count_over: Callable[[], Awaitable[int]]) -> None:
        """Strike whenever some more runs are over, until cancelled: a slow machine no more often."""
        until = 0
        async with asyncio.TaskGroup() as frozen:
            while True:
                until += self.chance.randint(self.every // 2, self.every * 3 // 2)
                while await count_over() < until:
                    await asyncio.sleep(0.1)
                roll = self.chance.random()
                if roll < 0.20:
                    frozen.create_task(self._freeze())
                elif roll < 0.25:
                    await self._kill_door()
                elif roll < 0.35:
                    self._kill(self.clocks, chaos_parts.clock)
                    self.clock_kills += 1
                else:
                    await self._kill_worker()

    async def _kill_worker(self) -> None:
        prey = self._prey()
        if not prey:
            return
        victim = self.chance.choice(prey)
        self.kills.append((victim.pid, time.time()))
        victim.kill()
        victim.join()
        self.workers.remove(victim)
        if len(self.workers) > 1:
            await asyncio.sleep(self.chance.uniform(0, 1.5))
        while len(self.workers) < WORKERS:
            self.workers.append(start(chaos_parts.worker, self.orders))

    def _prey(self) -> list[Any]:
        now = time.time()
        return [each for each in self.workers if self._spared.get(each.pid, 0) < now]

    async def _kill_door(self) -> None:
        self.is_open.clear()
        self.door_kills += 1
        self.door.kill()
        self.door.wait()
        await self.open_door()

    def _kill(self, these: list[Any], body: Any) -> None:
        victim = these.pop(0)
        victim.kill()
        victim.join()
        these.append(start(body, self.orders))

    async def _freeze(self) -> None:
        """Longer than a run's lease, shorter than a message's: as a machine that is moved or swaps."""
        prey = self._prey()
        if not prey:
            return
        victim = self.chance.choice(prey)
        self.freezes += 1
        frozen_s = self.orders.lease_s + self.chance.uniform(0.5, 1.5)
        self._spared[victim.pid] = time.time() + frozen_s + 2 * self.orders.lease_s
        os.kill(victim.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(frozen_s)
        finally:
            os.kill(victim.pid, signal.SIGCONT)

    def end(self) -> None:
        for child in (*self.workers, *self.clocks):
            child.terminate()
        for child in (*self.workers, *self.clocks):
            child.join(30)
            if child.exitcode is None:
                child.kill()
        if self.door is not None:
            self.door.terminate()
            self.door.wait(30)


def settings_of(plan: Plan, world: World, port: int) -> dict[str, Any]:
    """What an operator would set."""
    models = plan.folder / "models.yaml"
    models.write_text(MODELS.format(url=world.server.base_url))
    return {
        "SPANWISE_DATA_DIR": plan.folder,
        "DATABASE_URL": plan.database,
        "SPANWISE_MODELS": models,
        "SPANWISE_ADMINS": "U0DEV",
        "SPANWISE_ADMIN_CHANNEL": "C0LEADS",
        "SPANWISE_AUDIT_KEY": "k" * 32,
        "SLACK_BOT_TOKEN": "xoxb-chaos",
        "SLACK_SIGNING_SECRET": SECRET,
        "PORT": port,
    }


async def prepare(product: Product, runs: int) -> Mapping[str, Any]:
    """Rights, workflows, a limit and a digest; the app's manifest."""
    await product.access.grant(DEV, "everyone", Role.RUNNER)
    await product.catalogue.seed([Content("prompt", "chaos.ask", PROMPT), *WORKFLOWS])
    # about half of what would be spent without it, and room for the calls that are under way
    limit = Decimal(int(runs * DEAR_SHARE * float(DEAR_USD) * 12)) + 20
    await product.budgets.set_limit(DEV, Scope(ScopeKind.WORKFLOW, "ask-dearly"), limit, Period.MONTH)
    for place in ("C0GENERAL", "C0PEOPLE", ""):
        await product.digests.set(DEV, place, DigestRequest(), "Europe/London")
    product.store.write_now(recorder.record)
    return manifest.build(await product.catalogue.released())


async def run_chaos(plan: Plan) -> Figures:
    """All of it, from an empty database to a verdict."""
    port, began = free_port(), time.monotonic()
    chaos_parts.warm_up()
    world = World(plan.seed, port)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(world.server)
        # the shape of messages is tested elsewhere, and checking it would be half of this process's work
        stack.enter_context(mock.patch.object(content, "check_blocks", return_value=()))
        # what was not acknowledged comes again, sooner than the minutes that Slack takes
        stack.enter_context(mock.patch.object(postman, "RETRY_AFTER_S", (0.0, 2.0, 10.0)))
        settings = settings_of(plan, world, port)
        product = build(settings_from(**settings))
        workspace = world.open(await prepare(product, plan.runs))
        await workspace.start()
        settings["SLACK_API_URL"] = workspace.api_url
        orders = Orders(settings, plan.folder / "notes.jsonl", plan.folder / "door.jsonl")
        nemesis = Nemesis(orders, random.Random(plan.seed + 4), plan.strike_every, port)
        try:
            await nemesis.open_door()
            await asyncio.to_thread(nemesis.begin)
            with world.at_peace():
                await world.ask("ask-once")
                await rest(product.store, world)
            ready = time.monotonic()
            await _under_fire(plan, world, nemesis, product.store)
            asked = time.monotonic()
            is_at_rest = await rest(product.store, world)
            spans = ready - began, asked - ready, time.monotonic() - asked
        finally:
            await asyncio.to_thread(nemesis.end)
            await workspace.stop()
        figures = _judge(plan, world, nemesis, product.store, orders)
        await product.close()
    figures.spans, figures.is_at_rest = spans, is_at_rest
    return figures


async def _under_fire(plan: Plan, world: World, nemesis: Nemesis, store: Store) -> None:
    """People ask while processes die; a chaos whose own tasks fail is none, and says so."""
    room = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        beside = (
            tasks.create_task(nemesis.rage(lambda: store.read(_over))),
            tasks.create_task(_watch(store, room)),
        )
        await _ask(plan, world, nemesis.is_open, room)
        for task in beside:
            task.cancel()


async def _ask(plan: Plan, world: World, is_open: asyncio.Event, room: asyncio.Event) -> None:
    gate, asking = asyncio.Semaphore(AT_ONCE), set[asyncio.Task[None]]()
    until = time.monotonic() + plan.minutes * 60 if plan.minutes else math.inf
    for _ in range(plan.runs):
        if time.monotonic() > until:
            break
        await room.wait()
        await gate.acquire()
        await is_open.wait()
        roll = world.chance.random()
        name = "ask-dearly" if roll < DEAR_SHARE else "ask-twice" if roll < 0.4 else "ask-once"
        task = asyncio.create_task(world.ask(name))
        asking.add(task)
        task.add_done_callback(lambda done: (asking.discard(done), gate.release()))
    await asyncio.gather(*asking)


async def _watch(store: Store, room: asyncio.Event) -> None:
    """Lets people ask while not too much is under way; what was refused is not."""
    while True:
        (room.set if await store.read(_left) < BACKLOG else room.clear)()
        await asyncio.sleep(0.1)


def _over(connection: Connection) -> int:
    query = "SELECT count(*) FROM runs WHERE finished_at IS NOT NULL"
    return int(connection.execute(text(query)).scalar_one())


def _left(connection: Connection) -> int:
    query = (
        "SELECT (SELECT count(*) FROM runs WHERE finished_at IS NULL) "
        "+ (SELECT count(*) FROM outbox WHERE state NOT IN ('settled', 'refused')) "
        "+ (SELECT count(*) FROM handed_requests)"
    )
    return int(connection.execute(text(query)).scalar_one())


async def rest(store: Store, world: World) -> bool:
    """Until nothing is left to do, and nothing to come: Slack sends again what was not acknowledged."""
    try:
        async with asyncio.timeout(LONGEST_REST_S):
            while world.is_delivering or await store.read(_left):
                await asyncio.sleep(0.2)
    except TimeoutError:
        return False
    return True


def _judge(plan: Plan, world: World, nemesis: Nemesis, store: Store, orders: Orders) -> Figures:
    history = History()
    later = datetime.now(UTC) + timedelta(hours=1)
    store.write_now(lambda connection: recorder.settle_money(connection, later))
    store.read_now(lambda connection: recorder.read_into(history, connection))
    said = [*recorder.read_told(history, orders.notes), *recorder.read_door(orders.lines)]
    world.write_into(history, {each["request"]: each["error"] for each in said if each["kind"] == "refused"})
    history.slots.extend(store.read_now(lambda connection: recorder.read_slots(connection, said)))
    return Figures.of(plan.seed, store.engine.dialect.name, history, world, nemesis, said)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--database",
        default="",
        help="an empty one, or `postgres` for a server of its own; SQLite in a temporary folder by default",
    )
    parser.add_argument("--strike-every", type=int, default=25, help="runs that end between two strikes")
    parser.add_argument("--minutes", type=float, default=0.0, help="after which nobody asks any more")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        database = asked.database or f"sqlite:///{folder}/chaos.db"
        if database == "postgres":
            server = stack.enter_context(databases.new_server())
            database = stack.enter_context(databases.of_server(server))
        plan = Plan(database, Path(folder), asked.runs, asked.seed, asked.strike_every, asked.minutes)
        figures = asyncio.run(run_chaos(plan))
    sys.stdout.write(figures.text())
    return 1 if figures.violations or not figures.is_at_rest else 0


if __name__ == "__main__":
    sys.exit(main())
