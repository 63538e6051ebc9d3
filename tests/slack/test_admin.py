"""Conversational admin as people see it: by mention, in a direct message and with /spanwise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_message, assert_view
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.store.handed_log import HandedRequest
from bot.governance.admin_commands import COMMANDS
from bot.governance.roles import Role
from bot.services.catalogue import Content
from bot.slack import admin_blocks as blocks
from bot.slack import knowledge_forms
from bot.slack.gateway import seal_message
from bot.workspace.default_town import BOT_USER_ID
from bot.workspace.town_records import Message

CHANNEL = "C0PEOPLE"

ASK = """
name: ask-policy
title: Ask the people handbook
purpose: Answers questions about leave and expenses from the handbook.
examples: ["How many days of leave can I carry over?"]
inputs:
  question: {kind: text, label: Your question, max_length: 2000, from: message}
  amount: {kind: number, label: Amount, default: 0}
parameters:
  passages: {kind: integer, default: 6, min: 1, max: 20, help: How many passages to read.}
steps:
  - id: route
    kind: decide
    rules:
      - {when: inputs.amount > 90, then: manager_approval, because: Large sums go to a manager.}
      - {otherwise: direct}
  - id: say
    kind: prompt
    template: ask-policy.answer
answer: "{{ say.text }}"
"""
PROMPT = "Answer kindly.\n\nBe brief.\n"
OTHER = ASK.replace("ask-policy", "ask-travel").replace("the people handbook", "about travel")
MODELS = "default:\n  model: spanwise/quote\n"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, workflows=(ASK, OTHER))
    await made.desk.catalogue.seed(
        [
            Content("prompt", "ask-policy.answer", PROMPT),
            Content("prompt", "ask-travel.answer", PROMPT),
            Content("models", "models", MODELS),
        ]
    )
    shelf = tmp_path / "shelf"
    (shelf / "travel").mkdir(parents=True)
    (shelf / "travel" / "policy-2023.md").write_text("# Travel policy 2023\n\nBy train.\n")
    (shelf / "travel" / "policy-2026.md").write_text("# Travel policy 2026\n\nBy train or plane.\n")
    await made.holdings.add(shelf, "people", source="shelf")
    await made.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR)
    await made.desk.access.grant(DEV, "U0BEN", Role.APPROVER)
    await made.desk.access.grant(DEV, "U0EVA", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


async def card(scene: Scene, who: str, channel: str, thread: str, inside: str) -> Message:
    """The bot's message there that holds these words."""
    person = scene.person(who)

    def look() -> Message | None:
        found = [m for m in scene.app_messages(person, channel, thread) if inside in words(m)]
        return found[-1] if found else None

    return await person.wait_for(look)


async def mention(scene: Scene, who: str, sentence: str, inside: str) -> tuple[Message, str]:
    """Say it with a mention; the card and its thread."""
    said = await scene.person(who).say(CHANNEL, f"<@U0SPAN> {sentence}")
    return await card(scene, who, CHANNEL, said.ts, inside), said.ts


async def whispers(scene: Scene, who: str, channel: str = CHANNEL, count: int = 1) -> list[str]:
    person = scene.person(who)
    await person.wait_for(lambda: len(person.ephemerals(channel)) >= count or None)
    return [words(m) for m in person.ephemerals(channel)]


def confirm_value(message: Message | Any) -> str:
    return next(
        str(element["value"])
        for block in message.blocks
        for element in block.get("elements", ())
        if element.get("action_id") == blocks.CONFIRM
    )


CONTENT_SENTENCES = [
    ("make ask-policy friendlier and never promise a date", "Be friendlier."),
    ("set passages of ask-policy to 8", "passages"),
    ("in ask-policy, when the amount is over 5000 send it to a manager", "5000"),
    ("add this to the people handbook: Dogs are welcome.", "Dogs are welcome."),
    ("forget the 2023 travel policy", "policy-2023"),
    ("swap the default model to openai/gpt-4o-mini", "openai/gpt-4o-mini"),
    ("let <@U0ANA> edit ask-policy", "editor"),
    ("retire ask-policy", "Retire ask-policy"),
    ("add a case to ask-policy: “How many days?” must contain “five”", "must contain “five”"),
]


