"""Weekly digests on both databases: when they are put down, and a known week number by number."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import digests_log
from bot.adapters.store.changes_log import changes
from bot.adapters.store.database import Store
from bot.adapters.store.digests_log import (
    Subscription,
    claim_digest,
    end_digest,
    find_subscription,
    put_subscription,
)
from bot.bootstrap import library
from bot.governance.roles import Role
from bot.quality.digest import Digest, Measures
from bot.quality.digest_findings import Act, Decision, Finding, FindingKind
from bot.quality.digest_slots import IsoWeek, Schedule
from bot.quality.week_insights import Forecast, WeekInsights
from bot.services.access import OPERATOR, Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.digest_effects import follow_ups
from bot.services.digest_making import DigestMaker, no_insights
from bot.services.digesting import Digests
from bot.services.readers import Audience
from bot.services.rollups import Rollups
from bot.services.seeding import Seeding, SeedPlan
from tests.bot.history_rows import Past, insert_past
from tests.fakes import FakeClock

CHLOE = Actor("U0CHLOE", "Chloe")
KATHMANDU = "Asia/Kathmandu"
"""Its days begin at a quarter past an hour of UTC."""
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WEEK = IsoWeek(2026, 47)


@dataclass
class DigestDesk:
    """Digests over an empty store."""

    store: Store

    def __post_init__(self) -> None:
        self.clock = FakeClock(MONDAY)
        self.access = Access(self.store, self.clock, ["U0DEV"])
        self.catalogue = Catalogue(self.store, self.access, self.clock)
        self.digests = Digests(self.store, self.access, self.catalogue, self.clock, WakeUp())
        self.maker = DigestMaker(self.store, self.catalogue, self.clock, no_insights)

    async def open(self) -> "DigestDesk":
        await self.catalogue.seed(library())
        await self.access.grant(Actor(OPERATOR), "U0CHLOE", Role.OWNER, "*")
        return self

    def subscribe(self, zone: str = "UTC", **more: Any) -> None:
        """Chloe's digest, as it has been for a month."""
        made = Subscription("U0CHLOE", Schedule(zone=zone), changed_at=MONDAY - timedelta(days=30), **more)
        self.store.write_now(lambda c: put_subscription(c, made, MONDAY))

    async def make(self, zone: str = "UTC") -> Digest:
        """The digest of the week before now, as it would be posted."""
        self.subscribe(zone)
        await self.digests.tell_last_week("U0CHLOE", zone)
        now = self.clock.now()
        held = self.store.write_now(lambda c: claim_digest(c, lease_s=60, at=now))
        kept = self.store.read_now(lambda c: find_subscription(c, "U0CHLOE"))
        assert held is not None and kept is not None
        names = await self.digests.names()
        made = await self.maker.make(held, kept, Audience.of_one(CHLOE), names)
        assert await self.maker.post(held, made, ())
        assert not await self.maker.post(held, made, ()), "it was posted already"
        row = self.store.read_now(lambda c: digests_log.find_digest(c, held.key))
        assert row is not None and row.status == digests_log.POSTED
        return made.digest


@pytest.fixture
async def desk(store: Store) -> DigestDesk:
    return await DigestDesk(store).open()


async def test_each_slot_is_put_down_once_and_the_last_that_was_missed(desk: DigestDesk) -> None:
    desk.subscribe()
    desk.clock.at = MONDAY - timedelta(minutes=31)
    assert await desk.digests.enqueue_due() == 1, "the Monday before was missed"
    assert await desk.digests.enqueue_due() == 0
    desk.clock.at = MONDAY
    assert [await desk.digests.enqueue_due() for _ in range(2)] == [1, 0]
    desk.clock.at = MONDAY + timedelta(days=23)
    assert await desk.digests.enqueue_due() == 1, "of three that were missed, the last"
    weeks = [held.week for held in claim_all(desk)]
    assert list(map(str, weeks)) == ["2026-W46", "2026-W47", "2026-W50"]


async def test_two_clocks_at_the_same_moment_put_it_down_once(desk: DigestDesk) -> None:
    desk.subscribe()
    other = DigestDesk(desk.store)
    asked = [each.digests.enqueue_due() for each in (desk, other) * 5]
    assert sorted(await asyncio.gather(*asked)) == [0] * 9 + [1]
    assert len(claim_all(desk)) == 1


