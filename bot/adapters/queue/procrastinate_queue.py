"""Delivery on PostgreSQL by Procrastinate: a wake-up job a run, committed with the run it announces."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import structlog

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import POSTGRES, Connection, driver_url
from bot.adapters.store.late_rows import put_late
from bot.adapters.store.open_connections import OpenConnections

if TYPE_CHECKING:
    # loaded where jobs are fetched: announcing a run is one statement
    from procrastinate import App

log = structlog.get_logger(__name__)

QUEUE, TASK = "runs", "spanwise.deliver"

SWEEP_S = 30.0
"""Time between looks for jobs whose worker died: the run was taken over long before, the row is litter."""

LEAVE_S = 2.0
"""Longest time that leaving waits for a database that does not answer."""

OPENED_S = 5.0
"""Longest time that the listener waits for a connection, also on its way out; then it begins anew."""

_DEFER = (
    "SELECT procrastinate_defer_jobs_v1(array[row(%(queue)s, %(task)s, 0, NULL, NULL, "
    "jsonb_build_object('run_id', %(run_id)s::text), NULL)::procrastinate_job_to_defer_v1])"
)


def install_schema(connection: Connection) -> None:
    """Give the database Procrastinate's tables and functions, once, in the caller's transaction."""
    if connection.exec_driver_sql("SELECT to_regclass('procrastinate_jobs')").scalar() is None:
        from procrastinate.schema import SchemaManager

        # many statements in one text, which only the driver takes
        driver: Any = connection.connection.driver_connection
        driver.execute(SchemaManager.get_schema())


class ProcrastinateQueue(WakeUp):
    """Whichever listening worker fetches a run's job looks for work at once, on whatever machine it is.

    A job says only that there is something to look for: one that is lost, stalled or seen twice changes
    nothing, because workers claim from the run rows and look there by themselves as well.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = driver_url(url)
        self._connections = OpenConnections()

    def announce(self, connection: Connection, run_id: str) -> None:
        """Leave a job in the transaction that queues the run; the commit notifies who listens."""
        put_late(connection, _DEFER, {"queue": QUEUE, "task": TASK, "run_id": run_id})

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Fetch jobs while inside; without a database it waits and tries again, and the worker polls."""
        listener = asyncio.create_task(self._listen(), name="queue listener")
        try:
            yield
        finally:
            listener.cancel()
            await asyncio.wait({listener}, timeout=LEAVE_S)
            if not listener.done():
                log.warning("queue.hung_up")
                self._connections.hang_up()

    async def _listen(self) -> None:
        while True:
            app = self._app()
            try:
                async with app.open_async():
                    await self._serve(app)
            except Exception:
                if _is_cancelled():
                    # what fails on the way out takes the place of the cancellation
                    return
                log.exception("queue.listener_failed")
                await asyncio.sleep(1.0)
            finally:
                # a pool whose opening was cut short goes on connecting, and lets no process end
                await app.close_async()

    async def _serve(self, app: "App") -> None:
        from procrastinate.jobs import DeleteJobCondition

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_sweep(app))
            tasks.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=4,
                    install_signal_handlers=False,
                    delete_jobs=DeleteJobCondition.ALWAYS,
                )
            )

    async def _note(self, connection: object) -> None:
        self._connections.note(connection)

    def _app(self) -> "App":
        from procrastinate import App, PsycopgConnector

        # its own lines about every job would drown ours
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        connector = PsycopgConnector(
            conninfo=self._url,
            kwargs=POSTGRES,
            min_size=1,
            max_size=3,
            configure=self._note,
            timeout=OPENED_S,
        )
        app = App(connector=connector)

        async def deliver(run_id: str) -> None:
            log.debug("queue.delivered", run=run_id)
            self.ring()

        app.task(name=TASK, queue=QUEUE)(deliver)
        return app


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _sweep(app: "App") -> None:
    while True:
        await sweep_stalled(app)
        await asyncio.sleep(SWEEP_S)


async def sweep_stalled(app: "App") -> int:
    """Remove jobs that a dead worker left as `doing`; how many."""
    from procrastinate.jobs import Status

    stalled = list(await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=SWEEP_S))
    for job in stalled:
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    return len(stalled)
