"""A question that nothing answers: handed to a person, answered, kept, and answered for all who asked it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from slack_checks import assert_message, assert_view, hostile_strings
from slack_samples import answer, passage, view
from slack_scene import DEV, Scene, open_scene, succeeded, words
from test_feedback_loop import (
    PROMPT,
    WITH_PROMPT,
    actions,
    asked,
    card_that_says,
    run_of,
    the_form,
    whispered,
)

from bot.adapters.store import changes_log, escalations_log, questions_log
from bot.adapters.store.document_log import CollectionRow, insert_collection
from bot.adapters.store.escalations_log import EscalationRow, EscalationState, settle_escalation
from bot.adapters.store.questions_log import Question, packed
from bot.adapters.store.run_log import runs
from bot.adapters.system_clock import SystemClock
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.services.access import NotAuthorized
from bot.services.catalogue import Content
from bot.services.escalating import Escalation, ReplyDraft
from bot.services.fixing import Fixing
from bot.services.outbox_items import OutboxItem
from bot.slack import blocks, escalation_blocks
from bot.slack.letters import letter
from bot.slack.seal import seal_message, seal_view
from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from knowledge.document import Citation
from tests.bot.planted import planted

QUESTION = "May I bring my dog?"
OFFICES = Citation(1, passage(owner="U0CHLOE", title="Offices"))
NEAR = answer("I could not find this.", citations=(OFFICES,), abstained=True)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, workflows=(WITH_PROMPT,))
    await made.desk.catalogue.seed([Content("prompt", "ask-policy.answer", PROMPT)])
    made.script.ending = lambda row: succeeded(NEAR)
    people = CollectionRow("people", ("everyone",), 0, "model", 3)
    made.store.write_now(lambda connection: insert_collection(connection, people, now=SystemClock().now()))
    yield made
    await close()


async def handed_on(scene: Scene, who: Person, question: str = QUESTION) -> tuple[str, Message]:
    """A question that Chloe was asked; the run and her card."""
    message = await asked(scene, who, question)
    run_id = run_of(scene)
    assert (await who.click(message, blocks.ASK, run_id)).ok
    return run_id, await card_that_says(scene, scene.person("U0CHLOE"), question)


async def test_the_owner_of_the_nearest_page_is_asked_once(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    message = await asked(scene, ana, QUESTION)
    run_id = run_of(scene)
    assert "Ask Chloe" in json.dumps(message.blocks)
    for _ in range(2):
        assert (await ana.click(message, blocks.ASK, run_id)).ok
    await whispered(ana, ana.dm, "<@U0CHLOE> has your question now")
    card = await card_that_says(scene, scene.person("U0CHLOE"), QUESTION)
    assert "<@U0ANA>" in words(card) and "Offices" in words(card)
    shown = await card_that_says(scene, ana, "You handed this question to a person")
    assert blocks.ASK not in json.dumps(shown.blocks)
    await scene.quiet()
    assert [event.context["expert"] for event in actions(scene, "run.escalated")] == ["U0CHLOE"]
    row = scene.store.read_now(lambda connection: connection.execute(runs.select()).one())
    assert row.ending == "escalated"


async def test_only_the_asker_hands_a_question_on(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    message = await asked(scene, ana, QUESTION, public=True)
    assert (await ben.click(message, blocks.ASK, run_of(scene))).ok
    await whispered(ben, message.channel, "<@U0ANA> asked this, so only they can hand it to a person")
    assert actions(scene, "run.escalated") == []


async def test_what_others_read_names_who_handed_the_question_on(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    message = await asked(scene, ana, QUESTION, public=True)
    await ana.click(message, blocks.ASK, run_of(scene))
    said = "<@U0ANA> handed this question to a person"
    there = scene.app_messages
    await ana.wait_for(lambda: next((m for m in there(ana, message.channel) if said in words(m)), None))


async def test_a_reply_reaches_the_asker_and_is_proposed_as_a_document(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR, "collection:people")
    _, card = await handed_on(scene, ana)
    await chloe.click(card, escalation_blocks.REPLY)
    form = await the_form(chloe, escalation_blocks.FORM)
    assert "May I bring my dog" in str(form.body)
    unsaid = await chloe.submit(form, {"text": {"value": " "}, "name": {"value": ""}})
    assert {"text", "name"} == set(unsaid.errors)
    said = {"text": {"value": "Yes, *on Fridays* <!channel>."}, "name": {"value": "Dogs at work"}}
    assert (await chloe.submit(form, said)).ok
    await whispered(chloe, chloe.dm, "also proposed as a document")
    (change,) = scene.store.read_now(changes_log.list_changes)
    assert (change.kind, change.name) == ("document", "people/dogs-at-work.md")
    assert change.content == "# Dogs at work\n\nYes, *on Fridays* <!channel>.\n"
    letter_to_ana = await card_that_says(scene, ana, "answered what")
    assert "Yes, *on Fridays* <!channel>." in words(letter_to_ana)
    others = [block for block in letter_to_ana.blocks if block["type"] != "rich_text"]
    assert "<!channel>" not in json.dumps(others), (
        "only rich text, which pings nobody, says it as it was written"
    )
    assert "<@U0CHLOE>" in words(letter_to_ana)
    settled = await card_that_says(scene, chloe, f"change `{change.id}`")
    assert escalation_blocks.REPLY not in json.dumps(settled.blocks)
    assert [event.actor for event in actions(scene, "escalation.answered")] == ["U0CHLOE"]


async def test_a_reply_arrives_line_by_line_and_whole(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    _, card = await handed_on(scene, ana)
    await chloe.click(card, escalation_blocks.REPLY)
    reply = "Do this:\n1. Open the portal\n2. Send it\n\n" + "Then wait. " * 260 + "The end."
    assert (await chloe.submit(await the_form(chloe, escalation_blocks.FORM), {"text": {"value": reply}})).ok
    letter = await card_that_says(scene, ana, "answered what")
    assert "1. Open the portal\n2. Send it\n" in words(letter) and "The end." in words(letter)


async def test_a_reply_need_not_be_kept(scene: Scene) -> None:
    """By somebody who may edit nothing it goes to the asker alone, and so it does when the box is empty."""
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    for may_edit in (False, True):
        if may_edit:
            await scene.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR, "collection:people")
        _, card = await handed_on(scene, ana, f"May I bring {'two dogs' if may_edit else 'one dog'}?")
        await chloe.click(card, escalation_blocks.REPLY)
        form = await the_form(chloe, escalation_blocks.FORM)
        entered = {"text": {"value": "Yes."}, **({"keep": {"value": []}} if may_edit else {})}
        assert (await chloe.submit(form, entered)).ok
        await scene.quiet()
    assert scene.store.read_now(changes_log.list_changes) == ()
    assert len(actions(scene, "escalation.answered")) == 2


async def test_declining_is_told(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    _, card = await handed_on(scene, ana)
    # a phone may still show it as it was
    before = replace(card)
    assert (await chloe.click(card, escalation_blocks.DECLINE)).ok
    await card_that_says(scene, ana, "could not answer what you asked")
    await scene.quiet()
    await chloe.click(before, escalation_blocks.REPLY)
    await whispered(chloe, chloe.dm, "declined already by <@U0CHLOE>")


async def test_others_may_not_answer(scene: Scene) -> None:
    run_id, _ = await handed_on(scene, scene.person("U0ANA"))
    actor = await scene.desk.people.actor("U0BEN")
    with pytest.raises(NotAuthorized):
        await scene.desk.escalating.decline(actor, run_id)
    with pytest.raises(NotAuthorized):
        await scene.desk.escalating.draft(actor, "r_there_is_none")


async def test_nobody_to_ask_is_said(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    scene.script.ending = lambda row: succeeded(answer("I do not know.", citations=(), abstained=True))
    await scene.desk.access.grant(DEV, "U0ANA", Role.OWNER, "workflow:ask-policy")
    message = await asked(scene, ana, QUESTION)
    assert "Ask a person" in json.dumps(message.blocks)
    await ana.click(message, blocks.ASK, run_of(scene))
    await whispered(ana, ana.dm, "Nobody but you answers for")


async def test_all_who_asked_the_same_are_answered_once_it_is_known(scene: Scene) -> None:
    """Ben asked the same and said nothing. The reply is applied: Ben gets the new answer, Ana had hers."""
    ana, ben, chloe = (scene.person(name) for name in ("U0ANA", "U0BEN", "U0CHLOE"))
    await asked(scene, ben, "Are dogs allowed?")
    theirs = run_of(scene)
    run_id, _ = await handed_on(scene, ana)
    now = SystemClock().now()
    vector = packed(planted(1, 1)[0][0])
    same = [Question(each, "ask-policy", now, vector, False, "q_1") for each in (theirs, run_id)]
    scene.store.write_now(lambda connection: questions_log.insert_questions(connection, same))
    said = {"by": "U0CHLOE", "at": now, "reply": "Yes.", "change_id": "c_dogs"}
    done = EscalationState.ANSWERED
    scene.store.write_now(lambda connection: settle_escalation(connection, run_id, done, **said))
    change: Any = SimpleNamespace(
        id="c_dogs",
        label="production",
        affected=("ask-policy",),
        author="U0CHLOE",
        effect="Dogs may come on Fridays.",
        target=Target("document", "people/dogs.md"),
        updated_at=now + timedelta(seconds=1),
    )
    scene.script.ending = lambda row: succeeded(answer("Yes, on **Fridays** [1]."))
    fixing = Fixing(scene.store, scene.desk.runs, scene.desk.catalogue, SystemClock(), scene.courier.outgoing)
    for _ in range(2):
        await scene.desk.escalating.after_applied(change)
    stop = asyncio.Event()
    loop = asyncio.create_task(fixing.run_until(stop, scene.desk.people.actor))
    message = await card_that_says(scene, ben, "something that nothing answered")
    stop.set()
    await loop
    assert "Fridays" in words(message) and "Are dogs allowed?" in words(message)
    assert "voted" not in words(message)
    await card_that_says(scene, chloe, "Another person asked nearly the same")
    assert [event.context["questions"] for event in actions(scene, "gap.closed")] == [1]
    assert len([one for one in scene.app_messages(ana, ana.dm) if "nothing answered" in words(one)]) == 0
    row = scene.store.read_now(lambda connection: escalations_log.find_escalation(connection, run_id))
    assert row is not None and row.status is EscalationState.KNOWN


def drawn(kind: str, row: EscalationRow, question: str, others: int = 0) -> dict[str, Any]:
    about = Escalation(row, view(inputs={"question": question}, answer=NEAR), others)
    item = OutboxItem("m1", "", kind, "U0CHLOE", "", row.created_at, "", "", {}, "x", None, about)
    made = seal_message(letter(item, row.created_at, {}))
    assert_message(made)
    return made


def test_what_people_write_is_shown_and_does_nothing() -> None:
    now, done = SystemClock().now(), EscalationState.ANSWERED
    for said in hostile_strings():
        row = EscalationRow("r_1", "ask-policy", "U0ANA", "U0CHLOE", done, said, "U0CHLOE", "c_1", now, now)
        for kind in ("escalation", "escalation-reply"):
            made = json.dumps(drawn(kind, row, said, 3))
            assert "<!channel>" not in made and "<!here>" not in made
        run = view(inputs={"question": said}, answer=NEAR)
        draft = ReplyDraft(Escalation(row, run), said[:120], ("people",))
        assert_view(seal_view(escalation_blocks.reply_form(draft, {})))
