"""From a thumbs-down to the new answer, as people do it: through the real app over the real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from slack_samples import ASK_POLICY, answer, passage
from slack_scene import DEV, Scene, open_scene, succeeded, words

from bot.adapters.store import audit_log, cases_log, changes_log
from bot.adapters.store.document_log import CollectionRow, insert_collection
from bot.adapters.system_clock import SystemClock
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.services.catalogue import Content
from bot.services.fixing import Fixing
from bot.slack import blocks, edit_views, feedback_forms, triage_cards, triage_forms
from bot.workspace.driver import Person
from bot.workspace.interactions import Outcome
from bot.workspace.town_records import Message
from bot.workspace.view_desk import OpenView
from knowledge.document import Citation
from workflows.run import Answer

CHANNEL = "C0PEOPLE"
QUESTION = "How many days can I carry over?"

WITH_PROMPT = ASK_POLICY.replace(
    '  - {id: say, kind: template, text: "{{ inputs.question }}"}\n',
    '  - {id: find, kind: retrieve, collection: people, query: "{{ inputs.question }}"}\n'
    "  - {id: say, kind: prompt, task: answer, template: ask-policy.answer, passages: find,\n"
    '     variables: {question: "{{ inputs.question }}"}}\n',
)
PROMPT = "---\nvariables: [question]\n---\nAnswer: {{ question }}\n"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, workflows=(WITH_PROMPT,))
    people = CollectionRow("people", ("everyone",), 0, "model", 3)
    made.store.write_now(lambda connection: insert_collection(connection, people, now=SystemClock().now()))
    await made.desk.catalogue.seed([Content("prompt", "ask-policy.answer", PROMPT)])
    await made.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


async def asked(scene: Scene, who: Person, question: str = QUESTION, *, public: bool = False) -> Message:
    """The answer to a question."""
    place, flag = (CHANNEL, "--public ") if public else (who.dm, "")
    before = sum(1 for message in scene.app_messages(who, place) if blocks_of_votes(message))
    assert (await who.command(CHANNEL, f"/ask-policy {flag}{question}")).ok
    return await scene.answered(who, place, count=before + 1)


def blocks_of_votes(message: Message) -> bool:
    return any(block["type"] == "context_actions" for block in message.blocks)


def run_of(scene: Scene) -> str:
    return scene.script.rows[-1].id


async def vote(who: Person, message: Message, run_id: str, rating: str = "down") -> Outcome:
    return await who.click(message, blocks.VOTE, f"{rating}:{run_id}")


async def the_form(who: Person, callback_id: str = feedback_forms.COMPLAINT) -> OpenView:
    def look() -> OpenView | None:
        return next((view for view in who.views() if view.body.get("callback_id") == callback_id), None)

    return await who.wait_for(look)


async def complained(
    scene: Scene, who: Person, correction: str, question: str = QUESTION, reason: str = "wrong"
) -> str:
    """A run that somebody voted down and corrected."""
    message = await asked(scene, who, question)
    run_id = run_of(scene)
    await vote(who, message, run_id)
    said = {"complaint-reason": {"value": reason}, "complaint-correction": {"value": correction}}
    assert (await who.submit(await the_form(who), said)).ok
    await scene.quiet()
    return run_id


async def cards(scene: Scene, owner: Person, count: int) -> list[Message]:
    """The cards in the owner's direct messages, once there are so many."""

    def look() -> list[Message] | None:
        found = [m for m in scene.app_messages(owner, owner.dm) if "*Question*" in words(m)]
        return found if len(found) >= count else None

    return await owner.wait_for(look)


async def opened(scene: Scene, owner: Person, count: int = 1) -> list[Message]:
    assert (await owner.command(CHANNEL, "/spanwise triage")).ok
    return await cards(scene, owner, count)


async def card_that_says(scene: Scene, owner: Person, about: str) -> Message:
    def look() -> Message | None:
        return next((m for m in scene.app_messages(owner, owner.dm) if about in words(m)), None)

    return await owner.wait_for(look)


async def whispered(who: Person, channel: str, about: str) -> Message:
    return await who.wait_for(
        lambda: next((note for note in who.ephemerals(channel) if about in words(note)), None)
    )


