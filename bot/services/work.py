"""The worker: takes queued runs, keeps hold of them while they are carried out, and records how they end."""

import asyncio
import contextlib
import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from bot.adapters.correlation import correlated
from bot.adapters.observing import Observers, RunEnded
from bot.adapters.queue.wakeup import RunQueue, WakeUp, ringing_on
from bot.adapters.store import audit_log, run_leases
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.run_leases import Held, Step
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.run_turns import FREELY, Shares
from bot.adapters.store.store_down import StoreDown
from bot.services.closed_collections import is_closed
from bot.services.opaque_ids import incident_token
from bot.services.putting_off import put_off_s
from workflows.ports import Clock, Interrupted, LostLease, ModelError, Progress
from workflows.run import Failure, RunResult, RunStatus, ending_of

log = structlog.get_logger(__name__)

ITSELF = "spanwise"
"""The actor of what the bot does of its own accord."""


HANDED_BACK = "handed back"
"""Why a run was stopped by a worker that stops."""


class RunKeptCrashing(Exception):
    """The run was taken up too often and never ended: it takes its worker down."""


class Perform(Protocol):
    """Carries one run out, resuming after its journaled steps."""

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        """How it ended. Raises LostLease; cancelling the task stops the run."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker works."""

    concurrency: int = 8
    lease_s: float = 12.0
    """Runs of a dead worker go on within 15 s: what is left is for the other to find them."""
    look_s: float = 0.5
    """Longest time between looks for work that nobody announced."""
    tick_s: float = 0.25
    """Time between looks at cancellations, and between two shown steps of a run."""
    gather_s: float = 0.01
    """Least time between two claims, so that a burst is claimed together."""
    grace_s: float = 10.0
    """How long runs may finish after a stop."""
    max_attempts: int = 5
    rest_s: float = 5.0
    """How long a run is left alone that the database stopped."""
    shares: Shares = FREELY
    """How much of all workers' slots a person and a workflow may have."""


@dataclass(slots=True)
class Job:
    """A run in hand."""

    row: RunRow
    held: Held
    task: asyncio.Task[RunResult] | None = None
    stopped: str = ""
    """Why it was stopped from here: cancelled, lost or handed back."""
    step: Step | None = None
    """Where it is, until that is written."""

    def stop(self, why: str) -> None:
        """Cancel the work, once."""
        if not self.stopped:
            self.stopped = why
            if self.task is not None:
                self.task.cancel()


