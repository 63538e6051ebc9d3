"""Draft, pilot, production, retired: who gets what, who may move what, and what is left on record."""

from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.stages_log import read_standing
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION, find_labelled
from bot.governance.roles import Role
from bot.governance.stages import Stage, WrongStage
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content, UnknownWorkflow
from bot.services.placement import NotInPilot, WorkflowRetired
from bot.services.runs import RunRequest
from bot.services.staging import NobodyToPilot, NoCandidate
from tests.bot.stage_desk import (
    ANA,
    BEN,
    CHLOE,
    DEV,
    DRAFT,
    EVA,
    GUEST,
    WORKFLOW,
    StageDesk,
)


@pytest.fixture
async def desk(store: Store) -> StageDesk:
    return await StageDesk(store).open()


def events(desk: StageDesk, action: str = "") -> list[Any]:
    found = desk.store.write_now(lambda c: audit_log.read_events(c, target=f"workflow:{WORKFLOW}"))
    return [event for event in found if event.action.startswith("stage.") and action in event.action]


async def test_a_pilot_serves_named_people_and_groups_and_nobody_else(desk: StageDesk) -> None:
    await desk.with_candidate()
    assert desk.label(ANA) == PRODUCTION
    await desk.stages.pilot(CHLOE, WORKFLOW, people=["U0ANA"], groups=["S0PILOTS"])
    assert desk.label(ANA) == CANDIDATE
    assert desk.label(Actor("U0BEN", groups=frozenset({"S0PILOTS"}))) == CANDIDATE
    assert desk.label(BEN) == PRODUCTION and desk.label(CHLOE) == PRODUCTION
    with pytest.raises(Outsider):
        desk.label(GUEST)


async def test_runs_remember_their_label_and_start_on_it(desk: StageDesk) -> None:
    await desk.with_candidate()
    await desk.stages.pilot(CHLOE, WORKFLOW, people=["U0ANA"])
    for actor in (ANA, BEN):
        await desk.runs.accept(
            RunRequest(actor.id, actor, WORKFLOW, {"question": "x"}, Origin("command", channel_id="C0PEOPLE"))
        )
    assert (await desk.runs.recent(ANA))[0].label == CANDIDATE
    assert (await desk.runs.recent(BEN))[0].label == PRODUCTION
    found = await desk.catalogue.find(WORKFLOW, ANA)
    assert (found.version, found.label) == (2, CANDIDATE)
    assert (await desk.catalogue.find(WORKFLOW, BEN)).version == 1


async def test_a_run_that_waited_while_the_pilot_was_paused_starts_on_production(desk: StageDesk) -> None:
    await desk.with_candidate()
    await desk.stages.pilot(CHLOE, WORKFLOW, people=["U0ANA"])

    def start(label: str) -> tuple[int, str]:
        return desk.store.write_now(
            lambda c: (
                (found := desk.catalogue.resolve_run(c, WORKFLOW, label))[0].pins["workflow"][WORKFLOW],
                found[1],
            )
        )

    assert start(CANDIDATE) == (2, CANDIDATE)
    await desk.stages.pause(CHLOE, WORKFLOW, "too long")
    assert start(CANDIDATE) == (1, PRODUCTION) and desk.label(ANA) == PRODUCTION
    await desk.stages.resume(CHLOE, WORKFLOW)
    assert desk.label(ANA) == CANDIDATE


async def test_a_draft_is_for_those_who_may_change_it_then_for_its_pilot(desk: StageDesk) -> None:
    await desk.stages.draft(DEV, [Content("workflow", "new-thing", DRAFT)])
    await desk.access.grant(DEV, "U0EVA", Role.EDITOR, "workflow:new-thing")
    assert desk.label(EVA, "new-thing") == CANDIDATE
    with pytest.raises(NotInPilot) as refused:
        desk.label(ANA, "new-thing")
    assert refused.value.facts["stage"] == "draft" and "U0DEV" in refused.value.facts["ask"]
    seen = {item.name for item in await desk.catalogue.released(ANA)}
    assert seen == {WORKFLOW} and "new-thing" in {i.name for i in await desk.catalogue.released(EVA)}
    await desk.stages.pilot(DEV, "new-thing", people=["U0ANA"])
    assert desk.label(ANA, "new-thing") == CANDIDATE
    with pytest.raises(NotInPilot):
        desk.label(BEN, "new-thing")
    await desk.stages.pause(DEV, "new-thing")
    with pytest.raises(NotInPilot) as paused:
        desk.label(ANA, "new-thing")
    assert paused.value.facts["paused"] == "by hand"
    assert (await desk.stages.stop(DEV, "new-thing")).stage is Stage.DRAFT


