"""What a home tab holds: only what its person may see, and the numbers of the run log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from change_desk import ANA, BEN, CLEO, DEV, FRIENDLIER, VALUES, ChangeDesk
from sqlalchemy import Connection

from bot.adapters.store import rollups_log
from bot.adapters.store.alerts_log import insert_alert
from bot.adapters.store.database import Store
from bot.adapters.store.triage_log import insert_item
from bot.governance.roles import Role
from bot.quality.alerts import AlertRule, Reading
from bot.quality.chart_data import CostByDay
from bot.services.actors import Actor
from bot.services.budget_book import BudgetBook
from bot.services.budgeting import Budgets
from bot.services.health_checks import HealthChecks
from bot.services.home_page import HomePages
from bot.services.rollups import Rollups
from tests.bot.history_rows import Past, insert_past
from workflows.run import RunStatus

OWNER = Actor("U0OWNER", "Owner")


class HomeDesk(ChangeDesk):
    """A desk with home tabs."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store, folder)
        budgets = Budgets(store, self.access, self.catalogue, self.clock, BudgetBook(), self.outgoing)
        self.asked = 0
        checks = HealthChecks({"database": self._answers}, frozenset({"database"}), fresh_s=0)
        self.home = HomePages(store, self.access, self.catalogue, self.changes, budgets, checks, self.clock)

    async def _answers(self) -> str:
        self.asked += 1
        return ""

    def past(self, number: int, days: float = 1, **changes: object) -> None:
        """A run that ended so many days ago."""
        at = self.clock.now() - timedelta(days=days)
        made = replace(Past(f"r_{number}", asked_at=at), **changes)  # type: ignore[arg-type]
        self.store.write_now(lambda connection: insert_past(connection, made))


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[HomeDesk]:
    made = HomeDesk(store, tmp_path)
    await made.open()
    await made.access.grant(DEV, OWNER.id, Role.OWNER, "workflow:ask-policy")
    yield made
    await made.holdings.close()


async def test_a_runner_sees_what_it_costs_and_their_own_runs_and_votes(desk: HomeDesk) -> None:
    desk.past(1, votes={"U0ANA": 1, "U0BEN": -1})
    desk.past(2, days=3, votes={"U0BEN": 1})
    desk.past(3, days=2, person="U0BEN")
    desk.past(4, days=40)
    page = await desk.home.page(ANA)
    (workflow,) = page.workflows
    assert (workflow.released.name, workflow.mine, workflow.lately.runs) == ("ask-policy", 2, 3)
    assert [(run.view.id, run.vote) for run in page.recent] == [("r_1", "up"), ("r_2", ""), ("r_4", "")]
    assert (page.approvals, page.owned, page.chart, page.operation) == ((), (), None, None)


async def test_an_owner_sees_their_workflow_beside_the_weeks_before(desk: HomeDesk) -> None:
    for number in range(6):
        desk.past(number, days=number + 1, votes={"U0ANA": 1}, abstained=number == 0)
    desk.past(7, days=2, status=RunStatus.FAILED, votes={"U0ANA": -1})
    desk.past(8, days=30)
    at = desk.clock.now()
    desk.store.write_now(
        lambda c: insert_item(c, run_id="r_7", workflow="ask-policy", fingerprint="f", at=at)
    )
    (mine,) = (await desk.home.page(OWNER)).owned
    assert (mine.now.runs, mine.now.answered, mine.now.abstained, mine.now.failed) == (7, 5, 1, 1)
    assert (mine.now.votes_up, mine.now.votes_down, mine.before.runs, mine.waiting) == (6, 1, 1, 1)


