"""From pilot to production: what is missing, who approves, what moves, and the guard on the way."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from bot.adapters.store import audit_log
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.adapters.store.outbox_log import outbox
from bot.adapters.store.stages_log import read_standing
from bot.adapters.store.versions_log import (
    CANDIDATE,
    PRODUCTION,
    find_labelled,
    hold_labels,
    remove_label,
)
from bot.governance.roles import Role
from bot.governance.stages import Stage, WrongStage
from bot.quality.pilots import Measure, Verdict
from bot.quality.readiness import LineName, Supply
from bot.services.access import NotAuthorized
from bot.services.catalogue import Content
from bot.services.promotion import NobodyApproves, NotReady, OwnCandidate
from bot.services.staging import NoCandidate
from tests.bot.stage_desk import ANA, BEN, CHLOE, DEV, EVA, NEW_TEXT, SCOPE, WORKFLOW, StageDesk


@pytest.fixture
async def desk(store: Store) -> StageDesk:
    made = await (await StageDesk(store).open()).with_candidate()
    await made.stages.pilot(CHLOE, WORKFLOW, share=100)
    return made


def live(desk: StageDesk, label: str = PRODUCTION) -> int:
    found = desk.store.write_now(lambda c: find_labelled(c, "workflow", WORKFLOW, label))
    return found.number if found else 0


async def ready(desk: StageDesk) -> None:
    desk.evaluated()
    await desk.promotions.approve(BEN, WORKFLOW)


async def test_promotion_points_production_at_the_candidate(desk: StageDesk) -> None:
    await ready(desk)
    card = await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    assert card.standing.stage is Stage.PRODUCTION and not card.differences
    assert (live(desk), live(desk, CANDIDATE)) == (2, 0)
    assert desk.label(ANA) == PRODUCTION
    promoted, released = desk.store.write_now(
        lambda c: audit_log.read_events(c, target=f"workflow:{WORKFLOW}", limit=2)
    )
    assert promoted.action == "stage.promoted" and promoted.context["approved_by"] == ["U0BEN"]
    assert (released.action, released.context["before"], released.context["after"]) == (
        "workflow.released",
        1,
        2,
    )
    assert [each.person for each in card.readiness.evidence.approvals] == ["U0BEN"]
    (improvement,) = desk.improved
    assert (improvement.workflows, improvement.by) == ((WORKFLOW,), CHLOE.id), "who voted down is asked again"


@pytest.mark.postgres
@pytest.mark.parametrize("act", ["approve", "promote"])
async def test_what_another_process_moves_meanwhile_is_waited_for(postgres_url: str, act: str) -> None:
    store, elsewhere = Store(postgres_url), Store(postgres_url)
    store.write_now(metadata.create_all)
    desk = await (await StageDesk(store).open()).with_candidate()
    await desk.stages.pilot(CHLOE, WORKFLOW, share=100)
    await ready(desk)
    going: asyncio.Task[object]
    with elsewhere.engine.begin() as other:
        hold_labels(other)
        going = asyncio.create_task(
            desk.promotions.approve(BEN, WORKFLOW)
            if act == "approve"
            else desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
        )
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with asyncio.timeout(10):
            while not other.execute(waiting).scalar_one():
                await asyncio.sleep(0.01)
        remove_label(other, "workflow", WORKFLOW, CANDIDATE)
    with pytest.raises(NoCandidate):
        await going
    assert live(desk) == 1
    for each in (store, elsewhere):
        each.close()


async def test_nothing_moves_while_something_is_missing(desk: StageDesk) -> None:
    with pytest.raises(NotReady) as refused:
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    assert refused.value.facts["missing"] == "cases,approval"
    desk.evaluated(failing=1)
    await desk.promotions.approve(BEN, WORKFLOW)
    with pytest.raises(NotReady):
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    desk.evaluated(stale=True)
    with pytest.raises(NotReady) as stale:
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    assert stale.value.facts["missing"] == "cases"
    assert live(desk) == 1


async def test_an_owner_who_left_is_no_owner(desk: StageDesk) -> None:
    await ready(desk)
    desk.directory.gone = frozenset({"U0CHLOE", "U0EVA"})
    with pytest.raises(NotReady) as refused:
        await desk.promotions.promote(DEV, WORKFLOW, desk.directory)
    assert refused.value.facts["missing"] == "owner"
    desk.directory.gone = frozenset({"U0CHLOE"})
    card = await desk.promotions.promote(DEV, WORKFLOW, desk.directory)
    assert LineName.DEPUTY in {line.name for line in card.readiness.lines if not line.is_met}


async def test_owners_may_be_a_group(desk: StageDesk) -> None:
    for person in ("U0CHLOE", "U0EVA"):
        await desk.access.revoke(DEV, person, Role.OWNER, SCOPE)
    await desk.access.grant(DEV, "S0LEADS", Role.OWNER, SCOPE)
    desk.directory.groups = {"S0LEADS": ("U0CHLOE", "U0EVA")}
    await desk.promotions.refresh(WORKFLOW, desk.directory)
    lines = {line.name: line for line in (await desk.promotions.card(DEV, WORKFLOW)).readiness.lines}
    assert lines[LineName.OWNER].is_met and lines[LineName.DEPUTY].is_met


async def test_authors_approve_nothing_of_their_own(desk: StageDesk) -> None:
    await desk.access.grant(DEV, "U0EVA", Role.APPROVER, SCOPE)
    with pytest.raises(OwnCandidate):
        await desk.promotions.approve(EVA, WORKFLOW)
    with pytest.raises(NotAuthorized):
        await desk.promotions.approve(ANA, WORKFLOW)
    with pytest.raises(NotAuthorized):
        await desk.promotions.approve(DEV, WORKFLOW)


async def test_it_takes_two_people(desk: StageDesk) -> None:
    await desk.access.grant(DEV, "U0CHLOE", Role.APPROVER, SCOPE)
    desk.evaluated()
    await desk.promotions.approve(CHLOE, WORKFLOW)
    with pytest.raises(NotReady):
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    assert (await desk.promotions.promote(EVA, WORKFLOW, desk.directory)).standing.stage is Stage.PRODUCTION


async def test_an_approval_is_of_one_candidate_and_ends_with_the_role(desk: StageDesk) -> None:
    await ready(desk)
    await desk.stages.draft(EVA, [Content("workflow", WORKFLOW, NEW_TEXT.replace("KINDLY", "TWICE"))])
    assert not (await desk.promotions.card(CHLOE, WORKFLOW)).readiness.evidence.approvals
    await ready(desk)
    assert (await desk.promotions.card(CHLOE, WORKFLOW)).readiness.is_ready is False, "nobody asked Slack yet"
    await desk.promotions.refresh(WORKFLOW, desk.directory)
    assert (await desk.promotions.card(CHLOE, WORKFLOW)).readiness.is_ready
    await desk.access.revoke(DEV, "U0BEN", Role.APPROVER, SCOPE)
    with pytest.raises(NotReady):
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)


async def test_asking_reaches_everybody_who_may_and_wrote_none_of_it(desk: StageDesk) -> None:
    await desk.access.grant(DEV, "U0EVA", Role.APPROVER, SCOPE)
    assert await desk.promotions.ask_approval(CHLOE, WORKFLOW, desk.directory, key="k1") == 1
    rows = desk.store.write_now(lambda c: list(c.execute(select(outbox.c.channel, outbox.c.subject))))
    assert [tuple(row) for row in rows] == [("U0BEN", f"stage:{WORKFLOW}")]
    await desk.access.revoke(DEV, "U0BEN", Role.APPROVER, SCOPE)
    with pytest.raises(NobodyApproves) as refused:
        await desk.promotions.ask_approval(CHLOE, WORKFLOW, desk.directory, key="k2")
    assert refused.value.facts["ask"] == "U0DEV"


async def test_only_a_pilot_is_promoted(desk: StageDesk) -> None:
    await ready(desk)
    await desk.stages.stop(CHLOE, WORKFLOW)
    with pytest.raises(WrongStage):
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    await desk.stages.pilot(CHLOE, WORKFLOW, share=5)
    await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)
    with pytest.raises(NoCandidate):
        await desk.promotions.promote(CHLOE, WORKFLOW, desk.directory)


async def test_the_card_has_cost_forecast_and_comparison_from_the_runs(desk: StageDesk) -> None:
    await desk.stages.expect(CHLOE, WORKFLOW, 1000)
    desk.ran(count=12, vote=1, seconds=2, score=0.9)
    desk.ran(CANDIDATE, count=10, vote=1, cost="0.03", seconds=4, score=0.9)
    card = await desk.promotions.card(BEN, WORKFLOW)
    cost = card.readiness.evidence.cost
    assert (cost.runs, cost.mean, cost.month, cost.source) == (10, Decimal("0.03"), Decimal("30"), "runs")
    assert card.comparison is not None
    verdicts = {finding.measure: finding.verdict for finding in card.comparison.findings}
    assert verdicts[Measure.COST] is Verdict.WORSE and verdicts[Measure.SECONDS] is Verdict.WORSE
    assert verdicts[Measure.VOTES] is Verdict.ALIKE and verdicts[Measure.SCORES] is Verdict.ALIKE


async def test_without_runs_the_cases_say_what_one_costs(desk: StageDesk) -> None:
    desk.evaluated()
    card = await desk.promotions.card(CHLOE, WORKFLOW)
    assert (card.readiness.evidence.cost.source, card.readiness.evidence.cost.mean) == (
        "cases",
        Decimal("0.02"),
    )
    lines = {line.name: line.supply for line in card.readiness.lines}
    assert lines[LineName.COST] is Supply.SET_VOLUME


async def test_the_card_is_for_those_it_concerns(desk: StageDesk) -> None:
    with pytest.raises(NotAuthorized):
        await desk.promotions.card(ANA, WORKFLOW)
    await desk.promotions.post(BEN, WORKFLOW, desk.directory, key="k", channel="C0PEOPLE")
    loaded = desk.store.write_now(lambda c: desk.cards.load_card(c, WORKFLOW))
    assert loaded is not None and loaded.readiness.evidence.holders
    assert desk.store.write_now(lambda c: desk.cards.load_card(c, "gone")) is None


async def test_the_guard_rests_a_worse_pilot_and_tells_its_owners(desk: StageDesk) -> None:
    await desk.promotions.refresh(WORKFLOW, desk.directory)
    desk.ran(count=20, vote=1)
    desk.ran(CANDIDATE, count=7, vote=-1)
    assert await desk.watch.look() == ()
    bad = desk.ran(CANDIDATE, count=1, vote=-1)[0]
    desk.store.write_now(lambda c: desk.watch.after_vote(c, bad))
    standing = desk.store.write_now(lambda c: read_standing(c, WORKFLOW))
    assert standing is not None and standing.pilot is not None and standing.pilot.paused == "votes"
    assert desk.label(ANA) == PRODUCTION
    told = desk.store.write_now(lambda c: list(c.execute(select(outbox.c.channel, outbox.c.kind))))
    assert sorted(tuple(row) for row in told) == [("U0CHLOE", "pilot-paused"), ("U0EVA", "pilot-paused")]
    event = desk.store.write_now(lambda c: audit_log.read_events(c, action="stage.paused"))[0]
    assert event.actor == "spanwise" and event.context["candidate"] == "0 up, 8 down, 0 of 8 failed"
    assert await desk.watch.look() == (), "a second look changes nothing"


async def test_the_guard_lets_a_pilot_that_is_as_good_go_on(desk: StageDesk) -> None:
    desk.ran(count=20, vote=1)
    desk.ran(CANDIDATE, count=16, vote=1)
    assert await desk.watch.look() == ()
    desk.ran(CANDIDATE, count=30, status="failed")
    assert await desk.watch.look() == (WORKFLOW,)
    desk.clock.at += timedelta(minutes=1)
    resumed = await desk.stages.resume(CHLOE, WORKFLOW)
    assert resumed.pilot == replace(resumed.pilot, paused="", looks=None)  # type: ignore[type-var]
    assert await desk.watch.look() == (), "what went wrong before it was resumed is not held against it"