def claim_all(desk: DigestDesk) -> list[digests_log.HeldDigest]:
    now, found = desk.clock.now(), []
    while held := desk.store.write_now(lambda c: claim_digest(c, lease_s=60, at=now)):
        found.append(held)
    return found


async def test_what_is_off_new_or_in_no_time_zone_is_not_due(desk: DigestDesk) -> None:
    desk.subscribe(is_on=False)
    assert await desk.digests.enqueue_due() == 0
    await desk.digests.take_owners({"U0CHLOE": "UTC", "U0BEN": "UTC"})
    assert await desk.digests.enqueue_due() == 0, "who is new waits for the next slot"
    desk.subscribe("Europe/Nowhere")
    assert await desk.digests.enqueue_due() == 0, "and holds up nobody else"


async def test_a_worker_that_lost_its_lease_ends_nothing(desk: DigestDesk) -> None:
    desk.subscribe()
    await desk.digests.enqueue_due()
    slow = desk.store.write_now(lambda c: claim_digest(c, lease_s=-1, at=MONDAY))
    quick = desk.store.write_now(lambda c: claim_digest(c, lease_s=60, at=MONDAY))
    assert slow is not None and quick is not None and quick.attempts == 2

    def end(held: digests_log.HeldDigest) -> bool:
        return desk.store.write_now(lambda c: end_digest(c, held, digests_log.POSTED, {}, MONDAY))

    assert [end(slow), end(quick), end(quick)] == [False, True, False]


@pytest.mark.parametrize("zone", ["UTC", KATHMANDU])
async def test_a_known_week_number_by_number(desk: DigestDesk, zone: str) -> None:
    plan = SeedPlan(runs=1200, seed=7, weeks=4)
    await Seeding(desk.store, desk.catalogue, Rollups(desk.store, desk.clock), desk.clock).write(plan)
    made = await desk.make(zone)
    assert made.total.now.runs > 100 and made.total.before.runs > 100
    hours = 0.0 if zone == "UTC" else -5.75
    assert made.since == datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=hours)
    weeks = (made.since, made.since - timedelta(days=7))
    for line in (made.total, *made.workflows):
        for measures, since in zip((line.now, line.before), weeks, strict=True):
            counted = desk.store.read_now(partial(counted_plainly, workflow=line.name, since=since))
            assert shown(measures) == counted, (line.name, since)


def shown(measures: Measures) -> dict[str, Any]:
    return {
        "runs": measures.runs,
        "people": measures.people,
        "answered": measures.answered,
        "abstained": measures.abstained,
        "escalated": measures.escalated,
        "failed": measures.failed,
        "cancelled": measures.cancelled,
        "votes_up": measures.votes_up,
        "votes_down": measures.votes_down,
        "cost_usd": measures.cost_usd,
    }


def counted_plainly(connection: Connection, workflow: str, since: datetime) -> dict[str, Any]:
    """The same by SQL of its own, from the rows."""
    is_sqlite = connection.dialect.name == "sqlite"
    until = since + timedelta(days=7)
    # SQLite keeps moments as text
    moments = [f"{at.replace(tzinfo=None)}.000000" if is_sqlite else at for at in (since, until)]
    given = {"since": moments[0], "until": moments[1], "workflow": workflow}
    mine = "created_at >= :since AND created_at < :until AND finished_at IS NOT NULL"
    mine += " AND workflow = :workflow" if workflow else ""
    found: dict[str, Any] = {}
    runs = f"SELECT count(*), count(DISTINCT actor_id) FROM runs WHERE {mine}"
    found["runs"], found["people"] = connection.execute(text(runs), given).one()
    for ending in ("answered", "abstained", "escalated", "failed", "cancelled"):
        counted = f"SELECT count(*) FROM runs WHERE {mine} AND ending = '{ending}'"
        found[ending] = connection.execute(text(counted), given).scalar_one()
    for name, sign in (("votes_up", ">"), ("votes_down", "<")):
        votes = (
            f"SELECT count(*) FROM scores WHERE name = 'vote' AND value {sign} 0 "
            f"AND run_id IN (SELECT id FROM runs WHERE {mine})"
        )
        found[name] = connection.execute(text(votes), given).scalar_one()
    spent = "SELECT cost_usd FROM ledger WHERE started_at >= :since AND started_at < :until"
    spent += " AND workflow = :workflow" if workflow else ""
    costs = connection.execute(text(spent), given).scalars()
    money = [Decimal(str(each)) / (10**10 if is_sqlite and isinstance(each, int) else 1) for each in costs]
    found["cost_usd"] = sum(money, start=Decimal(0))
    return found