@pytest.mark.parametrize("summed", [False, True])
async def test_the_chart_holds_whole_days_and_stays_the_same_all_day(desk: HomeDesk, summed: bool) -> None:
    midnight = desk.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for number, moment in enumerate(
        (
            midnight,
            midnight - timedelta(seconds=1),
            midnight - timedelta(days=28),
            midnight - timedelta(days=29),
        )
    ):
        desk.past(number, asked_at=moment)
    if summed:
        await Rollups(desk.store, desk.clock).refresh()
    chart = (await desk.home.page(OWNER)).chart
    assert isinstance(chart, CostByDay)
    assert chart.days[-1] == (midnight - timedelta(days=1)).date()
    totals = chart.totals()
    assert [bool(usd) for usd in (totals[0], totals[1], totals[-1])] == [True, False, True]
    desk.past(9, asked_at=midnight - timedelta(days=2))
    assert (await desk.home.page(OWNER)).chart == chart
    desk.clock.at += timedelta(days=1)
    assert (await desk.home.page(OWNER)).chart != chart


async def test_who_owns_nothing_sees_no_numbers_however_much_ran(desk: HomeDesk) -> None:
    desk.past(1)
    for person in (ANA, BEN, Actor("U0NOBODY")):
        page = await desk.home.page(person)
        assert (page.owned, page.chart, page.operation) == ((), None, None)


async def test_an_outsider_sees_nothing(desk: HomeDesk) -> None:
    desk.past(1, person="U0GUEST")
    page = await desk.home.page(Actor("U0GUEST", is_outsider=True))
    assert (page.workflows, page.recent, page.approvals, page.budgets) == ((), (), (), ())


async def test_a_change_waits_for_those_who_may_approve_it_until_they_looked(desk: HomeDesk) -> None:
    first = await desk.tested()
    await desk.changes.propose(ANA, VALUES, '{"passages": 8}', origin=(await desk.changes.view(first)).origin)
    for person, waiting in ((BEN, [first]), (CLEO, [first]), (ANA, []), (DEV, []), (OWNER, [])):
        assert [each.id for each in (await desk.home.page(person)).approvals] == waiting
    await desk.changes.request_changes(BEN, first, "Say why.")
    assert (await desk.home.page(BEN)).approvals == ()
    await desk.changes.revise(ANA, first, FRIENDLIER + "\nSay why.\n")
    await desk.work().drain()
    assert [each.id for each in (await desk.home.page(BEN)).approvals] != []


async def test_those_who_operate_see_how_it_does(desk: HomeDesk) -> None:
    desk.past(1, status=RunStatus.QUEUED)
    reading = Reading(AlertRule.ERRORS, "ask-policy", 40.0, 12)
    at = desk.clock.now()
    desk.store.write_now(lambda connection: insert_alert(connection, "a_1", reading, {}, at))
    operation = (await desk.home.page(DEV)).operation
    assert operation is not None
    assert (operation.health.status, operation.backlog.queued) == ("ready", 1)
    assert [alert.rule for alert in operation.alerts] == [AlertRule.ERRORS]
    assert (await desk.home.page(OWNER)).operation is None
    assert desk.asked == 1, "nobody else has the parts looked at"


async def test_many_looks_within_minutes_sum_up_once(desk: HomeDesk) -> None:
    async def runs() -> int:
        return (await desk.home.page(ANA)).workflows[0].lately.runs

    desk.past(1)
    assert await runs() == 1
    desk.past(2)
    assert await runs() == 1
    desk.clock.at += timedelta(minutes=5)
    assert await runs() == 2


async def test_all_who_come_at_once_wait_for_the_same_sums(
    desk: HomeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []
    count = rollups_log.tallies

    def counting(connection: Connection, since: datetime, until: datetime, names: Any = None) -> Any:
        counted.append(names)
        return count(connection, since, until, names)

    desk.past(1)
    monkeypatch.setattr(rollups_log, "tallies", counting)
    pages = await asyncio.gather(*(desk.home.page(OWNER) for _ in range(20)))
    assert all(page.owned == pages[0].owned for page in pages)
    # lately, before, and each of the 28 days of their chart
    assert len(counted) == 2 + 28


async def test_a_clock_that_is_put_back_does_not_freeze_the_numbers(desk: HomeDesk) -> None:
    desk.clock.at += timedelta(days=2)
    await desk.home.page(ANA)
    desk.clock.at -= timedelta(days=2)
    desk.past(1)
    assert (await desk.home.page(ANA)).workflows[0].lately.runs == 1