@pytest.mark.parametrize(("sentence", "inside"), CONTENT_SENTENCES)
async def test_each_order_is_previewed_by_mention_message_and_command(
    scene: Scene, sentence: str, inside: str
) -> None:
    dev = scene.person("U0DEV")
    shown, _ = await mention(scene, "U0DEV", sentence, "Nothing has changed yet")
    assert inside in words(shown) and "Only <@U0DEV> can confirm" in words(shown)
    assert {"Confirm", "Cancel"} <= set(words(shown).split("\n"))
    await dev.say(dev.dm, sentence)
    direct = await card(scene, "U0DEV", dev.dm, "", "Nothing has changed yet")
    assert inside in words(direct)
    if sentence.split()[0] not in ("retire",):
        outcome = await dev.command(CHANNEL, f"/spanwise {sentence}")
        assert outcome.ok and inside in str(outcome.payload) and "Confirm" in str(outcome.payload)
    assert scene.script.rows == [], "nobody's question was run"


@pytest.mark.parametrize(("sentence", "_inside"), [*CONTENT_SENTENCES, ("roll back ask-policy", "")])
async def test_without_the_right_everyone_is_refused_in_private(
    scene: Scene, sentence: str, _inside: str
) -> None:
    ana = scene.person("U0ANA")
    await ana.say(CHANNEL, f"<@U0SPAN> {sentence}")
    (refusal,) = await whispers(scene, "U0ANA")
    assert ":lock: You may not" in refusal and "<@U0DEV>" in refusal
    await ana.say(ana.dm, sentence)
    assert ":lock:" in (await whispers(scene, "U0ANA", ana.dm))[-1]
    outcome = await ana.command(CHANNEL, f"/spanwise {sentence}")
    assert ":lock:" in str(outcome.payload) and outcome.payload.get("response_type") == "ephemeral"
    assert scene.app_messages(ana, CHANNEL) == [] and scene.script.rows == []