@dataclass(slots=True)
class Worker:
    """Carries out up to `pace.concurrency` runs at a time."""

    store: Store
    perform: Perform
    clock: Clock
    queue: RunQueue
    outgoing: WakeUp
    pace: Pace = field(default_factory=Pace)
    observers: Observers = field(default_factory=Observers)
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    _jobs: dict[str, Job] = field(default_factory=dict)
    _carriers: set[asyncio.Task[None]] = field(default_factory=set)
    _lets_go: bool = False
    """Whether it stops and the grace time is over: nothing more is waited for."""

    async def run_until(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let runs finish for the grace time and hand the rest back."""
        async with self._ticking(), self.queue.listening(), ringing_on(stop, self.queue.ring):
            while not stop.is_set():
                await self._look()
                await asyncio.sleep(self.pace.gather_s)
                await self.queue.wait(self.pace.look_s)
            await self._let_go()

    async def drain(self) -> None:
        """Work until nothing is due."""
        async with self._ticking():
            while await self._claim() or self._carriers:
                if self._carriers:
                    await asyncio.wait(self._carriers, return_when=asyncio.FIRST_COMPLETED)

    async def _look(self) -> None:
        try:
            await self._claim()
        except StoreDown as error:
            log.warning("work.claim_failed", worker=self.name, why=error.why)
            await asyncio.sleep(self.pace.look_s)
        except Exception:
            log.exception("work.claim_failed", worker=self.name)
            await asyncio.sleep(self.pace.look_s)

    async def _claim(self) -> int:
        free = self.pace.concurrency - len(self._jobs)
        if free <= 0:
            return 0
        rows = await self.store.write(lambda connection: self._take(connection, free), relaxed=True)
        while rows is None:
            await asyncio.sleep(random.uniform(0.5, 1.5) * self.pace.gather_s)
            rows = await self.store.write(lambda connection: self._take(connection, free), relaxed=True)
        for row in rows:
            job = self._jobs[row.id] = Job(row, Held(row.id, row.fence, self.name))
            with correlated(row.correlation, run=row.id):
                carrier = asyncio.create_task(self._carry(job), name=f"run {row.id}")
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return len(rows)

    def _take(self, connection: Connection, limit: int) -> tuple[RunRow, ...] | None:
        return run_leases.claim_runs(
            connection,
            owner=self.name,
            lease_s=self.pace.lease_s,
            limit=limit,
            shares=self.pace.shares,
            slots=self.pace.concurrency,
        )

    async def _carry(self, job: Job) -> None:
        try:
            result = await self._result(job)
            if result is not None and not await self._put_off(job, result):
                await self.store.write(lambda connection: self._finish(connection, job, result))
                self.outgoing.ring()
                self._tell(job, result)
        except LostLease:
            log.warning("run.lease_lost", run=job.held.run_id, fence=job.held.fence)
        except StoreDown as error:
            log.warning("run.interrupted", run=job.held.run_id, why=error.why)
            await self._rest(job)
        except Exception:
            log.exception("run.not_recorded", run=job.held.run_id)
        finally:
            may_go_on = len(self._jobs) >= self.pace.concurrency or self.pace.shares != FREELY
            if self._jobs.get(job.held.run_id) is job:
                del self._jobs[job.held.run_id]
            if may_go_on:
                # what waited for a slot, or for its lane, may start now
                self.queue.ring()

    async def _put_off(self, job: Job, result: RunResult) -> bool:
        """Queue a run again that found no model just now; False when it has ended. Raises LostLease."""
        why, after_s = result.failure, put_off_s(job.row, result.failure)
        if why is None or after_s is None:
            return False
        await self.store.write(
            lambda connection: run_leases.put_off(connection, job.held, why=why, after_s=after_s)
        )
        log.info("run.put_off", run=job.held.run_id, kind=why.kind, seconds=round(after_s))
        self.outgoing.ring()
        return True

    async def _rest(self, job: Job) -> None:
        """Queue a run again that the database stopped, as soon as that can be written: no attempt counts."""
        while not self._lets_go:
            try:
                await self.store.write(
                    lambda connection: run_leases.hand_back(connection, [job.held], after_s=self.pace.rest_s)
                )
                return
            except StoreDown:
                await asyncio.sleep(self.pace.look_s)

    async def _result(self, job: Job) -> RunResult | None:
        """How the run ended; None when it is no longer ours to end. Raises LostLease, StoreDown."""
        if job.row.cancel_requested_at is not None:
            return RunResult(RunStatus.CANCELLED, None, ())
        if job.row.attempts > self.pace.max_attempts:
            return self._failed(job, RunKeptCrashing(job.held.run_id))
        job.task = asyncio.create_task(self.perform(job.row, job.held, lambda at: _note(job, at)))
        if job.stopped:
            job.task.cancel()
        await asyncio.wait({job.task})
        if job.task.cancelled():
            return RunResult(RunStatus.CANCELLED, None, ()) if job.stopped == "cancelled" else None
        error = job.task.exception()
        if error is not None:
            return self._failed(job, error)
        result = job.task.result()
        if result.status is RunStatus.CANCELLED and job.stopped != "cancelled":
            return None
        return self._with_token(job, result)

    def _failed(self, job: Job, error: BaseException) -> RunResult:
        if isinstance(error, Interrupted):
            raise error
        facts = {str(key): str(value) for key, value in getattr(error, "facts", {}).items()}
        failure = Failure(type(error).__name__, facts, incident_token())
        log.error("run.failed", run=job.held.run_id, token=failure.token, exc_info=error)
        return RunResult(RunStatus.FAILED, None, (), failure)

    def _with_token(self, job: Job, result: RunResult) -> RunResult:
        """The person and the log are given the same token."""
        failure = result.failure
        if failure is None or failure.token or put_off_s(job.row, failure) is not None:
            return result
        failure = Failure(failure.kind, failure.facts, incident_token())
        seen = {"run": job.held.run_id, "token": failure.token, "kind": failure.kind}
        if is_closed(failure):
            # stated, and nobody's fault
            log.info("run.failed", **seen, facts=dict(failure.facts))
        else:
            # a model that failed is a state of affairs with a name; its traceback would say where we noticed
            stated = isinstance(result.error, ModelError)
            trace = None if stated else result.error
            log.error("run.failed", **seen, facts=dict(failure.facts), exc_info=trace)
        return RunResult(result.status, result.answer, result.steps, failure)

    def _finish(self, connection: Connection, job: Job, result: RunResult) -> None:
        now = self.clock.now()
        run_leases.finish_run(
            connection, job.held, result.status, at=now, answer=result.answer, failure=result.failure
        )
        context = {"status": result.status.value, "workflow": job.row.workflow}
        if result.failure is not None:
            context |= {"failure": result.failure.kind, "token": result.failure.token}
        audit_log.append_event(
            connection,
            actor=ITSELF,
            action="run.paused" if result.status is RunStatus.WAITING else "run.finished",
            target=f"run:{job.held.run_id}",
            context=dict(context),
            at=now,
        )

    def _tell(self, job: Job, result: RunResult) -> None:
        row, ending = job.row, ending_of(result.status, result.answer)
        if ending is None:
            # it waits for somebody and will be taken up again
            return
        happened = RunEnded(
            run_id=row.id,
            fence=row.fence,
            workflow=row.workflow,
            version=row.version,
            surface=str(row.origin.get("surface", "")),
            ending=ending,
            failure=result.failure.kind if result.failure else "",
            created_at=row.created_at,
            started_at=row.started_at or row.created_at,
            finished_at=self.clock.now(),
            steps=tuple(result.steps),
        )
        self.observers.tell(happened)

    @contextlib.asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        ticker = asyncio.create_task(self._tick(), name="worker ticks")
        try:
            yield
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker

    async def _tick(self) -> None:
        """Show progress, notice cancellations, and extend leases three times before they run out."""
        loop = asyncio.get_running_loop()
        extended = loop.time()
        while True:
            await asyncio.sleep(self.pace.tick_s)
            if not self._jobs:
                extended = loop.time()
                continue
            try:
                await self._show_progress()
                await self._notice_cancellations()
                if loop.time() - extended >= self.pace.lease_s / 3:
                    began = loop.time()
                    await self._extend()
                    extended = began
            except Exception as error:
                is_down = isinstance(error, StoreDown)
                log.warning("work.tick_failed", worker=self.name, exc_info=None if is_down else error)
                if loop.time() - extended >= self.pace.lease_s:
                    self._stop_all("lost")

    async def _show_progress(self) -> None:
        at = [(job.held, job.step) for job in self._jobs.values() if job.step is not None]
        if not at:
            return
        for job in self._jobs.values():
            job.step = None
        await self.store.write(lambda connection: run_leases.note_progress(connection, at), relaxed=True)
        self.outgoing.ring()

    async def _notice_cancellations(self) -> None:
        ids = list(self._jobs)
        for run_id in await self.store.read(lambda connection: run_leases.asked_to_stop(connection, ids)):
            if run_id in self._jobs:
                self._jobs[run_id].stop("cancelled")

    async def _extend(self) -> None:
        jobs = list(self._jobs.values())
        held = [job.held for job in jobs]
        kept = await self.store.write(
            lambda connection: run_leases.extend_leases(
                connection, owner=self.name, lease_s=self.pace.lease_s, held=held
            ),
            relaxed=True,
        )
        for job in jobs:
            if job.held not in kept and self._jobs.get(job.held.run_id) is job:
                job.stop("lost")

    def _stop_all(self, why: str) -> None:
        for job in self._jobs.values():
            job.stop(why)

    async def _let_go(self) -> None:
        if self._carriers:
            await asyncio.wait(self._carriers, timeout=self.pace.grace_s)
        rest = [job.held for job in self._jobs.values()]
        if not rest:
            return
        self._lets_go = True
        self._stop_all(HANDED_BACK)
        await asyncio.wait(self._carriers)
        try:
            await self.store.write(lambda connection: run_leases.hand_back(connection, rest))
        except StoreDown as error:
            # their leases end by themselves
            log.warning("work.not_handed_back", runs=[held.run_id for held in rest], why=error.why)


def _note(job: Job, at: Progress) -> None:
    job.step = Step(at.number, at.total, at.title)
