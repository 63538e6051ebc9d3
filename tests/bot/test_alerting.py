"""Alerts as they are kept and told, on both databases, by one clock and by two."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.alerts_log import find_alert
from bot.adapters.store.audit_log import read_events
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import insert_call
from bot.adapters.store.outbox_log import outbox
from bot.governance.roles import Role
from bot.quality.alerts import AlertRule, Move, Thresholds
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.alerting import Alerting, AlertOver, UnknownAlert
from tests.bot.run_desk import DEV, STRANGER, Desk
from workflows.run import Answer, Failure, RunResult, RunStatus

LIMITS = Thresholds(runs=4, minutes=60)
CHLOE = Actor("U0CHLOE", "Chloe")


@dataclass
class Watch:
    """A desk with somebody who watches it."""

    desk: Desk
    alerting: Alerting
    number: int = 0

    async def ran(self, count: int, ending: str = "answered") -> None:
        """So many runs that ended like that."""

        async def act(*_: Any) -> RunResult:
            if ending == "failed":
                return RunResult(RunStatus.FAILED, None, (), Failure("ModelUnavailable"))
            answer = Answer("…", "covered", abstained=ending == "abstained")
            return RunResult(RunStatus.SUCCEEDED, answer, ())

        self.desk.perform.act = act
        for _ in range(count):
            self.number += 1
            await self.desk.ask(f"k{self.number}")
        await self.desk.worker().drain()
        await self.desk.clock.sleep(1)

    async def look(self) -> list[tuple[Move, AlertRule]]:
        return [(each.move, each.rule) for each in await self.alerting.look()]

    def told(self) -> list[tuple[str, str]]:
        """Kind and place of each message of an alert."""
        query = select(outbox.c.kind, outbox.c.channel).where(outbox.c.subject.like("alert:%"))
        return [tuple(row) for row in self.desk.store.read_now(lambda c: c.execute(query.order_by("seq")))]

    def body(self) -> dict[str, Any]:
        """Of the newest message."""
        query = select(outbox.c.body).where(outbox.c.subject.like("alert:%")).order_by(outbox.c.seq.desc())
        return dict(self.desk.store.read_now(lambda c: c.execute(query.limit(1)).scalar_one()))

    def alert_id(self) -> str:
        query = select(outbox.c.subject).where(outbox.c.subject.like("alert:%")).limit(1)
        return str(self.desk.store.read_now(lambda c: c.execute(query).scalar_one())).partition(":")[2]

    def events(self) -> list[str]:
        found = self.desk.store.read_now(read_events)
        return [each.action for each in reversed(found) if each.action.startswith("alert.")]


def watching(desk: Desk, limits: Thresholds = LIMITS, channel: str = "C0ALERTS") -> Watch:
    return Watch(desk, Alerting(desk.store, desk.access, desk.clock, WakeUp(), limits, channel))


@pytest.fixture
async def watch(store: Store) -> Watch:
    return watching(await Desk(store).open())


async def test_raised_reminded_and_over(watch: Watch) -> None:
    await watch.ran(6)
    assert await watch.look() == [] and watch.told() == []
    await watch.ran(4, "failed")
    assert await watch.look() == [(Move.RAISE, AlertRule.ERRORS)]
    body = watch.body()
    assert (body["failed"], body["runs"], body["value"], body["limit"]) == (4, 10, 40, 20)
    assert body["kinds"] == [["ModelUnavailable", 4]] and body["person"] == "U0DEV"
    assert await watch.look() == [], "said once"
    await watch.desk.clock.sleep(5 * 3600)
    assert await watch.look() == [], "nothing ran since: no reminder, and no all-clear"
    await watch.ran(4, "failed")
    assert await watch.look() == [(Move.REMIND, AlertRule.ERRORS)]
    assert await watch.look() == []
    await watch.ran(30)
    assert await watch.look() == [(Move.CLEAR, AlertRule.ERRORS)]
    assert watch.told() == [(kind, "C0ALERTS") for kind in ("alert", "alert-reminder", "alert-over")]
    assert watch.events() == ["alert.raised", "alert.cleared"]
    await watch.desk.clock.sleep(2 * 3600)
    await watch.ran(4, "failed")
    assert await watch.look() == [(Move.RAISE, AlertRule.ERRORS)], "a new one, after the old was over"


async def test_two_clocks_tell_once(watch: Watch) -> None:
    other = watching(watch.desk)
    await watch.ran(6, "failed")
    both = await asyncio.gather(watch.alerting.look(), other.alerting.look())
    assert sum(len(each) for each in both) == 1
    await watch.desk.clock.sleep(5 * 3600)
    await watch.ran(6, "failed")
    await asyncio.gather(watch.alerting.look(), other.alerting.look())
    await watch.ran(60)
    await asyncio.gather(watch.alerting.look(), other.alerting.look())
    assert [kind for kind, _ in watch.told()] == ["alert", "alert-reminder", "alert-over"]


async def test_an_alert_that_another_clock_told_of_is_left_alone(watch: Watch) -> None:
    """As when two processes look at once on a database that lets both read before either writes."""
    other = watching(watch.desk)
    await watch.ran(6, "failed")
    await watch.look()
    await watch.desk.clock.sleep(5 * 3600)
    await watch.ran(6, "failed")
    seen = watch.desk.store.read_now(other.alerting._readings)
    stale = watch.desk.store.read_now(lambda c: find_alert(c, watch.alert_id()))
    assert stale is not None
    await watch.look()
    reading = next(each for each in seen if each.rule is AlertRule.ERRORS)
    at = watch.desk.clock.now() + timedelta(seconds=1)
    went = watch.desk.store.write_now(
        lambda c: other.alerting._go_on(c, Move.REMIND, stale.standing, reading, at)
    )
    assert not went and [kind for kind, _ in watch.told()] == ["alert", "alert-reminder"]


async def test_without_a_channel_each_admin_is_told(store: Store) -> None:
    desk = await Desk(store).open()
    await desk.access.grant(DEV, "U0EVA", Role.ADMIN)
    watch = watching(desk, channel="")
    await watch.ran(5, "abstained")
    assert await watch.look() == [(Move.RAISE, AlertRule.ABSTAINED)]
    assert sorted(watch.told()) == [("alert", "U0DEV"), ("alert", "U0EVA")]


async def test_runs_that_nobody_takes(watch: Watch) -> None:
    await watch.desk.ask()
    watch.desk.sql("UPDATE runs SET due_at='2026-01-01 00:00:00.000000' WHERE status='queued'")
    assert await watch.look() == [(Move.RAISE, AlertRule.QUEUE)]
    assert (watch.body()["queued"], watch.body()["workers"]) == (1, 0)
    await watch.desk.worker().drain()
    assert await watch.look() == [(Move.CLEAR, AlertRule.QUEUE)]
    assert watch.body()["queued"] == 0


async def test_money_counts_all_calls_of_an_hour(watch: Watch) -> None:
    entry = LedgerEntry(
        "r_1", "s", "judge", "default", "m", 1, 1, Decimal("25.01"), watch.desk.clock.now(), 1, "ok"
    )
    watch.desk.store.write_now(lambda c: insert_call(c, entry))
    await watch.desk.clock.sleep(60)
    assert await watch.look() == [(Move.RAISE, AlertRule.COST)]
    assert watch.body()["calls"] == 1
    await watch.desk.clock.sleep(3600)
    assert await watch.look() == [(Move.CLEAR, AlertRule.COST)]


async def test_a_day_without_runs_closes_it_without_proof(watch: Watch) -> None:
    await watch.ran(5, "failed")
    await watch.look()
    await watch.desk.clock.sleep(24 * 3600)
    assert await watch.look() == [(Move.CLOSE, AlertRule.ERRORS)]
    assert watch.body()["move"] == "close" and watch.events() == ["alert.raised", "alert.closed"]


async def test_somebody_sees_to_it(watch: Watch) -> None:
    await watch.ran(5, "failed")
    await watch.look()
    alert = watch.alert_id()
    await watch.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    assert (await watch.alerting.take(CHLOE, alert)).standing.taken_by == "U0CHLOE"
    (event,) = watch.desk.store.read_now(lambda c: read_events(c, action="alert.taken"))
    assert (event.actor, event.context["scope"]) == ("U0CHLOE", "ask-policy")
    await watch.desk.clock.sleep(5 * 3600)
    await watch.ran(5, "failed")
    assert await watch.look() == [], "nobody is reminded of what somebody sees to"
    await watch.ran(60)
    assert await watch.look() == [(Move.CLEAR, AlertRule.ERRORS)], "the all-clear comes all the same"
    with pytest.raises(AlertOver):
        await watch.alerting.take(DEV, alert)


async def test_not_everybody_may_take_it(watch: Watch) -> None:
    await watch.ran(5, "failed")
    await watch.look()
    for actor, refusal in ((CHLOE, NotAuthorized), (STRANGER, Outsider)):
        with pytest.raises(refusal):
            await watch.alerting.take(actor, watch.alert_id())
    await watch.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:another")
    with pytest.raises(NotAuthorized):
        await watch.alerting.take(CHLOE, watch.alert_id())
    with pytest.raises(UnknownAlert):
        await watch.alerting.take(DEV, "a_nothing")
