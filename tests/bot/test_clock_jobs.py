"""What the clock puts into effect, and that putting it into effect twice changes nothing more."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

import pytest
import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from sqlalchemy import func, select

from bot import jobs
from bot.adapters.audit_key import AuditKey
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.adapters.store.digests_log import digests
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.stages_log import read_standing
from bot.adapters.store.versions_log import CANDIDATE
from bot.quality.alerts import Thresholds
from bot.quality.digest_request import DigestRequest
from bot.services.alerting import Alerting
from bot.services.auditing import Auditing
from bot.services.digesting import Digests
from bot.services.past_runs import PastRuns
from bot.services.pilot_watch import PilotWatch
from bot.services.rollups import Rollups
from tests.bot.stage_desk import CHLOE, WORKFLOW, StageDesk


@dataclass
class Parts:
    """The parts of the product that jobs touch."""

    store: Store
    auditing: Auditing
    pilot_watch: PilotWatch
    digests: Digests
    rollups: Rollups
    alerting: Alerting
    past_runs: PastRuns


async def parts(store: Store) -> tuple[StageDesk, Parts]:
    desk = await (await StageDesk(store).open()).with_candidate()
    return desk, over(store, desk)


def over(store: Store, desk: StageDesk) -> Parts:
    """As another process has them: with connections of its own."""
    access, catalogue, clock = desk.access, desk.catalogue, desk.clock
    return Parts(
        store,
        Auditing(store, access, clock, WakeUp(), AuditKey("k" * 32), "C0LEADS"),
        PilotWatch(store, access, clock, WakeUp()),
        Digests(store, access, catalogue, clock, WakeUp()),
        Rollups(store, clock),
        Alerting(store, access, clock, WakeUp(), Thresholds()),
        PastRuns.of(store, access, catalogue, clock, None, 30),  # type: ignore[arg-type]
    )


async def test_each_job_may_fire_on_two_machines(store: Store) -> None:
    desk, product = await parts(store)
    await desk.stages.pilot(CHLOE, WORKFLOW, share=50)
    desk.ran(count=20, vote=1)
    desk.ran(CANDIDATE, count=8, vote=-1)
    for _ in range(2):
        for _cron, work in jobs.jobs(product).values():  # type: ignore[arg-type]
            await work()
    standing = store.write_now(lambda c: read_standing(c, WORKFLOW))
    assert standing is not None and standing.pilot is not None and standing.pilot.paused == "votes"
    kinds = store.write_now(
        lambda c: dict(list(c.execute(select(outbox.c.kind, func.count()).group_by(outbox.c.kind))))
    )
    assert kinds == {"checkpoint": 1, "pilot-paused": 2}


async def test_two_clocks_fire_each_job_at_once(store: Store) -> None:
    """On two machines, each with connections of its own, at every one of some moments."""
    desk, product = await parts(store)
    await desk.stages.pilot(CHLOE, WORKFLOW, share=50)
    desk.ran(count=20, vote=1)
    desk.ran(CANDIDATE, count=8, vote=-1)
    await product.digests.set(CHLOE, "", DigestRequest(), "Europe/London")
    other = Store(store.url)
    for _ in range(3):
        desk.clock.at += timedelta(days=7)
        tables = [jobs.jobs(each) for each in (product, over(other, desk))]  # type: ignore[arg-type]
        await asyncio.gather(*(work() for table in tables for _cron, work in table.values()))
    other.close()
    kinds = store.write_now(
        lambda c: dict(list(c.execute(select(outbox.c.kind, func.count()).group_by(outbox.c.kind))))
    )
    assert kinds == {"checkpoint": 3, "pilot-paused": 2}
    put_down = store.write_now(lambda c: list(c.execute(select(digests.c.week))))
    assert len(put_down) == len(set(put_down)) == 3


async def test_the_times_can_be_read_and_the_clock_stops(store: Store) -> None:
    _, product = await parts(store)
    for cron, _work in jobs.jobs(product).values():  # type: ignore[arg-type]
        CronTrigger.from_crontab(cron)
    stop = asyncio.Event()
    stop.set()
    await jobs.run_until(stop, product)  # type: ignore[arg-type]


async def stopped_at_once(work: jobs.Work, begun: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock with one job that fires as it starts, told to stop when the job has begun."""
    monkeypatch.setattr(jobs, "jobs", lambda product: {"slow": ("* * * * *", work)})
    monkeypatch.setattr(CronTrigger, "from_crontab", lambda *_, **__: DateTrigger(timezone="UTC"))
    stop = asyncio.Event()
    clock = asyncio.create_task(jobs.run_until(stop, None))  # type: ignore[arg-type]
    await begun.wait()
    stop.set()
    await clock


async def test_a_clock_that_stops_lets_the_job_under_way_end(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        for _ in range(20):
            await asyncio.sleep(0)
        ended.set()

    await stopped_at_once(work, begun, monkeypatch)
    assert ended.is_set()


async def test_a_job_that_does_not_end_is_cut_short_without_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a stop cuts short is done again by the next clock: nothing for anybody to look into."""
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(jobs, "LAST_ROUND_S", 0.01)
    with structlog.testing.capture_logs() as told:
        await stopped_at_once(work, begun, monkeypatch)
        while not told:
            await asyncio.sleep(0)
    assert [line["event"] for line in told] == ["job.cut_short"]
    assert not [line for line in caplog.records if line.levelno >= logging.ERROR]
