"""The clock: APScheduler in memory, firing housekeeping that is harmless to repeat."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from bot.adapters.correlation import correlated, correlation_for
from bot.adapters.store import audit_log
from bot.bootstrap import Product

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[None]]
LAST_ROUND_S = 3.0
"""How long a clock that stops waits for the jobs under way."""


def jobs(product: Product) -> Mapping[str, tuple[str, Work]]:
    """Name to (cron line in UTC, work). Each may fire twice or on two machines and change nothing more."""

    async def check_audit_chain() -> None:
        found = await product.store.read(audit_log.verify)
        if found.bad_seq is None:
            log.info("audit.verified", rows=found.rows, head=found.head)
        else:
            log.error("audit.broken", seq=found.bad_seq, why=found.why)

    async def post_checkpoint() -> None:
        if await product.auditing.post_checkpoint():
            log.info("audit.checkpoint_signed")

    async def watch_pilots() -> None:
        for workflow in await product.pilot_watch.look():
            log.warning("pilot.paused", workflow=workflow)

    async def sum_up() -> None:
        await product.rollups.refresh()

    async def put_down_digests() -> None:
        if count := await product.digests.enqueue_due():
            log.info("digest.due", digests=count)

    async def watch_alerts() -> None:
        for moved in await product.alerting.look():
            log.warning("alert.moved", move=moved.move.value, rule=moved.rule.value, scope=moved.scope)

    async def delete_content() -> None:
        for workflow, count in (await product.past_runs.retention.empty_due()).items():
            log.info("retention.emptied", workflow=workflow, runs=count)

    return {
        "check-audit-chain": ("17 3 * * *", check_audit_chain),
        "delete-content": ("37 2 * * *", delete_content),
        # once a week, tried each hour: a clock that was down on the day posts when it is back
        "post-checkpoint": ("7 * * * *", post_checkpoint),
        "put-down-digests": ("* * * * *", put_down_digests),
        "watch-alerts": ("* * * * *", watch_alerts),
        "watch-pilots": ("*/5 * * * *", watch_pilots),
        "sum-up": ("* * * * *", sum_up),
    }


async def run_until(stop: asyncio.Event, product: Product) -> None:
    """Fire the jobs at their times until `stop` is set, and let those under way end."""
    under_way: set[asyncio.Future[None]] = set()
    scheduler = AsyncIOScheduler(timezone="UTC")
    for name, (cron, work) in jobs(product).items():
        trigger = CronTrigger.from_crontab(cron, timezone="UTC")
        fire = _as_one(name, work, under_way)
        scheduler.add_job(fire, trigger, id=name, coalesce=True, misfire_grace_time=None)
    scheduler.start()
    try:
        await stop.wait()
        scheduler.pause()
        if under_way:
            await asyncio.wait(under_way, timeout=LAST_ROUND_S)
    finally:
        scheduler.shutdown(wait=False)


def _as_one(name: str, work: Work, under_way: set[asyncio.Future[None]]) -> Work:
    """The work, noted while it is under way, with an id that its log lines and messages share."""

    async def fire() -> None:
        with correlated(correlation_for(""), job=name):
            doing = asyncio.ensure_future(work())
            under_way.add(doing)
            doing.add_done_callback(under_way.discard)
            try:
                await doing
            except asyncio.CancelledError:
                # to the scheduler a stop is an error with a traceback; the next clock does the job again
                log.info("job.cut_short")

    return fire
