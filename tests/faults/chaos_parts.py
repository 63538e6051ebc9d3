"""The processes that chaos starts and kills: the own small door, and worker and clock with shorter leases."""

import asyncio
import json
import multiprocessing.process
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import structlog

from bot.adapters import circuit, llm
from bot.adapters.correlation import correlation
from bot.adapters.observing import Happening, ModelCalled, RunEnded
from bot.adapters.provider_call import load_litellm
from bot.bootstrap import Product, build
from bot.entrance import stopping_on_signals
from bot.processes import run_parts
from bot.services import handing_over, putting_off
from bot.services.heartbeats import Heartbeats
from bot.services.outbox import Round
from bot.services.work import Pace
from bot.settings_reading import settings_from
from bot.slack.reception import receive_at
from bot.slack.taking_over import TakingOver
from bot.slack_line import open_line
from tests.forked import CONTEXT
from tests.quick_throttle import QuickThrottle

ROOT = Path(__file__).parents[2]
JOBS = ("put-down-digests", "post-checkpoint")
PROBE_S = 5


@dataclass(frozen=True)
class Orders:
    """What every process of one chaos is told."""

    settings: Mapping[str, Any]
    notes: Path
    """Where each writes down what it did."""
    lines: Path
    """The door's log."""
    lease_s: float = 3.0
    post_s: float = 3.0
    """For one call to Slack."""
    began_at: float = field(default_factory=time.time)
    days_a_second: float = 0.5
    """How fast the clocks' time goes by."""


class Notes:
    """Lines of a file that several processes write to; each is whole unless its writer was killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, kind: str, **facts: Any) -> None:
        os.write(self._file, (json.dumps({"kind": kind, "pid": os.getpid(), **facts}) + "\n").encode())

    def hear(self, happening: Happening) -> None:
        """As an observer."""
        if isinstance(happening, RunEnded):
            self.write("told", run=happening.run_id, fence=happening.fence, step="")
        elif isinstance(happening, ModelCalled):
            entry = happening.entry
            self.write("told", run=entry.run_id, fence=happening.fence, step=entry.step_id)

    def log(self, _logger: Any, method: str, event: Any) -> Any:
        """As the log: what went wrong, by name."""
        if method in ("warning", "error", "exception", "critical"):
            error = event.get("exc_info")
            trace = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
            trace += str(event.get("facts", ""))
            self.write(
                "log", event=event.get("event"), error=trace or (traceback.format_exc() if error else "")
            )
        if event.get("event") in ("slack.refused", "slack.incident"):
            self.write("refused", request=correlation(), error=event.get("error"))
        raise structlog.DropEvent


def hurry() -> None:
    """Have what waits for a model, or for a worker that died, wait a sixth as long."""
    circuit.PROBE_AFTER = timedelta(seconds=PROBE_S)
    llm.AGAIN_S = str(PROBE_S)
    putting_off.FIRST_S = PROBE_S / 2
    handing_over.LEASE_S, handing_over.HOLD_S = 3.0, 1.0


@dataclass(frozen=True)
class FastClock:
    """The same time in every process, and much faster than on the wall."""

    orders: Orders

    def now(self) -> datetime:
        passed = (time.time() - self.orders.began_at) * self.orders.days_a_second
        return datetime.fromtimestamp(self.orders.began_at, UTC) + timedelta(days=passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def warm_up() -> None:
    """Have the server of processes begin to import what they need: that takes longest at the start."""
    forkserver.ensure_running()


def start(body: Any, orders: Orders) -> "multiprocessing.process.BaseProcess":
    """One process more."""
    child = CONTEXT.Process(target=_live, args=(body, orders), daemon=True)
    child.start()
    return child


def _live(body: Any, orders: Orders) -> None:
    notes = Notes(orders.notes)
    structlog.configure(processors=[notes.log])
    load_litellm()
    os.nice(5)  # as in the Procfile: whoever acknowledges goes first
    asyncio.run(body(orders, notes))


def open_door(orders: Orders) -> "subprocess.Popen[bytes]":
    """The small process that takes what Slack sends, as the Procfile starts it."""
    settings = {name: str(value) for name, value in orders.settings.items()}
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    with orders.lines.open("ab") as lines:
        return subprocess.Popen(
            [sys.executable, "-OO", "-m", "bot", "slack"],
            env=environment,
            cwd=orders.notes.parent,
            stderr=lines,
        )


async def worker(orders: Orders, notes: Notes) -> None:
    """Carries runs out, brings what they say to Slack, and takes over what the door could not deal with."""
    hurry()
    product = _product(orders, notes)
    line = await open_line(product)
    line.gateway._throttle = QuickThrottle(product.clock)
    working, courier = product.worker(), product.courier(line.delivery)
    working.pace = Pace(lease_s=orders.lease_s, look_s=0.2)
    courier.round = Round(timeout_s=orders.post_s, lease_s=3 * orders.post_s, look_s=0.2)
    async with stopping_on_signals() as stop:
        notes.write("ready")
        reception = receive_at(line.desk, product.hand_overs, product.watching.observers)
        # without it the door would bring the messages as well
        beats = Heartbeats(product.store, ("worker",), slots=product.settings.concurrency)
        parts = working, courier, TakingOver(reception.dealing), beats
        await asyncio.gather(*(part.run_until(stop) for part in parts))
    await line.close()
    await product.close()


async def whole_worker(orders: Orders, notes: Notes) -> None:
    """As `python -m bot worker`, with the leases of the product."""
    product = _product(orders, notes)
    async with stopping_on_signals() as stop:
        await run_parts(product, ("worker",), stop)
    await product.close()


async def clock(orders: Orders, notes: Notes) -> None:
    """Puts down what is due: weeks of it."""
    product = _product(orders, notes, clock=FastClock(orders))
    async with stopping_on_signals() as stop:
        while not stop.is_set():
            notes.write("fired", job="put-down-digests", made=await product.digests.enqueue_due())
            notes.write("fired", job="post-checkpoint", made=int(await product.auditing.post_checkpoint()))
            await asyncio.sleep(0.5)
    await product.close()


def _product(orders: Orders, notes: Notes, **other: Any) -> Product:
    product = build(settings_from(**orders.settings), **other)
    observers = product.watching.observers
    observers.listeners = (*observers.listeners, notes.hear)
    return product
