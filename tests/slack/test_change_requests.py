"""Change requests as people meet them in Slack: one message, its buttons, and who is refused what."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_checks import shown
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, changes_log
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.change_posts import NOTED
from bot.services.change_work import ChangeWork
from bot.slack import change_blocks as blocks
from bot.slack.change_text import NOTES
from bot.slack.payloads import Call
from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from tests.bot.change_desk import ANSWER, FRIENDLIER, MODELS, PROMPT, WORKFLOW, FakeComparer

CHANNEL = "C0PEOPLE"
ANA, BEN = Actor("U0ANA", "Ana Costa", "T0SPAN"), Actor("U0BEN", "Ben", "T0SPAN")
HERE = Origin("command", "T0SPAN", CHANNEL)


@dataclass
class Review:
    """A scene with a change request in it."""

    scene: Scene
    comparer: FakeComparer
    work: ChangeWork

    async def propose(self, content: str = FRIENDLIER, target: Target = ANSWER, **more: Any) -> str:
        view = await self.scene.desk.changes.propose(
            ANA, target, content, **{"origin": HERE, "reason": "People missed their dates.", **more}
        )
        await self.work.drain()
        return view.id

    async def message(self, person: Person, text: str = "", channel: str = CHANNEL) -> Message:
        """The message of the change request, once it says that."""

        def look() -> Message | None:
            found = [m for m in self.scene.app_messages(person, channel) if not _in_thread(m)]
            return found[-1] if found and text in words(found[-1]) else None

        return await person.wait_for(look)

    async def notes(self, person: Person, text: str) -> str:
        """A note in the thread, once it says that."""
        top = await self.message(person)

        def look() -> str | None:
            said = [words(m) for m in self.scene.app_messages(person, top.channel, top.ts)]
            return next((one for one in said if text in one), None)

        return await person.wait_for(look)

    async def private(self, person: Person, text: str) -> str:
        """What only this person sees, once it says that."""

        def look() -> str | None:
            return next((words(m) for m in person.ephemerals(CHANNEL) if text in words(m)), None)

        return await person.wait_for(look)

    async def press(self, person: Person, action: str, text: str = "") -> None:
        message = await self.message(person, text)
        await person.click(message, action, _value(message, action))
        await self.scene.quiet()

    async def give_reason(self, person: Person, action: str, reason: str) -> Any:
        await self.press(person, action)
        form = await person.wait_for(lambda: person.views()[-1] if person.views() else None)
        outcome = await person.submit(form, {"reason": {blocks.REASON: reason}})
        await self.scene.quiet()
        return outcome

    async def status(self, change: str) -> str:
        return (await self.scene.desk.changes.view(change)).status.value

    def live(self) -> tuple[int, str]:
        """What the next run gets."""
        found = self.scene.store.read_now(
            lambda connection: self.scene.desk.catalogue.resolve(connection, "ask-policy")
        )
        return found.pins["prompt"]["ask-policy.answer"], found.prompt("ask-policy.answer").text


def _in_thread(message: Message) -> bool:
    return bool(message.thread_ts) and message.thread_ts != message.ts


def _value(message: Message, action: str) -> str:
    for block in message.blocks:
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            if element.get("action_id") == action:
                return str(element["value"])
    raise AssertionError(f"no {action} in {words(message)}")


def actions_of(message: Message) -> list[str]:
    return [
        element["action_id"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def _payload(call: Call) -> dict[str, Any]:
    """A click as Slack sends it, with the value of a message that has been redrawn since."""
    return {
        "type": "block_actions",
        "user": {"id": call.person},
        "team": {"id": call.team},
        "container": {"channel_id": call.channel, "message_ts": "1.1"},
        "actions": [{"action_id": call.name, "value": call.value, "action_ts": "1"}],
    }


@pytest.fixture
async def review(tmp_path: Path) -> AsyncIterator[Review]:
    scene, close = await open_scene(tmp_path, workflows=(WORKFLOW,))
    await scene.desk.catalogue.seed(
        [Content("prompt", "ask-policy.answer", PROMPT), Content("models", "models", MODELS)]
    )
    for person, role in (("U0ANA", Role.EDITOR), ("U0BEN", Role.APPROVER), ("U0CHLOE", Role.APPROVER)):
        await scene.desk.access.grant(DEV, person, role)
    comparer = FakeComparer()
    work = ChangeWork(
        scene.store, scene.desk.changes, comparer, scene.desk.clock, scene.courier.outgoing, WakeUp()
    )
    yield Review(scene, comparer, work)
    await close()


async def test_one_message_says_what_why_and_what_was_tested(review: Review) -> None:
    ben = review.scene.person("U0BEN")
    await review.propose()
    message = await review.message(ben, "Waiting for approval")
    said = words(message)
    assert "*Change request* for the prompt *answer* of *Ask the handbook*" in said
    assert "Asked by <@U0ANA>" in said and "People missed their dates." in said
    assert "From the next run on, /ask-policy gets reworded instructions" in said
    assert "*4 of 4 cases* pass, 4 did before" in said
    assert "*0 of 1* approvals. <@U0BEN> or <@U0CHLOE> may approve." in said
    added = [
        element["text"]
        for block in message.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        for element in part["elements"]
        if element.get("style") == {"bold": True}
    ]
    assert added == [" never"]
    assert actions_of(message) == [
        blocks.APPROVE, blocks.ASK, blocks.REJECT, blocks.WITHDRAW, blocks.SHOW_TESTS
    ]  # fmt: skip
    tops = [m for m in review.scene.app_messages(ben, CHANNEL) if not _in_thread(m)]
    assert len(tops) == 1


async def test_approve_applies_it_and_the_next_run_has_it(review: Review) -> None:
    ben = review.scene.person("U0BEN")
    change = await review.propose()
    assert review.live() == (1, PROMPT)
    await review.press(ben, blocks.APPROVE, "Waiting for approval")
    assert review.live() == (2, FRIENDLIER)
    message = await review.message(ben, "In force")
    assert actions_of(message) == [blocks.UNDO, blocks.SHOW_TESTS]
    assert "Moved from version 1 to version 2" in words(message) and "Approved by <@U0BEN>" in words(message)
    assert "<@U0BEN> approved." in await review.notes(ben, "approved")
    assert await review.notes(ben, "In force from the next run on.")
    assert await review.status(change) == "applied"


async def test_a_colleague_is_refused_each_button_in_private(review: Review) -> None:
    eva, ben = review.scene.person("U0EVA"), review.scene.person("U0BEN")
    change = await review.propose()
    refused = "You may not decide about this change. <@U0BEN> or <@U0CHLOE> may."
    await review.press(eva, blocks.APPROVE, "Waiting for approval")
    assert refused in await review.private(eva, "decide")
    await review.press(eva, blocks.WITHDRAW)
    assert "Only <@U0ANA> withdraws or revises this" in await review.private(eva, "withdraws")
    for action in (blocks.ASK, blocks.REJECT):
        outcome = await review.give_reason(eva, action, "I do not like it.")
        assert refused in shown(outcome.payload["view"]["blocks"])
        # the form with what was typed is still there, below the refusal
        assert eva.views()[0].body["callback_id"] == blocks.REASON_FORM
        for view in reversed(eva.views()):
            await eva.close(view)
    assert await review.status(change) == "in_review"
    await review.press(ben, blocks.APPROVE)
    await review.press(eva, blocks.UNDO, "In force")
    assert "You may not take this change back" in await review.private(eva, "take this change back")
    assert review.live() == (2, FRIENDLIER)
    assert ben.ephemerals(CHANNEL) == [], "nobody else sees the refusals"


async def test_the_author_cannot_approve_even_with_the_role(review: Review) -> None:
    await review.scene.desk.access.grant(DEV, "U0ANA", Role.APPROVER)
    ana = review.scene.person("U0ANA")
    change = await review.propose()
    await review.press(ana, blocks.APPROVE, "Waiting for approval")
    said = await review.private(ana, "You wrote this")
    assert "<@U0BEN> or <@U0CHLOE> may." in said
    assert await review.status(change) == "in_review"
    await review.press(ana, blocks.WITHDRAW)
    assert "Withdrawn by <@U0ANA>" in words(await review.message(ana, "Withdrawn"))


async def test_a_double_click_and_two_approvers_at_once_make_one_transition(review: Review) -> None:
    ben, chloe = review.scene.person("U0BEN"), review.scene.person("U0CHLOE")
    change = await review.propose()
    message = await review.message(ben, "Waiting for approval")
    value = _value(message, blocks.APPROVE)
    await asyncio.gather(*(who.click(message, blocks.APPROVE, value) for who in (ben, chloe, ben, chloe)))
    await review.scene.quiet()
    assert await review.status(change) == "applied"
    assert review.live() == (2, FRIENDLIER)
    events = review.scene.store.read_now(lambda c: audit_log.read_events(c, target=f"change:{change}"))
    assert [each.action for each in events].count("change.applied") == 1


async def test_changes_asked_for_revised_and_approved(review: Review) -> None:
    ben, chloe = review.scene.person("U0BEN"), review.scene.person("U0CHLOE")
    change = await review.propose()
    await review.message(ben, "Waiting for approval")
    outcome = await review.give_reason(ben, blocks.ASK, "Say *whom* to ask <!here>.")
    assert outcome.ok
    message = await review.message(ben, "Sent back to its author")
    assert "<@U0BEN> asks for changes: Say *whom* to ask &lt;!here&gt;." in words(message)
    assert "<@U0ANA>" in await review.notes(ben, "asks for changes")
    old = await review.message(chloe)
    better = FRIENDLIER + "Name the People team.\n"
    ana = review.scene.person("U0ANA")
    await review.press(chloe, blocks.REVISE)
    assert "revises this" in await review.private(chloe, "revises")
    await review.press(ana, blocks.REVISE)
    form = await ana.wait_for(lambda: ana.views()[-1] if ana.views() else None)
    assert "never promise a date" in str(form.blocks)
    again = await review.scene.desk.changes.propose(ANA, ANSWER, better, origin=HERE)
    assert (again.id, again.round) == (change, 2)
    await review.work.drain()
    await review.message(chloe, "round 2")
    await review.message(chloe, "Waiting for approval")
    late = Call("action", blocks.APPROVE, "U0CHLOE", "T0SPAN", "late", channel=CHANNEL, value=f"{change}:1")
    await review.scene.reception.receive("action", _payload(late))
    await review.scene.quiet()
    assert "Other content was proposed" in await review.private(chloe, "Other content")
    assert old.ts == (await review.message(chloe)).ts
    await review.press(chloe, blocks.APPROVE, "Waiting for approval")
    assert review.live()[1] == better


async def test_a_failing_case_is_approved_only_with_a_reason(review: Review) -> None:
    review.comparer.failing = ("carry-over",)
    ben = review.scene.person("U0BEN")
    change = await review.propose()
    message = await review.message(ben, "newly failing: `carry-over`")
    assert "*4 of 5 cases* pass, 5 did before" in words(message)
    assert "Approving it needs a reason, because a case newly fails." in words(message)
    await review.press(ben, blocks.APPROVE)
    form = await ben.wait_for(lambda: ben.views()[-1] if ben.views() else None)
    assert "a case that passes today fails: `carry-over`" in shown(form.blocks)
    assert await review.status(change) == "in_review"
    await ben.submit(form, {"reason": {blocks.REASON: "The case is out of date."}})
    await review.scene.quiet()
    message = await review.message(ben, "In force")
    assert "Reason given: The case is out of date." in words(message)
    assert "although a case fails" in await review.notes(ben, "although")


async def test_what_moved_is_said_and_it_is_proposed_again(review: Review) -> None:
    ana, ben = review.scene.person("U0ANA"), review.scene.person("U0BEN")
    change = await review.propose()
    await review.message(ben, "Waiting for approval")
    await review.scene.desk.catalogue.add(
        DEV, [Content("prompt", "ask-policy.answer", PROMPT + "From Dev.\n")]
    )
    await review.press(ben, blocks.APPROVE)
    assert "Not applied" in await review.private(ben, "Not applied")
    message = await review.message(ben, "Out of date")
    assert "<@U0DEV> moved it from version 1 to version 2 on" in words(message)
    assert actions_of(message)[:2] == [blocks.REBASE, blocks.WITHDRAW]
    await review.press(ana, blocks.REBASE)
    await review.work.drain()
    message = await review.message(ben, "Based on version 2 now instead of 1")
    assert await review.status(change) == "in_review"


async def test_it_expires_in_its_message(review: Review) -> None:
    ben = review.scene.person("U0BEN")
    change = await review.propose()
    await review.message(ben, "Waiting for approval")
    past = review.scene.desk.clock.now() - timedelta(minutes=1)
    await review.scene.store.write(lambda c: changes_log.set_change(c, change, expires_at=past))
    await review.work.drain()
    message = await review.message(ben, "Expired")
    assert actions_of(message) == [blocks.SHOW_TESTS]
    await ben.click(message, blocks.SHOW_TESTS, f"{change}:1")
    assert "<@U0ANA>, nobody decided in time" in await review.notes(ben, "nobody decided")


async def test_undo_and_why_it_is_refused_later(review: Review) -> None:
    ben = review.scene.person("U0BEN")
    await review.propose()
    await review.press(ben, blocks.APPROVE, "Waiting for approval")
    await review.scene.desk.catalogue.add(
        DEV, [Content("prompt", "ask-policy.answer", PROMPT + "From Dev.\n")]
    )
    await review.press(ben, blocks.UNDO, "In force")
    said = await review.private(ben, "Not undone")
    assert "<@U0DEV> has moved" in said and "propose a new change" in said
    await ben.command(CHANNEL, "/spanwise rollback ask-policy.answer")
    await review.scene.quiet()
    assert review.live() == (2, FRIENDLIER)
    message = next(
        m for m in review.scene.app_messages(ben, CHANNEL) if "In force" in words(m) and not _in_thread(m)
    )
    await ben.click(message, blocks.UNDO, _value(message, blocks.UNDO))
    await review.scene.quiet()
    assert review.live() == (1, PROMPT)


async def test_rolling_back_by_command_and_by_button(review: Review) -> None:
    ben, eva = review.scene.person("U0BEN"), review.scene.person("U0EVA")
    await review.propose()
    await review.press(ben, blocks.APPROVE, "Waiting for approval")
    refused = await eva.command(CHANNEL, "/spanwise rollback ask-policy")
    assert "You may not" in str(refused.payload)
    assert review.live()[0] == 2
    done = await ben.command(CHANNEL, "/spanwise rollback ask-policy")
    assert "Rolled back the prompt *answer* of *Ask the handbook* from version 2 to version 1" in str(
        done.payload
    )
    assert review.live() == (1, PROMPT)
    message = await review.message(ben, "Rolled back")
    assert actions_of(message) == [blocks.UNDO]
    listed = await ben.command(CHANNEL, "/spanwise history ask-policy.answer")
    said = str(listed.payload)
    assert "*Version 2*" in said and "written by <@U0ANA>" in said and "*Version 1* · *in force*" in said
    button = next(m for m in ben.ephemerals(CHANNEL) if "Version 2" in words(m))
    await ben.click(button, blocks.ROLL_BACK, _accessory(button))
    await review.scene.quiet()
    assert review.live() == (2, FRIENDLIER)
    nothing = await ben.command(CHANNEL, "/spanwise rollback")
    assert "Say which workflow" in str(nothing.payload)
    unknown = await ben.command(CHANNEL, "/spanwise rollback nothing-here")
    assert "There is no workflow" in str(unknown.payload)
    looked = await ben.command(CHANNEL, "/spanwise history nothing-here")
    assert "There is no workflow" in str(looked.payload) and "changed" not in str(looked.payload)


def _accessory(message: Message) -> str:
    return next(block["accessory"]["value"] for block in message.blocks if block.get("accessory"))


async def test_the_list_of_open_ones_is_each_persons_own(review: Review) -> None:
    ben, eva = review.scene.person("U0BEN"), review.scene.person("U0EVA")
    change = await review.propose()
    await review.message(ben, "Waiting for approval")
    listed = await ben.command(CHANNEL, "/spanwise changes")
    assert change in str(listed.payload) and "Open it" in str(listed.payload)
    nothing = await eva.command(CHANNEL, "/spanwise changes")
    assert "No change request is open" in str(nothing.payload)


async def test_asked_in_private_the_approvers_are_shown_it_in_theirs(review: Review) -> None:
    ana, ben = review.scene.person("U0ANA"), review.scene.person("U0BEN")
    await review.propose(origin=Origin("dm", "T0SPAN", ana.dm))
    card = await review.message(ben, "Waiting for approval", ben.dm)
    await ben.click(card, blocks.APPROVE, _value(card, blocks.APPROVE))
    await review.scene.quiet()
    assert await review.message(ana, "In force", ana.dm)
    assert await review.message(ben, "In force", ben.dm)
    assert review.scene.app_messages(ben, CHANNEL) == []


async def test_a_long_change_is_trimmed_and_shown_whole_in_a_modal(review: Review) -> None:
    ben = review.scene.person("U0BEN")
    long = PROMPT + "".join(f"Rule {number}: be careful with case {number}.\n" for number in range(400))
    await review.propose(long)
    message = await review.message(ben, "Only the changed parts are shown here")
    await ben.click(message, blocks.SHOW_ALL, _value(message, blocks.SHOW_ALL))
    await review.scene.quiet()
    view = await ben.wait_for(lambda: ben.views()[-1] if ben.views() else None)
    assert "be careful with case 399" in shown(view.blocks)
    assert "be careful with case 399" not in words(message)


def test_the_thread_has_a_sentence_for_each_step_it_tells_of() -> None:
    assert set(NOTES) == NOTED