async def test_a_confirmed_change_says_where_it_stands(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, thread = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    assert (await chloe.click(shown, blocks.CONFIRM, confirm_value(shown))).ok
    done = await card(scene, "U0CHLOE", CHANNEL, thread, "Confirmed")
    assert done.ts == shown.ts, "the same message"
    linked = await card(scene, "U0CHLOE", CHANNEL, thread, "https://larkfield.slack.com/archives/C0PEOPLE/p")
    assert "Change request c_" in words(linked)
    (view,) = await scene.desk.changes.recent(DEV)
    assert view.author == "U0CHLOE" and "- Be friendlier." in view.content
    await chloe.wait_for(
        lambda: next((m for m in scene.app_messages(chloe, CHANNEL) if view.id in words(m)), None)
    )


async def test_a_change_for_the_pilot_first_becomes_the_candidate(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, thread = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    assert (await chloe.click(shown, blocks.PILOT, confirm_value(shown))).ok
    await card(scene, "U0CHLOE", CHANNEL, thread, "Confirmed")
    (view,) = await scene.desk.changes.recent(DEV)
    assert view.label == "candidate" and "whom the pilot serves" in view.effect
    document, _ = await mention(
        scene, "U0CHLOE", "add this to the people handbook: Dogs are welcome.", "Nothing has changed yet"
    )
    assert blocks.PILOT not in str(document.blocks)


async def test_only_the_asker_confirms_edits_or_cancels(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    shown, _ = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    for action, value in (
        (blocks.CONFIRM, confirm_value(shown)),
        (blocks.CANCEL, confirm_value(shown).split(":")[0]),
        (blocks.EDIT, confirm_value(shown).split(":")[0]),
    ):
        await dev.click(shown, action, value)
    await scene.quiet()
    said = [words(m) for m in dev.ephemerals(CHANNEL)]
    assert len(said) == 3 and all("Only <@U0CHLOE> can go on with this" in each for each in said)
    assert await scene.desk.changes.recent(DEV) == ()


async def test_the_right_is_looked_at_again_at_the_click(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, _ = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    await scene.desk.access.revoke(DEV, "U0CHLOE", Role.EDITOR)
    await chloe.click(shown, blocks.CONFIRM, confirm_value(shown))
    assert ":lock:" in (await whispers(scene, "U0CHLOE"))[-1]
    assert await scene.desk.changes.recent(DEV) == ()


async def test_a_missing_piece_is_asked_for_in_the_thread_and_filled_there(scene: Scene) -> None:
    chloe, dev = scene.person("U0CHLOE"), scene.person("U0DEV")
    asked, thread = await mention(
        scene, "U0CHLOE", "add this to the people handbook", "What should the document"
    )
    await dev.say(CHANNEL, "I know: nothing.", thread)
    await chloe.say(CHANNEL, "Bring your own cup.", thread)
    shown = await card(scene, "U0CHLOE", CHANNEL, thread, "Nothing has changed yet")
    assert shown.ts == asked.ts and "Bring your own cup." in words(shown) and "nothing." not in words(shown)


async def test_what_fits_two_things_is_chosen_from_a_menu(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    asked, thread = await mention(scene, "U0CHLOE", "forget the travel policy", "fits 2 documents")
    value = blocks_value(asked, "policy-2026")
    await chloe.click(asked, blocks.PICK, value)
    shown = await card(scene, "U0CHLOE", CHANNEL, thread, "Nothing has changed yet")
    assert "policy-2026" in words(shown)


def blocks_value(message: Message, label: str) -> str:
    return next(
        option["value"]
        for block in message.blocks
        for element in block.get("elements", ())
        for option in element.get("options", ())
        if label in option["text"]["text"]
    )


async def test_a_missing_piece_after_the_command_is_given_in_a_menu_or_a_form(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    outcome = await chloe.command(CHANNEL, "/spanwise set passages to 8")
    assert outcome.ok
    note = await chloe.wait_for(lambda: next(iter(chloe.ephemerals(CHANNEL)), None))
    assert "Of which workflow?" in words(note)
    await chloe.click(note, blocks.PICK, blocks_value(note, "ask-travel"))
    await chloe.wait_for(
        lambda: next(
            (m for m in chloe.ephemerals(CHANNEL) if "Set passages of ask-travel to 8" in words(m)), None
        )
    )
    await chloe.command(CHANNEL, "/spanwise swap the default model")
    asked = await chloe.wait_for(
        lambda: next((m for m in chloe.ephemerals(CHANNEL) if "Which model?" in words(m)), None)
    )
    # the menu of answers is for one of many; free words get a form
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.ADMIN)
    await chloe.click(asked, blocks.WRITE)
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert_view(form.body)
    assert (await chloe.submit(form, {blocks.PIECE: {blocks.PIECE: "openai/gpt-4o"}})).ok
    await chloe.wait_for(
        lambda: next((m for m in chloe.ephemerals(CHANNEL) if "openai/gpt-4o" in words(m)), None)
    )


async def test_an_order_beside_a_question_is_an_order_and_no_answer_to_it(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await dev.say(dev.dm, "in ask-policy, when the moon is full send it to a manager")
    asked = await card(scene, "U0DEV", dev.dm, "", "When should the rule apply?")
    assert "\nThere is no “moon”" in words(asked), "a sentence begins with a capital"
    await dev.say(dev.dm, "set passages of ask-policy to 8")
    await card(scene, "U0DEV", dev.dm, "", "Set passages of ask-policy to 8")
    await dev.say(dev.dm, "the amount is over 700")
    await card(scene, "U0DEV", dev.dm, "", "when amount is more than 700")


async def test_people_are_named_where_a_role_is_given(scene: Scene) -> None:
    shown, _ = await mention(scene, "U0DEV", "let <@U0ANA> edit ask-policy", "Nothing has changed yet")
    assert "*Effect:* <@U0ANA> gets the role editor of /ask-policy." in words(shown)


async def test_a_user_group_is_named_by_its_handle(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    shown, _ = await mention(scene, "U0DEV", "let @leads edit ask-policy", "Nothing has changed yet")
    assert "(@leads)" in words(shown) and "@leads gets the role editor of /ask-policy." in words(shown)
    outcome = await dev.command(CHANNEL, "/spanwise let @leads edit ask-policy")
    assert "@leads gets the role" in str(outcome.payload)


@pytest.mark.parametrize(
    ("sentence", "effect"),
    [
        (
            "pilot ask-policy with <@U0ANA> and 20%",
            "and 20% of everybody else get the candidate of /ask-policy",
        ),
        ("retire ask-policy", "Nobody runs /ask-policy any more; its runs stay"),
        ("add a case to ask-policy: “How many days?” must contain “five”", "tried on this question too"),
    ],
)
async def test_what_has_no_difference_to_show_says_its_effect(
    scene: Scene, sentence: str, effect: str
) -> None:
    kinder = ASK.replace("from the handbook", "kindly from the handbook")
    await scene.desk.stages.draft(DEV, [Content("workflow", "ask-policy", kinder)])
    shown, _ = await mention(scene, "U0DEV", sentence, "Nothing has changed yet")
    assert "*Effect:*" in words(shown) and effect in words(shown)


async def test_a_pilot_without_a_candidate_is_refused_before_it_is_confirmed(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await dev.say(CHANNEL, "<@U0SPAN> pilot ask-policy with <@U0ANA>")
    assert "There is no candidate of `ask-policy`" in (await whispers(scene, "U0DEV"))[-1]
    assert not [each for each in dev.messages(CHANNEL) if "Confirm" in words(each)]


async def test_a_draft_is_known_where_stages_are_meant(scene: Scene) -> None:
    draft = ASK.replace("name: ask-policy", "name: new-thing")
    await scene.desk.stages.draft(DEV, [Content("workflow", "new-thing", draft)])
    shown, _ = await mention(scene, "U0DEV", "pilot new-thing with <@U0ANA>", "Nothing has changed yet")
    assert "Pilot new-thing" in words(shown)


async def test_what_is_retired_is_no_question_to_another_workflow(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await scene.desk.stages.retire(DEV, "ask-travel")
    for sentence in ("retire ask-travel", "set passages of ask-travel to 8", "make ask-travel friendlier"):
        shown, _ = await mention(scene, "U0DEV", sentence, "is retired")
        assert "`/spanwise reopen ask-travel` brings it back" in words(shown)
    assert not scene.app_messages(dev, dev.dm)


async def test_a_refusal_names_the_collection(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, "forget the 2023 travel policy")
    assert "the documents of the collection “people”" in (await whispers(scene, "U0ANA", ana.dm))[-1]


async def test_a_question_beside_a_question_is_answered_as_one(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await dev.say(dev.dm, "set passages to 8")
    await card(scene, "U0DEV", dev.dm, "", "Of which workflow?")
    await dev.say(dev.dm, "ask-policy: How many days can I carry over?")
    await scene.answered(dev)
    await dev.say(dev.dm, "ask-travel")
    shown = await card(scene, "U0DEV", dev.dm, "", "Nothing has changed yet")
    assert "Set passages of ask-travel to 8" in words(shown)


async def test_cancel_lets_go_by_word_and_by_button(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    _, thread = await mention(scene, "U0CHLOE", "add this to the people handbook", "What should the document")
    await chloe.say(CHANNEL, "never mind", thread)
    await card(scene, "U0CHLOE", CHANNEL, thread, "Cancelled. Nothing has changed.")
    shown, other = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    await chloe.click(shown, blocks.CANCEL)
    await card(scene, "U0CHLOE", CHANNEL, other, "Cancelled. Nothing has changed.")


async def test_questions_still_go_to_workflows(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    asked = await dev.say(CHANNEL, "<@U0SPAN> ask-policy how do I change my address?")
    await scene.answered(dev, CHANNEL, asked.ts)
    await dev.say(dev.dm, "ask-policy can you add two days to my leave balance?")
    await scene.answered(dev)
    assert len(scene.script.rows) == 2


async def test_undo_takes_back_what_this_person_changed(scene: Scene) -> None:
    eva, ben, chloe = scene.person("U0EVA"), scene.person("U0BEN"), scene.person("U0CHLOE")
    await chloe.say(CHANNEL, "<@U0SPAN> undo that")
    assert "no change of yours that is in force" in (await whispers(scene, "U0CHLOE"))[-1]
    shown, thread = await mention(
        scene, "U0EVA", "set passages of ask-policy to 8", "Nothing has changed yet"
    )
    await eva.click(shown, blocks.CONFIRM, confirm_value(shown))
    await card(scene, "U0EVA", CHANNEL, thread, "Confirmed")
    (view,) = await scene.desk.changes.recent(DEV)
    await scene.changing.drain()
    await scene.desk.changes.approve(await scene.desk.people.actor("U0BEN"), view.id)
    await eva.say(CHANNEL, "<@U0SPAN> undo that", thread)
    again = await eva.wait_for(
        lambda: next(
            (m for m in scene.app_messages(eva, CHANNEL, thread) if f"Undo the change {view.id}" in words(m)),
            None,
        )
    )
    await eva.click(again, blocks.CONFIRM, confirm_value(again))
    await card(scene, "U0EVA", CHANNEL, thread, "is taken back")
    assert (await scene.desk.changes.view(view.id)).status.value == "undone"
    assert ben.id


async def test_a_role_is_in_force_at_once(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    outcome = await dev.command(CHANNEL, "/spanwise let @ana edit ask-policy")
    assert outcome.ok
    note = await dev.wait_for(lambda: next(iter(dev.ephemerals(CHANNEL)), None))
    assert "<@U0ANA>" in words(note)
    await dev.click(note, blocks.CONFIRM, confirm_value(note))
    await dev.wait_for(
        lambda: next((m for m in dev.ephemerals(CHANNEL) if "It is in force." in words(m)), None)
    )
    await mention(scene, "U0ANA", "make ask-policy friendlier", "Nothing has changed yet")


async def test_questions_of_admins_are_answered_with_their_sources(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    await chloe.say(CHANNEL, "<@U0SPAN> who changed the prompt last?")
    assert "by the product" in (await whispers(scene, "U0CHLOE"))[-1]
    outcome = await chloe.command(CHANNEL, "/spanwise show the rules of ask-policy")
    assert "manager approval" in str(outcome.payload)
    await chloe.say(chloe.dm, "show the prompt of ask-policy")
    shown = await card(scene, "U0CHLOE", chloe.dm, "", "Answer kindly.")
    assert "Be brief." in words(shown)
    await chloe.command(CHANNEL, "/spanwise history of ask-policy")
    assert "version 1, live" in (await whispers(scene, "U0CHLOE", count=2))[-1]


async def test_promotion_and_evaluation_show_their_own_cards(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    asked = await eva.say(CHANNEL, "<@U0SPAN> promote ask-policy")
    await eva.wait_for(lambda: scene.app_messages(eva, CHANNEL, asked.ts) or None)
    await eva.say(CHANNEL, "<@U0SPAN> evaluate ask-policy")
    await eva.wait_for(
        lambda: next((m for m in scene.app_messages(eva, CHANNEL) if "valuat" in words(m)), None)
    )


async def test_help_lists_what_this_person_may_say(scene: Scene) -> None:
    ana, chloe, dev = (scene.person(each) for each in ("U0ANA", "U0CHLOE", "U0DEV"))
    heads = {}
    for person in (ana, chloe, dev):
        outcome = await person.command(CHANNEL, "/spanwise help")
        heads[person.id] = str(outcome.payload)
    assert "You may also say" not in heads["U0ANA"]
    assert "Change a prompt" in heads["U0CHLOE"] and "Give a role" not in heads["U0CHLOE"]
    assert "Give a role" in heads["U0DEV"]
    await dev.say(dev.dm, "what can I say?")
    await card(scene, "U0DEV", dev.dm, "", "You may also say")


async def test_unclear_orders_are_offered_ways_to_say_them(scene: Scene) -> None:
    await scene.person("U0CHLOE").say(CHANNEL, "<@U0SPAN> tone down ask-policy a bit")
    assert "cannot tell what" in (await whispers(scene, "U0CHLOE"))[-1]


async def test_edit_opens_the_form_with_what_was_previewed(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, _ = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    await chloe.click(shown, blocks.EDIT)
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert "- Be friendlier." in str(form.body)


async def test_a_said_document_is_edited_in_its_form_and_proposed_from_there(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, thread = await mention(
        scene, "U0CHLOE", "add this to the people handbook: Dogs are welcome.", "Nothing has changed yet"
    )
    await chloe.click(shown, blocks.EDIT)
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert_view(form.body)
    outcome = await chloe.submit(
        form, {"heading": {"heading": "Dogs"}, "part0": {"part0": "Dogs are welcome on Fridays."}}
    )
    assert outcome.ok
    await card(scene, "U0CHLOE", CHANNEL, thread, "Cancelled")
    (view,) = await scene.desk.changes.recent(DEV)
    assert view.target.name == "people/chat/dogs.md" and "on Fridays" in view.content


async def test_a_thread_becomes_a_knowledge_draft_without_names(scene: Scene) -> None:
    chloe, ana, ben = (scene.person(each) for each in ("U0CHLOE", "U0ANA", "U0BEN"))
    first = await ana.say(CHANNEL, "Ben, may dogs come to the Lisbon office? Ask ana.costa@larkfield.example")
    await ben.say(CHANNEL, "Yes <@U0ANA>, on Fridays, says Chloe Martin.", first.ts)
    await chloe.shortcut(knowledge_forms.DRAFT, first)
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert_view(form.body)
    shown = str(form.body)
    assert "on Fridays" in shown and "dogs come to the Lisbon office" in shown
    for name in ("Ana", "Ben", "Chloe", "Costa", "Martin", "larkfield.example", "U0ANA"):
        assert name not in str(form.body["blocks"]), name
    empty = await chloe.submit(form, {"heading": {"heading": " "}, "part0": {"part0": " "}})
    assert set(empty.errors) == {"heading", "part0"}
    assert (await chloe.submit(form, {"heading": {"heading": "Dogs"}, "part0": {"part0": "On Fridays."}})).ok
    await chloe.wait_for(
        lambda: next((m for m in chloe.ephemerals(CHANNEL) if "Proposed as change request" in words(m)), None)
    )
    (view,) = await scene.desk.changes.recent(DEV)
    assert f"archives/{CHANNEL}/p{first.ts.replace('.', '')}" in view.content and view.author == "U0CHLOE"
    await ana.shortcut(knowledge_forms.DRAFT, first)
    assert "may not change the documents" in (await whispers(scene, "U0ANA"))[-1]
    assert ana.views() == ()


def test_only_names_are_taken_out_of_a_text() -> None:
    people = ["Will Day", "May Grant", "Ben Okafor"]
    said = "You will get five days in May. Grant the rest, Ben. Ask @Will or may grant."
    assert knowledge_forms.without_names(said, people) == (
        "You will get five days in May. Grant the rest, a colleague. Ask a colleague or a colleague."
    )


def test_a_long_text_fills_as_many_fields_as_a_form_holds() -> None:
    pages = [f"Paragraph {number}. {'x' * 300}" for number in range(60)]
    form = knowledge_forms.draft_form(["people"], "T", "\n\n".join(pages), {})
    assert "Paragraph 59." in str(form) and "does not fit into a form" not in str(form)
    form = knowledge_forms.draft_form(["people"], "T", "\n\n".join(pages * 5), {})
    assert_view(form)
    assert "does not fit into a form" in str(form)


async def test_outsiders_are_refused(scene: Scene) -> None:
    scene.workspace.town.users["U0ANA"].is_guest = True
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, "make ask-policy friendlier")
    assert "members of this workspace only" in (await whispers(scene, "U0ANA", ana.dm))[-1]


async def test_a_second_delivery_begins_nothing_new(scene: Scene) -> None:
    chloe = scene.person("U0CHLOE")
    shown, thread = await mention(scene, "U0CHLOE", "make ask-policy friendlier", "Nothing has changed yet")
    clicks = [chloe.click(shown, blocks.CONFIRM, confirm_value(shown)) for _ in range(2)]
    await asyncio.gather(*clicks)
    await card(scene, "U0CHLOE", CHANNEL, thread, "Confirmed")
    assert len(await scene.desk.changes.recent(DEV)) == 1


def test_every_card_is_one_that_slack_takes() -> None:
    listed = blocks.with_sayable(blocks.notice("You can run nothing."), list(COMMANDS.values()))
    assert_message(seal_message(listed))


async def test_a_reply_that_a_dead_process_had_put_in_is_not_taken_for_the_next_question(
    scene: Scene,
) -> None:
    """It died before it noted that the reply is dealt with, so a worker takes the reply up again."""
    chloe = scene.person("U0CHLOE")
    asked = await chloe.say(CHANNEL, "<@U0SPAN> ask-policy how do I change my address?")
    await scene.answered(chloe, CHANNEL, asked.ts)
    await chloe.say(CHANNEL, "<@U0SPAN> add this to the people handbook", asked.ts)
    await card(scene, "U0CHLOE", CHANNEL, asked.ts, "What should the document")
    said = {
        "type": "message",
        "user": "U0CHLOE",
        "channel": CHANNEL,
        "ts": "1800000000.000100",
        "thread_ts": asked.ts,
        "text": "Dogs are welcome.",
    }
    body = {"team_id": "T0SPAN", "authorizations": [{"user_id": BOT_USER_ID}], "event": said}
    handed = HandedRequest("k", "event", body, is_answered=False)
    for _ in range(2):
        await scene.reception.dealing.take_over(handed)
    shown = await card(scene, "U0CHLOE", CHANNEL, asked.ts, "Nothing has changed yet")
    assert "Dogs are welcome." in words(shown)
    assert len(await scene.desk.runs.recent(await scene.desk.people.actor("U0CHLOE"))) == 1
