"""Pilots and promotion as people do them in Slack, through the real app."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_samples import ASK_POLICY
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.store import evaluations_log
from bot.adapters.store.versions_log import CANDIDATE
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.contents import PINNED_KINDS
from bot.slack import blocks as message_blocks
from bot.slack import stage_blocks as blocks
from bot.slack import stage_forms as forms
from bot.workspace.driver import Person
from bot.workspace.town_records import Message

CHANNEL = "C0PEOPLE"
SCOPE = "workflow:ask-policy"
EVA = Actor("U0EVA", "Eva")
NEW = ASK_POLICY.replace("title: ", "title: New ")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
    for person, role in (("U0CHLOE", Role.OWNER), ("U0EVA", Role.OWNER), ("U0BEN", Role.APPROVER)):
        await made.desk.access.grant(DEV, person, role, SCOPE)
    await made.desk.stages.draft(EVA, [Content("workflow", "ask-policy", NEW)])
    yield made
    await close()


async def card(scene: Scene, person: Person, place: str = CHANNEL, holding: str = "") -> Message:
    def look() -> Message | None:
        found = [m for m in scene.app_messages(person, place) if "*Approval*" in words(m)]
        return found[-1] if found and holding in words(found[-1]) else None

    return await person.wait_for(look)


async def form(person: Person) -> Any:
    return await person.wait_for(lambda: next(iter(person.views()), None))


def said(outcome: Any) -> str:
    return str(outcome.payload)


def evaluated(scene: Scene, passed: bool = True) -> None:
    """As if a worker had run the cases on the candidate."""

    def act(connection: Any) -> None:
        pinned = scene.desk.catalogue.resolve(connection, "ask-policy", label=CANDIDATE)
        versions = {kind: dict(pinned.pins.get(kind, {})) for kind in PINNED_KINDS}
        now = scene.desk.clock.now()
        outcome = Trial(Standing.PASSED if passed else Standing.FAILED)
        rows = tuple(
            ReportRow(case.id, "chat", outcome) for case in scene.desk.golden.of_in(connection, "ask-policy")
        )
        report = EvaluationReport("e_1", "ask-policy", "command", "U0EVA", now, now, versions, rows)
        new = evaluations_log.NewEvaluation(
            "e_1", "ask-policy", "command", CANDIDATE, "U0EVA", evaluations_log.RUNNING, {}, versions
        )
        evaluations_log.insert_evaluation(connection, new, now)
        evaluations_log.finish_evaluation(
            connection, "e_1", fence=0, status="done", report=report.as_json(), cost_usd=0, at=now
        )

    scene.store.write_now(act)


async def test_a_pilot_serves_people_and_groups_and_the_receipt_says_so(scene: Scene) -> None:
    chloe, ben, ana = (scene.person(f"U0{name}") for name in ("CHLOE", "BEN", "ANA"))
    outcome = await chloe.command(CHANNEL, "/spanwise pilot ask-policy @pilots 0%")
    assert "is in pilot" in said(outcome) and "*@pilots*" in said(outcome)
    await ben.command(CHANNEL, "/ask-policy How many days?")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    assert "v2 (pilot)" in words(await scene.answered(ben))
    assert "(pilot)" not in words(await scene.answered(ana))
    labels = {row.actor_id: row.label for row in scene.script.rows}
    assert labels == {"U0BEN": "candidate", "U0ANA": "production"}


async def test_people_of_a_pilot_get_the_form_of_the_candidate(scene: Scene) -> None:
    chloe, ben = scene.person("U0CHLOE"), scene.person("U0BEN")
    asks_more = NEW.replace("from: message}", "from: message}\n  country: {kind: text, label: Country}")
    await scene.desk.stages.draft(EVA, [Content("workflow", "ask-policy", asks_more)])
    await chloe.command(CHANNEL, "/spanwise pilot ask-policy @pilots 0%")
    entered = {
        "input:question@ask-policy": {"value": "How many days?"},
        "input:country@ask-policy": {"value": "Spain"},
    }
    await ben.command(CHANNEL, "/ask-policy How many days?")
    assert (await ben.submit(await form(ben), entered)).ok
    await scene.answered(ben)
    await ben.command(CHANNEL, "/spanwise list")
    await ben.click(ben.ephemerals(CHANNEL)[-1], message_blocks.START, "ask-policy")
    assert (await ben.submit(await form(ben), entered)).ok
    await scene.answered(ben, count=2)
    assert [row.inputs["country"] for row in scene.script.rows] == ["Spain", "Spain"]


async def test_people_are_named_by_mention_and_shares_in_percent(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    outcome = await chloe.command(CHANNEL, "/spanwise pilot ask-policy @ana and 20 % of the others")
    assert "<@U0ANA>" in said(outcome) and "20 % of the others" in said(outcome)
    assert "For whom?" in said(await chloe.command(CHANNEL, "/spanwise pilot ask-policy nobody"))
    assert "Say which workflow" in said(await chloe.command(CHANNEL, "/spanwise pilot"))
    assert "is paused" in said(await chloe.command(CHANNEL, "/spanwise pilot ask-policy pause"))
    assert "rests" in said(await chloe.command(CHANNEL, "/spanwise stages"))
    assert "goes on" in said(await chloe.command(CHANNEL, "/spanwise pilot ask-policy resume"))
    assert "no longer in pilot" in said(await chloe.command(CHANNEL, "/spanwise pilot ask-policy stop"))
    assert "There is no pilot to stop" in said(
        await chloe.command(CHANNEL, "/spanwise pilot ask-policy stop")
    )


async def test_a_colleague_without_rights_is_refused_where_nobody_else_sees_it(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    for typed in ("pilot ask-policy 20%", "pilot ask-policy stop", "retire ask-policy", "reopen ask-policy"):
        outcome = await ana.command(CHANNEL, f"/spanwise {typed}")
        assert "You may not decide who gets `/ask-policy`" in said(outcome), typed
        assert "role “owner”" in said(outcome) and outcome.payload["response_type"] == "ephemeral"
    await ana.command(CHANNEL, "/spanwise promote ask-policy")
    await scene.quiet()
    assert "You may not" in words(ana.ephemerals(CHANNEL)[-1])
    assert scene.app_messages(ana, CHANNEL) == []


async def test_every_button_of_the_card_is_refused_to_a_colleague(scene: Scene) -> None:
    chloe, ana = scene.person("U0CHLOE"), scene.person("U0ANA")
    await chloe.command(CHANNEL, "/spanwise pilot ask-policy 50%")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    acts = [element["action_id"] for element in buttons(posted)]
    assert {blocks.ASK_APPROVAL, blocks.APPROVE, blocks.PAUSE, blocks.STOP, blocks.ADD_CASE} <= set(acts)
    before = await scene.desk.stages.overview(DEV)
    for act in acts:
        if act in (blocks.ADD_CASE, blocks.NAME_PERSON):
            continue
        told = len(ana.ephemerals(CHANNEL))
        await ana.click(posted, act)
        await scene.quiet()
        assert "You may not" in words(ana.ephemerals(CHANNEL)[told]), act
    await ana.click(posted, blocks.ADD_CASE)
    opened = await form(ana)
    filled = {f"{forms.INPUT}question": {"value": "How?"}, forms.CONTAIN: {"value": "five"}}
    refused = await ana.submit(opened, filled)
    await scene.quiet()
    assert "You may not run or keep the cases" in said(refused) + "".join(map(words, ana.views()))
    assert await scene.desk.stages.overview(DEV) == before


def buttons(message: Message) -> list[dict[str, Any]]:
    found = [b["accessory"] for b in message.blocks if b["type"] == "section" and "accessory" in b]
    return found + [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]


async def test_from_candidate_to_production_by_the_buttons_of_the_card(scene: Scene) -> None:
    chloe, ben, ana = (scene.person(f"U0{name}") for name in ("CHLOE", "BEN", "ANA"))
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    assert "in production" in words(posted) and "There is no case it is held to" in words(posted)
    assert blocks.PROMOTE not in {b["action_id"] for b in buttons(posted)}

    await chloe.click(
        posted, blocks.SET_VOLUME if blocks.SET_VOLUME in str(posted.blocks) else blocks.RUN_CASES
    )
    await chloe.click(posted, blocks.ADD_CASE)
    opened = await form(chloe)
    nothing = await chloe.submit(opened, {f"{forms.INPUT}question": {"value": "How many days?"}})
    assert "Say what the answer must contain" in nothing.errors[forms.CONTAIN]
    filled = {f"{forms.INPUT}question": {"value": "How many days?"}, forms.CONTAIN: {"value": "five"}}
    assert (await chloe.submit(opened, filled)).ok
    posted = await card(scene, chloe, holding="1 case, never run")

    await chloe.click(posted, blocks.PILOT)
    assert (await chloe.submit(await form(chloe), {forms.PEOPLE: {forms.FIELD: ["U0ANA"]}})).ok
    posted = await card(scene, chloe, holding="The candidate serves <@U0ANA>")

    evaluated(scene)
    await chloe.click(posted, blocks.REFRESH)
    posted = await card(scene, chloe, holding="1 of 1 pass")
    await chloe.click(posted, blocks.ASK_APPROVAL)
    asked = await card(scene, ben, ben.dm)
    await chloe.click(posted, blocks.APPROVE)
    await scene.quiet()
    assert "You may not approve changes to `/ask-policy`" in words(chloe.ephemerals(CHANNEL)[-1])
    await ben.click(asked, blocks.APPROVE)
    posted = await card(scene, chloe, holding="Approved by <@U0BEN>")
    assert "Approved by" in words(await card(scene, ben, ben.dm, "Approved by")), (
        "both copies are drawn again"
    )

    await chloe.click(posted, blocks.PROMOTE)
    await card(scene, chloe, holding="There is no candidate")
    await scene.quiet()
    assert "is in production" in words(chloe.ephemerals(CHANNEL)[-1])
    await ana.command(CHANNEL, "/ask-policy How many days?")
    assert "v2 ·" in words(await scene.answered(ana))


async def test_an_approval_is_of_the_candidate_that_the_card_showed(scene: Scene) -> None:
    chloe, ben = scene.person("U0CHLOE"), scene.person("U0BEN")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    shown = next(each["value"] for each in buttons(posted) if each["action_id"] == blocks.APPROVE)
    await scene.desk.stages.draft(EVA, [Content("workflow", "ask-policy", NEW.replace("New ", "Newer "))])
    await ben.click(posted, blocks.APPROVE, shown)
    await scene.quiet()
    assert "has changed since that card was drawn" in words(ben.ephemerals(CHANNEL)[-1])
    seen = await scene.desk.promotions.card(EVA, "ask-policy")
    assert seen.readiness.evidence.approvals == ()


async def test_the_card_is_drawn_again_when_a_change_of_the_candidate_is_applied(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    await card(scene, chloe, holding="`ask-policy` v2")
    origin = Origin("command", "T0SPAN", CHANNEL)
    target = Target("workflow", "ask-policy")
    newer = NEW.replace("New ", "Newer ")
    view = await scene.desk.changes.propose(EVA, target, newer, origin=origin, label=CANDIDATE)
    await scene.changing.drain()
    view = await scene.desk.changes.approve(Actor("U0BEN", "Ben"), view.id, "Good.")
    assert view.status.value == "applied"
    await card(scene, chloe, holding="`ask-policy` v3")


async def test_a_budget_is_set_from_the_card(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    assert "None set" in words(posted)
    await chloe.click(posted, blocks.SET_BUDGET)
    opened = await form(chloe)
    wrong = await chloe.submit(opened, {forms.BUDGET: {"value": "-1"}})
    assert "at least 0.01" in str(wrong.errors)
    assert (await chloe.submit(opened, {forms.BUDGET: {"value": "25"}})).ok
    await chloe.wait_for(lambda: "$25" in words(scene.app_messages(chloe, CHANNEL)[-1]))


async def test_a_promotion_that_is_not_ready_says_what_is_missing(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    await chloe.command(CHANNEL, "/spanwise pilot ask-policy 50%")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    assert blocks.PROMOTE not in str(posted.blocks), "the button is not there until it is ready"
    scene.workspace.town.users["U0CHLOE"].is_deactivated = False
    with pytest.raises(Exception, match="ask-policy") as refused:
        await scene.desk.promotions.promote(
            await scene.desk.people.actor("U0CHLOE"), "ask-policy", scene.desk.people
        )
    assert type(refused.value).__name__ == "NotReady"


async def test_owners_who_left_are_seen(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    scene.workspace.town.users["U0EVA"].is_deactivated = True
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    posted = await card(scene, chloe)
    assert "<@U0CHLOE> answers for it. <@U0EVA> left." in words(posted)
    assert "Nobody can step in" in words(posted)
    dev = scene.person("U0DEV")
    await dev.click(posted, blocks.NAME_PERSON)
    opened = await form(dev)
    refused = await dev.submit(opened, {forms.PERSON: {forms.FIELD: "U0EVA"}})
    assert "member of this workspace" in refused.errors[forms.PERSON]
    assert (await dev.submit(opened, {forms.PERSON: {forms.FIELD: "U0ANA"}})).ok
    await card(scene, chloe, holding="<@U0ANA> can step in")


async def test_what_is_retired_says_who_knows_more_and_leaves_every_list(scene: Scene) -> None:
    chloe, ana = scene.person("U0CHLOE"), scene.person("U0ANA")
    outcome = await chloe.command(CHANNEL, "/spanwise retire ask-policy because the intranet answers this")
    assert "is retired" in said(outcome)
    refused = said(await ana.command(CHANNEL, "/ask-policy How many days?"))
    assert "is retired and runs for nobody: “the intranet answers this”" in refused
    assert "<@U0CHLOE>" in refused
    assert "ask-policy" not in said(await ana.command(CHANNEL, "/spanwise list"))
    assert "in production again" in said(await chloe.command(CHANNEL, "/spanwise reopen ask-policy"))
    assert "Working on" in said(await ana.command(CHANNEL, "/ask-policy How many days?"))


async def test_a_draft_runs_for_its_pilot_only(scene: Scene) -> None:
    draft = ASK_POLICY.replace("name: ask-policy", "name: new-thing")
    await scene.desk.stages.draft(DEV, [Content("workflow", "new-thing", draft)])
    ana, dev = scene.person("U0ANA"), scene.person("U0DEV")
    assert "is a draft" in said(await ana.command(CHANNEL, "/spanwise run new-thing How many?"))
    await dev.command(CHANNEL, "/spanwise pilot new-thing @ana")
    assert "Working on" in said(await ana.command(CHANNEL, "/spanwise run new-thing How many?"))
    ben = scene.person("U0BEN")
    assert "not yet among them" in said(await ben.command(CHANNEL, "/spanwise run new-thing How many?"))


async def test_bad_votes_pause_the_pilot_and_the_owners_are_told(scene: Scene) -> None:
    chloe, ana, ben = (scene.person(f"U0{name}") for name in ("CHLOE", "ANA", "BEN"))
    await chloe.command(CHANNEL, "/spanwise pilot ask-policy @ana")
    await chloe.command(CHANNEL, "/spanwise promote ask-policy")
    await card(scene, chloe)
    for person, rating, count in ((ben, "up", 10), (ana, "down", 8)):
        for number in range(count):
            await person.command(CHANNEL, f"/ask-policy Question {number}?")
            answered = await scene.answered(person, count=number + 1)
            run_id = re.search(r"run (r_\w+)", words(answered))
            assert run_id is not None
            await person.click(answered, message_blocks.VOTE, f"{rating}:{run_id.group(1)}")
    told = await chloe.wait_for(
        lambda: next(
            (m for m in scene.app_messages(chloe, chloe.dm) if "I paused the pilot" in words(m)), None
        )
    )
    assert "0 up, 8 down" in words(told) and "Everybody has production again" in words(told)
    await card(scene, chloe, holding="It rests")
    await ana.command(CHANNEL, "/ask-policy Once more?")
    await scene.answered(ana, count=9)
    assert scene.script.rows[-1].label == "production"