async def test_the_forecast_of_all_and_of_what_has_a_limit(desk: DigestDesk) -> None:
    def month(workflow: str, limit: Decimal | None) -> Forecast:
        dollars = Decimal(9), Decimal(12), Decimal(11), Decimal(14)
        return Forecast(workflow, datetime(2026, 11, 1, tzinfo=UTC), *dollars, limit)

    async def insights(
        _names: Sequence[str], since: datetime, until: datetime, _sees: bool, _audience: Audience
    ) -> WeekInsights:
        found = (month("", None), month("ask-policy", Decimal(10)), month("draft-reply", None))
        return WeekInsights(since, until, forecasts=found)

    desk.maker = DigestMaker(desk.store, desk.catalogue, desk.clock, insights)
    desk.store.write_now(lambda c: insert_past(c, Past("r_1")))
    made = await desk.make()
    assert [each.title for each in made.forecasts] == ["", "Ask the people handbook"]
    (kept,) = desk.store.read_now(lambda c: digests_log.read_findings(c, ["ask-policy"]))
    assert (kept.kind, kept.subject, kept.severity) == (FindingKind.FORECAST, "2026-11", 1.2)


def applied(connection: Connection, author: str, at: datetime) -> None:
    row = {each.name: "" for each in changes.columns}
    row |= {"id": "c_fix", "kind": "prompt", "name": "ask-policy.answer", "author_id": author}
    row |= {
        "status": "applied",
        "label": "production",
        "created_at": at - timedelta(hours=3),
        "updated_at": at,
    }
    row |= {"expires_at": at, "base_number": 1, "round": 1, "approvals": 1, "fence": 0}
    row |= {"previous_number": 1, "applied_number": 2, "is_announced": True, "lease_until": None}
    row |= {name: {} for name in ("author", "authors", "origin", "why", "affected", "tests")}
    connection.execute(changes.insert().values(**row))


async def test_what_last_weeks_actions_did_to_score_and_cost(desk: DigestDesk) -> None:
    """Voted down before the change and up since; without a change, only what was done is known."""
    fixed = MONDAY - timedelta(days=3)
    finding = Finding("f_1", "ask-policy", FindingKind.GAP, "t_1", {"severity": 4}, WEEK.before)
    acted = finding.decided(Decision(Act.FIX, "U0CHLOE", fixed - timedelta(hours=4)))
    other = replace(acted, id="f_2", workflow="draft-reply", subject="t_2")
    dismissed = replace(finding, id="f_3", subject="t_3").decided(Decision(Act.DISMISS, "U0CHLOE", fixed))

    def act(connection: Connection) -> None:
        applied(connection, "U0CHLOE", fixed)
        for number in range(1, 7):
            is_after, hours = number > 3, timedelta(hours=6 * number - 21)
            past = Past(f"r_{number}", asked_at=fixed + hours, votes={"U0ANA": 1 if is_after else -1})
            insert_past(connection, past)

    desk.store.write_now(act)
    until = WEEK.ends(Schedule().info)
    made = desk.store.read_now(lambda c: follow_ups(c, [acted, other, dismissed], until, MONDAY))
    assert [(each.finding_id, each.result, each.state) for each in made] == [
        ("f_1", "c_fix", "applied"),
        ("f_2", "", ""),
    ]
    before, after = made[0].before, made[0].after
    assert before is not None and after is not None
    assert (before.votes_up, before.votes_down, after.votes_up, after.votes_down) == (0, 3, 3, 0)
    assert before.per_run_usd == after.per_run_usd == Decimal("0.0012")
    assert made[1].after is None