async def test_what_is_retired_runs_for_nobody_and_says_who_knows_more(desk: StageDesk) -> None:
    await desk.stages.retire(CHLOE, WORKFLOW, "the new handbook answers this")
    for actor in (ANA, CHLOE, DEV):
        with pytest.raises(WorkflowRetired) as refused:
            desk.label(actor)
        assert refused.value.facts["why"] == "the new handbook answers this"
        assert "U0CHLOE" in refused.value.facts["ask"]
    assert await desk.catalogue.released(ANA) == () and await desk.catalogue.released() == ()
    assert (await desk.stages.reopen(EVA, WORKFLOW)).stage is Stage.PRODUCTION
    assert desk.label(ANA) == PRODUCTION


@pytest.mark.parametrize("actor", [ANA, BEN, GUEST], ids=["runner", "approver", "guest"])
async def test_nobody_without_the_right_moves_anything(desk: StageDesk, actor: Actor) -> None:
    await desk.with_candidate()
    before = desk.store.write_now(lambda c: read_standing(c, WORKFLOW))
    moves = (
        lambda: desk.stages.pilot(actor, WORKFLOW, share=100),
        lambda: desk.stages.pause(actor, WORKFLOW),
        lambda: desk.stages.resume(actor, WORKFLOW),
        lambda: desk.stages.stop(actor, WORKFLOW),
        lambda: desk.stages.retire(actor, WORKFLOW),
        lambda: desk.stages.reopen(actor, WORKFLOW),
        lambda: desk.stages.expect(actor, WORKFLOW, 5),
        lambda: desk.stages.draft(actor, [Content("workflow", WORKFLOW, DRAFT)]),
        lambda: desk.promotions.promote(actor, WORKFLOW, desk.directory),
        lambda: desk.promotions.ask_approval(actor, WORKFLOW, desk.directory, key="k"),
    )
    for move in moves:
        with pytest.raises((NotAuthorized, Outsider)):
            await move()
    assert desk.store.write_now(lambda c: read_standing(c, WORKFLOW)) == before
    assert len(events(desk)) == 1


async def test_moves_that_make_no_sense_are_refused(desk: StageDesk) -> None:
    with pytest.raises(NoCandidate):
        await desk.stages.pilot(CHLOE, WORKFLOW, share=20)
    await desk.with_candidate()
    for given in ({}, {"share": 101}, {"share": -1}, {"people": [f"U{n}" for n in range(101)]}):
        with pytest.raises(NobodyToPilot):
            await desk.stages.pilot(CHLOE, WORKFLOW, **given)  # type: ignore[arg-type]
    for move in (desk.stages.pause, desk.stages.resume, desk.stages.stop, desk.stages.reopen):
        with pytest.raises(WrongStage):
            await move(CHLOE, WORKFLOW)
    with pytest.raises(UnknownWorkflow):
        await desk.stages.retire(DEV, "ask-polcy")
    await desk.stages.retire(CHLOE, WORKFLOW)
    with pytest.raises(WrongStage):
        await desk.stages.pilot(CHLOE, WORKFLOW, share=20)


async def test_choosing_others_goes_on_with_the_same_pilot(desk: StageDesk) -> None:
    await desk.with_candidate()
    first = await desk.stages.pilot(CHLOE, WORKFLOW, people=["U0ANA"])
    desk.clock.at += timedelta(hours=1)
    second = await desk.stages.pilot(CHLOE, WORKFLOW, share=50)
    assert first.pilot is not None and second.pilot is not None
    assert second.pilot.since == first.pilot.since and second.pilot.people == ()


async def test_each_move_is_on_record_with_who_what_before_and_after(desk: StageDesk) -> None:
    await desk.with_candidate()
    await desk.stages.pilot(CHLOE, WORKFLOW, share=20)
    await desk.stages.retire(EVA, WORKFLOW, "no longer needed")
    retired, piloted, drafted = events(desk)
    assert (drafted.actor, drafted.action) == ("U0EVA", "stage.drafted")
    assert (piloted.context["before"], piloted.context["after"], piloted.context["share"]) == (
        "production",
        "pilot",
        20,
    )
    assert (retired.actor, retired.context["why"]) == ("U0EVA", "no longer needed")
    assert desk.store.write_now(audit_log.verify).bad_seq is None


async def test_the_overview_shows_what_concerns_the_person(desk: StageDesk) -> None:
    await desk.stages.draft(DEV, [Content("workflow", "new-thing", DRAFT)])
    assert [s.workflow for s in await desk.stages.overview(DEV)] == [WORKFLOW, "new-thing"]
    await desk.access.revoke(DEV, "everyone", Role.RUNNER)
    assert [s.workflow for s in await desk.stages.overview(CHLOE)] == [WORKFLOW]
    assert await desk.stages.overview(ANA) == () and await desk.stages.overview(GUEST) == ()


async def test_nothing_of_a_pilot_changes_what_is_live(desk: StageDesk) -> None:
    await desk.with_candidate()
    await desk.stages.pilot(CHLOE, WORKFLOW, share=100)
    await desk.stages.stop(CHLOE, WORKFLOW)
    live = desk.store.write_now(lambda c: find_labelled(c, "workflow", WORKFLOW))
    assert live is not None and live.number == 1 and desk.label(ANA) == PRODUCTION
