"""What a process that is killed does. The boundaries at which it dies are wrapped around the product here."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue
from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue, WakeUp
from bot.adapters.store import run_leases, run_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow
from bot.adapters.system_clock import SystemClock
from bot.services.access import Access
from bot.services.actors import Origin
from bot.services.journal import RunJournal
from bot.services.outbox import Courier, Round
from bot.services.outbox_items import OutboxItem, Posted
from bot.services.runs import Runs
from bot.services.work import Pace, Worker
from tests.bot.run_desk import OneWorkflow, request
from tests.faults.fault_slack import tell
from workflows.ports import Progress
from workflows.run import Answer, RunResult, RunStatus, StepRun, StepStatus

STEPS = ("find", "answer", "check")
BOUNDARIES = (
    "before-submit",
    "after-submit",
    "after-claim",
    *(f"{when}-{step}" for step in STEPS for when in ("before-exec", "after-exec", "after-journal")),
    "before-done",
    "after-done",
    "after-outbox-claim",
    "after-post",
    "after-mark",
    "after-update",
)


@dataclass(frozen=True)
class Order:
    """How one child lives and dies."""

    database_url: str
    slack_url: str
    kill_at: str = ""
    kill_statement: int = 0
    """Die before this SQL statement, counted from 1; 0 never."""
    key: str = "k"
    lease_s: float = 15.0


class Killer:
    """Dies at a boundary."""

    def __init__(self, order: Order) -> None:
        self.order = order

    def at(self, boundary: str) -> None:
        if boundary and boundary == self.order.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, owner: Any, name: str, *, before: str = "", after: str = "") -> None:
        """Die around a function; after an awaited one, only when it did something."""
        inner = getattr(owner, name)
        if asyncio.iscoroutinefunction(inner):

            async def around(*args: Any, **kwargs: Any) -> Any:
                self.at(before)
                result = await inner(*args, **kwargs)
                if result != 0:
                    self.at(after)
                return result
        else:

            def around(*args: Any, **kwargs: Any) -> Any:
                self.at(before)
                result = inner(*args, **kwargs)
                self.at(after)
                return result

        setattr(owner, name, around)

    def count_statements(self, store: Store) -> None:
        numbers = itertools.count(1)

        def before(*_: Any) -> None:
            if next(numbers) == self.order.kill_statement:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(store.engine, "before_cursor_execute", before)


class UnheardQueue(ProcrastinateQueue):
    """Announces runs in their transaction and listens to nobody: who lives so briefly need not."""

    listening = EmbeddedQueue.listening  # type: ignore[assignment]


@dataclass(frozen=True)
class TellingSender:
    """Posts to the test's Slack."""

    url: str

    async def post(self, item: OutboxItem) -> Posted:
        await asyncio.to_thread(tell, self.url, "post", id=item.id, text=shown(item))
        return Posted(item.channel, f"ts-{item.id}")

    async def update(self, item: OutboxItem) -> None:
        await asyncio.to_thread(tell, self.url, "update", id=item.id, text=shown(item))

    async def find(self, item: OutboxItem) -> Posted | None:
        reply = await asyncio.to_thread(tell, self.url, "find", id=item.id)
        return Posted(item.channel, f"ts-{item.id}") if reply["found"] else None


def shown(item: OutboxItem) -> str:
    """What readers see."""
    assert item.run is not None
    return item.run.answer.text if item.run.answer else item.run.status.value


@dataclass(frozen=True)
class ThreeSteps:
    """Three steps, each a paid call, journaled like the engine does."""

    store: Store
    killer: Killer
    clock: SystemClock

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        journal = RunJournal(self.store, held)
        done = dict(await journal.finished())
        for number, name in enumerate(STEPS, 1):
            if name in done:
                continue
            on_progress(Progress(name, name, number, len(STEPS)))
            self.killer.at(f"before-exec-{name}")
            at = self.clock.now()
            await asyncio.to_thread(tell, self.killer.order.slack_url, "paid", run=row.id, step=name)
            self.killer.at(f"after-exec-{name}")
            done[name] = StepRun(name, "prompt", StepStatus.SUCCEEDED, {"text": name}, at, self.clock.now())
            await journal.record(done[name])
            self.killer.at(f"after-journal-{name}")
        text = " ".join(str(done[name].output["text"]) for name in STEPS)
        return RunResult(RunStatus.SUCCEEDED, Answer(text, "answered"), tuple(done.values()))


def live(order: Order) -> None:
    """Everything a process does, until nothing is left to do."""
    asyncio.run(_live(order))


async def _live(order: Order) -> None:
    store, killer, clock = Store(order.database_url), Killer(order), SystemClock()
    outgoing = WakeUp()
    queue: RunQueue = EmbeddedQueue() if store.is_sqlite else UnheardQueue(store.url)
    pace = Pace(lease_s=order.lease_s, look_s=0.05, tick_s=0.05)
    worker = Worker(store, ThreeSteps(store, killer, clock), clock, queue, outgoing, pace)
    rounds = Round(timeout_s=order.lease_s / 3, lease_s=order.lease_s, look_s=0.05, quiet_s=0.1)
    courier = Courier(store, TellingSender(order.slack_url), clock, outgoing, rounds)
    if order.kill_statement:
        killer.count_statements(store)
    killer.wrap(run_log, "insert_run", after="before-submit")
    killer.wrap(run_leases, "finish_run", before="before-done")
    killer.wrap(Worker, "_claim", after="after-claim")
    killer.wrap(Worker, "_carry", after="after-done")
    killer.wrap(Courier, "_claim", after="after-outbox-claim")
    killer.wrap(TellingSender, "post", after="after-post")
    killer.wrap(TellingSender, "update", after="after-update")
    killer.wrap(Courier, "_mark", after="after-mark")
    runs = Runs(store, OneWorkflow(), Access(store, clock, ["U0DEV"]), clock, queue, outgoing)  # type: ignore[arg-type]
    origin = Origin("mention", channel_id="C0PEOPLE", thread_ts=order.key, visibility="channel")
    await runs.accept(request(order.key, origin=origin))
    killer.at("after-submit")
    stop = asyncio.Event()
    loops = [asyncio.create_task(part.run_until(stop)) for part in (worker, courier)]
    while not await store.read(_is_settled):
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*loops)
    store.close()


def _is_settled(connection: Connection) -> bool:
    left = "SELECT (SELECT count(*) FROM outbox WHERE state != 'settled')"
    return connection.exec_driver_sql(left).scalar_one() == 0