def kept(scene: Scene, run_id: str) -> dict[str, str]:
    found = scene.store.read_now(
        lambda connection: connection.exec_driver_sql(
            "SELECT name, reason, value FROM scores WHERE run_id = ?", (run_id,)
        ).all()
    )
    return {row.name: row.reason or str(row.value) for row in found}


def actions(scene: Scene, action: str) -> list[Any]:
    return list(scene.store.read_now(lambda connection: audit_log.read_events(connection, action=action)))


async def test_the_vote_is_kept_before_the_form_is_there(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    message = await asked(scene, ana)
    run_id = run_of(scene)
    assert (await vote(ana, message, run_id)).ok
    assert kept(scene, run_id) == {"vote": "-1.0"}
    form = await the_form(ana)
    assert QUESTION in words(form) and "optional" in words(form)
    assert (await ana.close(form)).ok
    await scene.quiet()
    assert kept(scene, run_id) == {"vote": "-1.0"}
    note = await whispered(ana, ana.dm, "Noted: thumbs down")
    await ana.click(note, feedback_forms.MORE)
    again = await the_form(ana)
    said = {
        "complaint-reason": {"value": "out_of_date"},
        "complaint-correction": {"value": "Ten *days* <!here>."},
    }
    assert (await ana.submit(again, said)).ok
    await scene.quiet()
    assert kept(scene, run_id) == {
        "vote": "-1.0",
        "reason": "out_of_date",
        "correction": "Ten *days* <!here>.",
    }
    assert ana.views() == ()
    await whispered(ana, ana.dm, "with the owners of the workflow")


async def test_the_form_begins_with_what_was_said_before_and_the_last_word_counts(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    run_id = await complained(scene, ana, "Ten days.")
    await vote(ana, (await scene.answered(ana)), run_id)
    form = await the_form(ana)
    assert "Ten days." in str(form.body) and "initial_option" in str(form.body)
    assert (await ana.submit(form, {"complaint-correction": {"value": "Eleven days."}})).ok
    await scene.quiet()
    assert kept(scene, run_id)["correction"] == "Eleven days."


@pytest.mark.parametrize(
    ("effect", "details"),
    [("error", {"error": "expired_trigger_id"}), ("rate_limited", {}), ("status", {"status": 503})],
)
async def test_a_form_that_does_not_open_is_offered_by_a_button(
    scene: Scene, effect: Any, details: dict[str, Any]
) -> None:
    ana = scene.person("U0ANA")
    message = await asked(scene, ana)
    scene.workspace.faults.add("views.open", effect, **details)
    assert (await vote(ana, message, run_of(scene))).ok
    note = await whispered(ana, ana.dm, "let the form expire")
    assert kept(scene, run_of(scene)) == {"vote": "-1.0"}
    await ana.click(note, feedback_forms.MORE)
    await the_form(ana)


async def test_an_answer_that_says_it_does_not_know_can_be_said_to_have_known(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await vote(ana, await asked(scene, ana), run_of(scene))
    assert "It should have said that it does not know" in words(await the_form(ana))
    await ana.close(await the_form(ana))
    scene.script.ending = lambda row: succeeded(answer("Nothing found.", abstained=True, citations=()))
    await vote(ana, await asked(scene, ana, "May I bring my dog?"), run_of(scene))
    said = words(await the_form(ana))
    assert "It should have known this" in said and "does not know" not in said


async def test_outsiders_are_refused(scene: Scene) -> None:
    ana, eva = scene.person("U0ANA"), scene.person("U0EVA")
    message = await asked(scene, ana, public=True)
    scene.workspace.town.users["U0EVA"].is_guest = True
    await vote(eva, message, run_of(scene))
    await scene.quiet()
    assert "members of this workspace only" in words(eva.ephemerals(CHANNEL)[-1])
    assert kept(scene, run_of(scene)) == {} and eva.views() == ()


async def test_the_owner_hears_once_and_opens_triage_from_there(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await complained(scene, ana, "Ten days.")
    note = await card_that_says(scene, chloe, "An answer waits for you")
    await complained(scene, ana, "", "Who pays for a taxi home?")
    await chloe.click(note, triage_cards.OPEN)
    found = await cards(scene, chloe, 2)
    await scene.quiet()
    assert sum("waits for you" in words(m) for m in scene.app_messages(chloe, chloe.dm)) == 1
    assert "Ten days." in words(found[0]), "what somebody corrected comes first"


async def test_a_card_names_nobody_who_only_voted_and_nothing_in_it_pings(scene: Scene) -> None:
    ana, ben, chloe = (scene.person(each) for each in ("U0ANA", "U0BEN", "U0CHLOE"))
    hostile = "<!channel> <@U0EVA> <https://evil.example|the handbook> *Ten* days & more"
    message = await asked(scene, ana, "<@U0DEV> & how many days?", public=True)
    run_id = run_of(scene)
    for who in (ana, ben):
        await vote(who, message, run_id)
        form = await the_form(who)
        said = {"complaint-reason": {"value": "wrong"}}
        if who is ben:
            said["complaint-correction"] = {"value": hostile}
        assert (await who.submit(form, said)).ok
    await scene.quiet()
    (card,) = await opened(scene, chloe)
    shown = words(card)
    assert "voted down by 2 people" in shown and "2 × it is wrong" in shown
    assert "five days" in shown and "Annual leave" in shown
    assert "<@U0BEN>" in shown and "U0ANA" not in shown
    assert "<!channel>" not in shown and "<@U0EVA>" not in shown and "<https" not in shown
    assert "*Ten* days &amp; more" in shown
    buttons = [element.get("value") for block in card.blocks for element in block.get("elements", ())]
    assert buttons.count(run_id) == 5


async def test_who_owns_nothing_is_told_so_and_sees_nothing(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await complained(scene, ana, "Ten days.")
    await ben.command(CHANNEL, "/spanwise triage")
    await scene.quiet()
    assert "You may not" in words(ben.ephemerals(CHANNEL)[-1])
    assert scene.app_messages(ben, ben.dm) == []


async def test_nothing_waits(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    await chloe.command(CHANNEL, "/spanwise triage ask-policy")
    await whispered(chloe, CHANNEL, "Nothing waits for you")
    await chloe.command(CHANNEL, "/spanwise triage ask-polcy")
    await whispered(chloe, CHANNEL, "ask-policy")


async def test_not_a_problem_and_let_it_wait_again(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await complained(scene, ana, "")
    (card,) = await opened(scene, chloe)
    assert (await chloe.click(card, triage_cards.DISMISS)).ok
    card = await card_that_says(scene, chloe, ": not a problem")
    assert len(await cards(scene, chloe, 1)) == 1, "edited in place"
    assert (await chloe.click(card, triage_cards.TAKE_BACK)).ok
    await chloe.wait_for(
        lambda: (
            "Not a problem" in words(scene.app_messages(chloe, chloe.dm)[-1])
            and "<@U0CHLOE>" not in words(scene.app_messages(chloe, chloe.dm)[-1])
        )
    )


async def test_two_owners_press_and_one_decides(scene: Scene) -> None:
    ana, chloe, dev = (scene.person(each) for each in ("U0ANA", "U0CHLOE", "U0DEV"))
    await complained(scene, ana, "")
    (one,), (other,) = await opened(scene, chloe), await opened(scene, dev)
    await asyncio.gather(chloe.click(one, triage_cards.DISMISS), dev.click(other, triage_cards.DISMISS))
    await scene.quiet()
    (event,) = actions(scene, "triage.decided")
    loser = dev if event.actor == "U0CHLOE" else chloe
    assert "decided already" in words(loser.ephemerals(loser.dm)[-1])
    for who in (chloe, dev):
        await card_that_says(scene, who, f"<@{event.actor}>: not a problem")


async def test_a_case_is_made_of_the_correction(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    run_id = await complained(scene, ana, "You may carry over ten days.")
    (card,) = await opened(scene, chloe)
    await chloe.click(card, triage_cards.CASE)
    form = await the_form(chloe, triage_forms.CASE_FORM)
    assert "ten days" in str(form.body) and "You may carry over ten days." in str(form.body)
    changed = {"input:question": {"value": "How many days of leave carry over?"}}
    assert (await chloe.submit(form, changed)).ok
    await whispered(chloe, chloe.dm, "is kept")
    await card_that_says(scene, chloe, "added the case")
    (case,) = scene.store.read_now(lambda connection: cases_log.read_cases(connection, "ask-policy"))
    assert case.run_id == run_id and case.author == "U0CHLOE"
    assert case.content["inputs"] == {"question": "How many days of leave carry over?"}
    assert case.content["expect"] == {"must_contain": ["ten days"]}
    assert case.why == "You may carry over ten days."


async def test_a_case_that_expects_nothing_is_sent_back_with_everything_typed(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await complained(scene, ana, "", reason="should_abstain")
    (card,) = await opened(scene, chloe)
    await chloe.click(card, triage_cards.CASE)
    form = await the_form(chloe, triage_forms.CASE_FORM)
    outcome = await chloe.submit(form, {"abstain": {"value": []}, "input:question": {"value": "Mine?"}})
    assert "contain" in outcome.errors
    assert (await chloe.submit(form, {"abstain": {"value": ["yes"]}})).ok
    await card_that_says(scene, chloe, "added the case")
    (case,) = scene.store.read_now(lambda connection: cases_log.read_cases(connection, "ask-policy"))
    assert case.content["expect"] == {"must_abstain": True}


async def test_knowledge_is_proposed_as_a_change(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await complained(scene, ana, "Ten days, until 31 March.")
    (card,) = await opened(scene, chloe)
    await chloe.click(card, triage_cards.KNOWLEDGE)
    await whispered(chloe, chloe.dm, "You may edit none of the collections")
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR, "collection:people")
    await chloe.click(card, triage_cards.KNOWLEDGE)
    form = await the_form(chloe, triage_forms.DOCUMENT_FORM)
    assert "Ten days, until 31 March." in str(form.body)
    assert (await chloe.submit(form, {"name": {"value": "Carry-over of leave"}})).ok
    await whispered(chloe, chloe.dm, "is proposed as change")
    (change,) = scene.store.read_now(changes_log.list_changes)
    assert (change.kind, change.name) == ("document", "people/carry-over-of-leave.md")
    assert change.content == "# Carry-over of leave\n\nTen days, until 31 March.\n"
    assert change.author_id == "U0CHLOE" and change.status == "open"
    await card_that_says(scene, chloe, f"change `{change.id}`")


async def test_fixing_the_prompt_opens_its_editor(scene: Scene) -> None:
    ana, chloe = scene.person("U0ANA"), scene.person("U0CHLOE")
    await complained(scene, ana, "Ten days.")
    (card,) = await opened(scene, chloe)
    await chloe.click(card, triage_cards.PROMPT)
    form = await the_form(chloe, edit_views.PROMPT_FORM)
    assert "Answer: {{ question }}" in str(form.body)
    await card_that_says(scene, chloe, "took on to change the prompt `ask-policy.answer`")


async def test_the_new_answer_comes_with_the_old_one_and_takes_a_vote(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    run_id = await complained(scene, ana, "Ten days.")
    fixing = Fixing(scene.store, scene.desk.runs, scene.desk.catalogue, SystemClock(), scene.courier.outgoing)
    scene.script.ending = lambda row: succeeded(renewed())
    change: Any = SimpleNamespace(
        id="c_one",
        label="production",
        affected=("ask-policy",),
        author="U0CHLOE",
        effect="Leave may be carried over for ten days.",
        target=Target("prompt", "ask-policy.answer"),
        updated_at=SystemClock().now(),
    )
    await fixing.after_applied(change)
    stop = asyncio.Event()
    loop = asyncio.create_task(fixing.run_until(stop, scene.desk.people.actor))
    message = await card_that_says(scene, ana, "You voted this answer down")
    stop.set()
    await loop
    said = words(message)
    assert "<@U0CHLOE>" in said and "ten days" in said and "five days" in said and QUESTION in said
    assert len([m for m in scene.app_messages(ana, ana.dm) if blocks_of_votes(m)]) == 2
    new = run_of(scene)
    assert (await vote(ana, message, new, "up")).ok
    await scene.quiet()
    assert kept(scene, new) == {"vote": "1.0"}
    assert kept(scene, run_id)["fix"] == "c_one"
    assert [event.target for event in actions(scene, "fix.confirmed")] == [f"run:{run_id}"]
    assert [event.target for event in actions(scene, "triage.withdrawn")] == [f"run:{run_id}"]


def renewed() -> Answer:
    return answer("You may carry over **ten days** [1].", citations=(Citation(1, passage(version=4)),))
