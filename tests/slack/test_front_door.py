"""What people do in Slack and what they see, through the real app over the real socket."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slack_samples import PLAN_TRIP, answer
from slack_scene import Scene, open_scene, succeeded, words

from bot.adapters.observing import RunRefused
from bot.governance.admission import Limits
from bot.services.admitting import Admission
from bot.slack import blocks, forms
from bot.slack.shortcuts import RUN_ON_THIS
from bot.workspace.town_records import Message
from workflows.run import Failure, RunResult, RunStatus

CHANNEL = "C0PEOPLE"


async def test_a_command_is_taken_at_once_and_answered_in_the_direct_message(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    outcome = await ana.command(CHANNEL, "/ask-policy How many days can I carry over?")
    assert outcome.ok and "Working on" in str(outcome.payload) and "direct messages" in str(outcome.payload)
    message = await scene.answered(ana)
    assert "five days" in words(message) and "How many days can I carry over?" in words(message)
    assert len(scene.app_messages(ana, ana.dm)) == 1, "one message, edited in place"
    assert scene.app_messages(ana, CHANNEL) == []


def held_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: str, until: Callable[[list[str]], object]
) -> None:
    """Have that method of Slack wait; `until` gets all that was asked from now on."""
    asked: list[str] = []
    call = scene.desk.gateway.call

    async def wait(name: str, **given: Any) -> Any:
        asked.append(name)
        while name == method and not until(asked):
            await asyncio.sleep(0.001)
        return await call(name, **given)

    monkeypatch.setattr(scene.desk.gateway, "call", wait)


async def test_slack_names_the_direct_messages_while_the_run_is_put_on_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who the person is must be known first; that waits here until the other question was asked."""
    ana = scene.person("U0ANA")
    held_up(scene, monkeypatch, "users_info", lambda asked: "conversations_open" in asked)
    outcome = await ana.command(CHANNEL, "/ask-policy How many days?")
    assert f"/archives/{ana.dm}|your direct messages" in str(outcome.payload)


async def test_a_notice_does_without_the_link_rather_than_come_late(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, named = scene.person("U0ANA"), asyncio.Event()
    held_up(scene, monkeypatch, "conversations_open", lambda _: named.is_set())
    first = await ana.command(CHANNEL, "/ask-policy How many days?")
    assert "Working on" in str(first.payload) and "archives" not in str(first.payload)
    named.set()
    await scene.answered(ana)
    second = await ana.command(CHANNEL, "/ask-policy How many days?")
    assert f"/archives/{ana.dm}|your direct messages" in str(second.payload)


async def test_a_command_too_many_is_refused_with_what_waits_and_when_to_come_back(tmp_path: Path) -> None:
    scene, close = await open_scene(tmp_path, admission=Admission(Limits(person=1)), concurrency=1)
    scene.script.gate = asyncio.Event()
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await ana.wait_for(lambda: scene.script.rows or None)
    assert "Working on" in str((await ana.command(CHANNEL, "/ask-policy And sick days?")).payload)
    refused = await ana.command(CHANNEL, "/ask-policy And holidays?")
    assert "1 of your requests waits already, which is the most one person may have" in str(refused.payload)
    assert "Try again in a few minutes, or stop one with" in str(refused.payload)
    assert [each.why for each in scene.happened if isinstance(each, RunRefused)] == ["person"]
    assert "Working on" in str((await ben.command(CHANNEL, "/ask-policy How many days?")).payload)
    assert "queued, number 2 in line" in str((await ana.command(CHANNEL, "/spanwise status")).payload)
    scene.script.gate.set()
    await close()


async def test_progress_is_drawn_in_the_same_message(scene: Scene) -> None:
    scene.script.gate = asyncio.Event()
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await ana.wait_for(
        lambda: next(
            (m for m in scene.app_messages(ana, ana.dm) if "step 2 of 3 – Writing" in words(m)), None
        )
    )
    scene.script.gate.set()
    await scene.answered(ana)
    assert len(scene.app_messages(ana, ana.dm)) == 1


async def test_public_answers_say_who_asked_what(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy --public How many days?")
    message = await scene.answered(ana, CHANNEL)
    assert words(message).startswith("<@U0ANA> ran *Ask the people handbook*")
    assert scene.script.rows[0].origin["visibility"] == "channel"


async def test_a_workflow_for_the_channel_answers_there_unless_the_person_says_otherwise(
    scene: Scene,
) -> None:
    ana = scene.person("U0ANA")
    trip = "why=visit nights=2 from_day=2026-12-01"
    await ana.command(CHANNEL, f"/plan-trip {trip}")
    await scene.answered(ana, CHANNEL)
    await ana.command(CHANNEL, f"/plan-trip {trip} --private")
    await scene.answered(ana)


async def test_missing_inputs_open_a_form_with_what_was_typed(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/plan-trip nights=2 visit Leeds")).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "visit Leeds" in str(form.body)
    filled = {"input:nights@plan-trip": {"value": "3"}, "input:from_day@plan-trip": {"value": "2026-12-01"}}
    outcome = await ana.submit(form, {**filled, "input:why@plan-trip": {"value": "   "}})
    assert outcome.errors == {"input:why@plan-trip": "Reason for the trip is needed."}
    assert (await ana.submit(form, filled)).ok
    await scene.answered(ana, CHANNEL)
    given = scene.script.rows[0].inputs
    assert given["nights"] == "3" and given["why"] == "visit Leeds" and given["by"] == "train"
    assert ana.views() == ()


async def test_a_form_says_which_field_is_wrong_and_what_was_typed(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/plan-trip nights=abc visit Leeds")
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "Nights must be a number. You typed “abc”." in words(form)


async def test_a_value_without_quotes_is_taken_to_its_last_word(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy question=How many days can I carry over?")
    await scene.answered(ana)
    await ana.command(
        CHANNEL, "/plan-trip nights=2 from_day=2026-12-01 by=car why=A visit to Leeds --private"
    )
    await scene.answered(ana, count=2)
    asked, trip = (row.inputs for row in scene.script.rows)
    assert asked == {"question": "How many days can I carry over?"}
    assert trip == {"nights": "2", "from_day": "2026-12-01", "by": "car", "why": "A visit to Leeds"}


async def test_words_that_fit_no_input_open_the_form_with_them(tmp_path: Path) -> None:
    stay = PLAN_TRIP.replace("name: plan-trip", "name: plan-stay").replace("{{ inputs.why }}", "ok")
    stay = re.sub(r"  why: .*\n", "", stay)
    scene, close = await open_scene(tmp_path, workflows=(stay,))
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/plan-stay nights=2 from_day=2026-12-01 by sea")).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "I could not tell which field “by sea” is for" in words(form)
    assert scene.script.rows == []
    await close()


async def test_votes_are_kept_last_one_counting(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    message = await scene.answered(ana)
    run_id = scene.script.rows[0].id
    assert (await ana.click(message, blocks.VOTE, f"up:{run_id}")).ok
    assert (await ana.click(message, blocks.VOTE, f"down:{run_id}")).ok
    await scene.quiet()
    scores = await scene.desk.feedback.of_run(run_id)
    assert [(score.value, score.source) for score in scores] == [(-1.0, "person:U0ANA")]
    thanks = [words(m) for m in ana.ephemerals(ana.dm)]
    assert any("thumbs up" in said for said in thanks)
    assert any("thumbs down. You changed your vote" in said for said in thanks)


async def test_explain_opens_how_it_came_about(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await ana.click(await scene.answered(ana), blocks.EXPLAIN)
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "What happened" in words(form) and "Calls to models" in words(form)


async def test_a_private_answer_is_shared_on_purpose(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    assert (await ana.click(await scene.answered(ana), blocks.SHARE)).ok
    shared = await scene.answered(ben, CHANNEL)
    assert "<@U0ANA> shared an answer" in words(shared)
    await ana.wait_for(lambda: "Shared to the channel" in words(scene.app_messages(ana, ana.dm)[-1]) or None)


async def test_cancel_stops_a_run_at_work(scene: Scene) -> None:
    scene.script.gate = asyncio.Event()
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    message = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, ana.dm) if "step" in words(m)), None)
    )
    assert (await ana.click(message, blocks.CANCEL)).ok
    await ana.wait_for(lambda: "Cancelled" in words(scene.app_messages(ana, ana.dm)[-1]) or None)
    assert len(scene.app_messages(ana, ana.dm)) == 1


async def test_a_failure_says_why_and_is_tried_again(scene: Scene) -> None:
    scene.script.ending = lambda row: RunResult(
        RunStatus.FAILED, None, (), Failure("ModelUnavailable", {"alias": "default"}, "i_test1234")
    )
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    failed = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, ana.dm) if "i_test1234" in words(m)), None)
    )
    assert "No model could be reached" in words(failed)
    scene.script.ending = lambda row: succeeded(answer())
    assert (await ana.click(failed, blocks.RETRY)).ok
    await scene.answered(ana)
    assert len(scene.script.rows) == 2


@pytest.mark.parametrize(("flag", "channel"), [("--private", ""), ("--public", CHANNEL)])
async def test_a_closed_collection_offers_no_second_try(scene: Scene, flag: str, channel: str) -> None:
    closed = Failure("UnknownCollection", {"collection": "people", "ask": "U0CHLOE"}, "i_test1234")
    scene.script.ending = lambda row: RunResult(RunStatus.FAILED, None, (), closed)
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, f"/ask-policy {flag} How many days?")
    place = channel or ana.dm
    message = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, place) if "“people”" in words(m)), None)
    )
    said = words(message)
    assert "<@U0CHLOE>" in said and "i_test1234" in said and "Try again" not in said
    assert ("Ask me in a direct message" in said) is bool(channel)
    assert ("You may not read" in said) is not bool(channel)


async def test_whoever_presses_try_again_first_runs_it_and_the_next_is_told(scene: Scene) -> None:
    scene.script.ending = lambda row: RunResult(
        RunStatus.FAILED, None, (), Failure("ModelTimeout", {"alias": "default"}, "i_test1234")
    )
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")

    async def failed(count: int) -> Message:
        def look() -> Message | None:
            seen = [m for m in scene.app_messages(ana, CHANNEL) if "i_test1234" in words(m)]
            return seen[-1] if len(seen) == count else None

        return await ana.wait_for(look)

    await ana.command(CHANNEL, "/ask-policy --public How many days?")
    message = await failed(1)
    await asyncio.gather(ana.click(message, blocks.RETRY), ana.click(message, blocks.RETRY))
    await failed(2)
    await ben.click(message, blocks.RETRY)
    await scene.quiet()
    assert len(scene.script.rows) == 2
    known = "I have this request to *Ask the people handbook* already; it runs once."
    said = {words(m) for m in ana.ephemerals(CHANNEL)[1:]}
    assert said == {known, "Running *Ask the people handbook* again."}
    assert [words(m) for m in ben.ephemerals(CHANNEL)] == [known]
    await ben.click(await failed(2), blocks.RETRY)
    await failed(3)
    assert scene.script.rows[2].actor["id"] == "U0BEN", "what was tried again can be tried again"


async def test_a_mention_is_answered_in_its_thread_and_replies_go_on(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    asked = await ana.say(CHANNEL, "<@U0SPAN> how many days of leave can I carry over?")
    await scene.answered(ana, CHANNEL, asked.ts)
    await ana.say(CHANNEL, "and sick days?", asked.ts)
    await scene.answered(ana, CHANNEL, asked.ts, count=2)
    first, second = scene.script.rows
    assert second.inputs["question"] == "and sick days?" and second.follows == first.id
    # others in the thread of a person talk among themselves
    await ben.say(CHANNEL, "I think it is ten", asked.ts)
    await ben.say(CHANNEL, "<@U0ANA> lunch?", asked.ts)
    await ben.say(CHANNEL, "just a thought")
    await asyncio.sleep(0.2)
    await scene.quiet()
    assert len(scene.script.rows) == 2
    await ben.say(CHANNEL, "<@U0SPAN> and for me?", asked.ts)
    await scene.answered(ana, CHANNEL, asked.ts, count=3)
    assert len(scene.script.rows) == 3, "a mention arrives as two events and runs once"


async def test_anyone_goes_on_below_a_public_answer(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/ask-policy --public How many days?")
    root = await scene.answered(ana, CHANNEL)
    await ben.say(CHANNEL, "what about part-timers?", root.ts)
    await scene.answered(ben, CHANNEL, root.ts, count=2)
    assert scene.script.rows[1].actor["id"] == "U0BEN"
    await scene.person("U0EVA").say(CHANNEL, "and in Lisbon?", root.ts)
    await scene.answered(ben, CHANNEL, root.ts, count=3)
    assert scene.script.rows[2].actor["id"] == "U0EVA"


async def shared_by_ana(scene: Scene) -> Message:
    """An answer that Ana asked for privately, as she shared it to the channel."""
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days of leave can I carry over?")
    await ana.click(await scene.answered(ana), blocks.SHARE)
    return await scene.answered(ana, CHANNEL)


async def test_anyone_goes_on_below_a_shared_answer_and_reads_on_there(scene: Scene) -> None:
    root = await shared_by_ana(scene)
    for count, (who, asked) in enumerate(
        (("U0BEN", "and for me?"), ("U0EVA", "why?"), ("U0ANA", "ok, and?"))
    ):
        person = scene.person(who)
        await person.say(CHANNEL, asked, root.ts)
        await scene.answered(person, CHANNEL, root.ts, count=count + 2)
        followed = scene.script.rows[-1]
        assert followed.actor["id"] == who and followed.inputs["question"] == asked
        assert followed.origin["visibility"] == "channel" and followed.origin["readers"] == []
    for who in ("U0BEN", "U0EVA"):
        assert scene.app_messages(scene.person(who), scene.person(who).dm) == []
    # a reply that names somebody else is for them
    await scene.person("U0BEN").say(CHANNEL, "<@U0ANA> lunch?", root.ts)
    await scene.quiet()
    assert len(scene.script.rows) == 4


async def test_in_a_persons_thread_a_shared_answer_is_gone_on_with_by_whoever_asked(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    root = await ben.say(CHANNEL, "Does anybody know about leave?")
    reply = await ben.say(CHANNEL, "How many days of leave can I carry over?", root.ts)
    await ana.shortcut(RUN_ON_THIS, reply)
    await ana.submit(await ana.wait_for(lambda: next(iter(ana.views()), None)), {})
    await ben.say(CHANNEL, "anybody?", root.ts)
    await ana.click(await scene.answered(ana), blocks.SHARE)
    await scene.answered(ben, CHANNEL, root.ts)
    await ben.say(CHANNEL, "thanks, just what I thought", root.ts)
    await scene.quiet()
    assert len(scene.script.rows) == 1
    await ana.say(CHANNEL, "and sick days?", root.ts)
    await scene.answered(ben, CHANNEL, root.ts, count=2)
    assert scene.script.rows[1].origin["visibility"] == "channel"


async def test_the_readers_of_a_reply_below_a_shared_answer_are_those_of_the_channel(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await dev.command("C0LEADS", "/invite @spanwise")
    await dev.command("C0LEADS", "/ask-policy How many days?")
    await dev.click(await scene.answered(dev), blocks.SHARE)
    root = await scene.answered(dev, "C0LEADS")
    await dev.say("C0LEADS", "and for part-timers?", root.ts)
    await scene.answered(dev, "C0LEADS", root.ts, count=2)
    assert scene.script.rows[1].origin["readers"] == ["U0CHLOE", "U0DEV", "U0EVA"]


async def test_a_reply_below_the_private_answer_that_was_shared_stays_private(scene: Scene) -> None:
    root = await shared_by_ana(scene)
    ana = scene.person("U0ANA")
    own = scene.app_messages(ana, ana.dm)[-1]
    await ana.say(ana.dm, "and unpaid leave?", own.ts)
    await scene.answered(ana, thread_ts=own.ts, count=2)
    assert scene.script.rows[1].origin["visibility"] == "private"
    assert scene.script.rows[1].origin["readers"] == ["U0ANA"]
    assert len(scene.app_messages(ana, CHANNEL, root.ts)) == 1
    # who goes on in the channel gets nothing of what was asked in between
    await ana.say(CHANNEL, "and sick days?", root.ts)
    await scene.answered(ana, CHANNEL, root.ts, count=2)
    assert scene.script.rows[2].follows == scene.script.rows[0].id


async def test_a_direct_message_runs_what_fits_and_its_thread_goes_on(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, "how many days of leave can I carry over?")
    message = await scene.answered(ana)
    await ana.say(ana.dm, "and unpaid leave?", message.ts)
    await scene.answered(ana, thread_ts=message.ts, count=2)
    assert scene.script.rows[1].follows == scene.script.rows[0].id
    assert scene.script.rows[1].origin["visibility"] == "private"


async def test_when_several_fit_the_person_picks(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    asked = await ana.say(CHANNEL, "<@U0SPAN> xylophone")
    offer = await ana.wait_for(lambda: next(iter(ana.ephemerals(CHANNEL)), None))
    assert 2 <= len(picks(offer)) <= 5
    chosen = next(value for value in picks(offer) if "ask-policy" in value)
    assert (await ana.click(offer, blocks.PICK, chosen)).ok
    await scene.answered(ana, CHANNEL, asked.ts)
    assert scene.script.rows[0].inputs == {"question": "xylophone"}


def picks(offer: Message) -> list[str]:
    """What the buttons carry that pick a workflow."""
    return [b["accessory"]["value"] for b in offer.blocks if b.get("accessory")]


async def broken_heating(scene: Scene) -> Message:
    """A thread of two people."""
    root = await scene.person("U0ANA").say(CHANNEL, "The heating in Lisbon is broken since Monday.")
    await scene.person("U0BEN").say(CHANNEL, "The landlord comes on Thursday.", root.ts)
    return root


async def test_a_workflow_picked_in_a_thread_gets_the_thread(scene: Scene) -> None:
    ana, root = scene.person("U0ANA"), await broken_heating(scene)
    await ana.say(CHANNEL, "<@U0SPAN> please have a look", root.ts)
    offer = await ana.wait_for(lambda: next((m for m in ana.ephemerals(CHANNEL) if picks(m)), None))
    chosen = next(value for value in picks(offer) if "summarise-thread" in value)
    await ana.click(offer, blocks.PICK, chosen)
    await scene.answered(ana, CHANNEL, root.ts)
    (row,) = scene.script.rows
    assert "The landlord comes on Thursday." in row.inputs["thread"]


async def test_a_thread_is_read_again_when_its_answer_is_continued(scene: Scene) -> None:
    ana, root = scene.person("U0ANA"), await broken_heating(scene)
    await ana.say(CHANNEL, "<@U0SPAN> summarise-thread: go", root.ts)
    await scene.answered(ana, CHANNEL, root.ts)
    await scene.person("U0BEN").say(CHANNEL, "And somebody has to be there at nine.", root.ts)
    await ana.say(CHANNEL, "<@U0SPAN> summarise this thread again please", root.ts)
    await scene.answered(ana, CHANNEL, root.ts, count=2)
    second = scene.script.rows[1].inputs["thread"]
    assert "The heating" in second and "be there at nine" in second


async def test_a_thread_is_read_to_its_end(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    root = await ana.say(CHANNEL, "summarise-thread: message 0 of a long discussion")
    for number in range(1, 230):
        await ana.say(CHANNEL, f"message {number} of a long discussion", root.ts)
    await scene.quiet()
    await ana.shortcut(RUN_ON_THIS, root)
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "All of it will be used" in words(form)
    await ana.submit(form, {})
    await scene.answered(ana)
    assert "message 229 of a long discussion" in scene.script.rows[-1].inputs["thread"]


async def test_an_answer_full_of_escaped_characters_is_shown(scene: Scene) -> None:
    code = "```\n" + '<row a="1"><b>x</b></row>\n' * 110 + "```"
    scene.script.ending = lambda row: succeeded(answer(code))
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy xml please")
    message = await scene.answered(ana)
    assert "<row a=" in words(message) and len(message.text) <= 3000
    assert not re.search(r"&[a-z]*…$", message.text)


async def test_a_workflow_picked_twice_for_a_message_runs_once(scene: Scene) -> None:
    ana = scene.person("U0ANA")

    for times in (1, 2):
        asked = await ana.say(CHANNEL, "<@U0SPAN> xylophone")
        offer = await ana.wait_for(lambda: next((m for m in ana.ephemerals(CHANNEL) if picks(m)), None))
        chosen = next(value for value in picks(offer) if "ask-policy" in value)
        await asyncio.gather(ana.click(offer, blocks.PICK, chosen), ana.click(offer, blocks.PICK, chosen))
        await scene.answered(ana, CHANNEL, asked.ts)
        await scene.quiet()
        assert len(scene.script.rows) == times, "once for each message, though the words are the same"
        told = [words(m) for m in ana.ephemerals(CHANNEL)]
        for said in ("Working on *Ask the people handbook*", "it runs once"):
            assert sum(said in each for each in told) == times


async def test_a_message_that_lacks_an_input_offers_the_form(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, "plan-trip: a visit to Leeds")
    offer = await ana.wait_for(lambda: next(iter(ana.ephemerals(ana.dm)), None))
    assert (await ana.click(offer, blocks.FILL)).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "a visit to Leeds" in str(form.body)


async def test_the_message_shortcut_runs_a_workflow_on_a_message(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    said = await ben.say(CHANNEL, "How many days of leave can I carry over?")
    assert (await ana.shortcut(RUN_ON_THIS, said)).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "ask-policy" in form.body["private_metadata"], "the best fit is chosen"
    await ana.click(form, forms.CHOICE, "summarise-thread")
    form = await ana.wait_for(
        lambda: next((v for v in ana.views() if "summarise-thread" in v.body["private_metadata"]), None)
    )
    assert "Ben Okafor: How many days" in str(form.body)
    assert (await ana.submit(form, {})).ok
    await scene.answered(ana)
    assert "carry over" in scene.script.rows[0].inputs["thread"]


async def test_a_long_thread_goes_in_whole(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    root = await ben.say(CHANNEL, "Where do we put the new sensors?")
    for number in range(8):
        await ben.say(CHANNEL, f"{number} " + "reason " * 80, root.ts)
    await ana.shortcut(RUN_ON_THIS, root)
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    await ana.click(form, forms.CHOICE, "summarise-thread")
    form = await ana.wait_for(
        lambda: next((v for v in ana.views() if "taken" in v.body["private_metadata"]), None)
    )
    assert (await ana.submit(form, {})).ok
    await scene.answered(ana)
    given = scene.script.rows[0].inputs["thread"]
    assert len(given) > 4000 and given.startswith("Ben Okafor: Where do we put")


async def test_home_shows_what_can_be_run_and_was_run(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    await dev.command(CHANNEL, "/ask-policy How many days?")
    await scene.answered(dev)
    home = await dev.open_home()
    said = words(home)
    assert "Ask the people handbook" in said and "answered" in said and "You are an admin here" in said
    assert (await dev.click(home, blocks.START, "ask-policy")).ok
    form = await dev.wait_for(lambda: next(iter(dev.views()), None))
    outcome = await dev.submit(form, {"input:question@ask-policy": {"value": "And sick leave?"}})
    assert outcome.ok
    await scene.answered(dev, count=2)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/spanwise", "You can run|I run your organisation's AI workflows"),
        ("/spanwise help", "Ask the people handbook"),
        ("/spanwise help ask-policy", "For example"),
        ("/spanwise help asc-policy", "Did you mean `ask-policy`"),
        ("/spanwise list", "Plan a trip"),
        ("/spanwise run", "Plan a trip"),
        ("/spanwise status", "You have not run anything yet"),
        ("/spanwise status r_gone", "I find no run"),
        ("/spanwise cancel r_gone", "I find no run"),
        ("/spanwise cancel", "Nothing of yours is running"),
        ("/spanwise stauts", "Did you mean `/spanwise status`"),
        ("/spanwise ask-polcy", "Did you mean `/spanwise run ask-policy`"),
        ("/ask-policy help", "Type `/ask-policy"),
        ("/plan-trip ?", "optional"),
    ],
)
async def test_the_umbrella_and_help_answer_at_once(scene: Scene, typed: str, said: str) -> None:
    outcome = await scene.person("U0ANA").command(CHANNEL, typed)
    assert outcome.ok
    assert any(part in str(outcome.payload) for part in said.split("|")), outcome.payload


async def test_cancel_with_nothing_running_does_not_deny_what_was_run(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await scene.answered(ana)
    said = str((await ana.command(CHANNEL, "/spanwise cancel")).payload)
    assert "Nothing of yours is running or waiting" in said and "not run anything" not in said


async def test_run_through_the_umbrella(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, '/spanwise run ask-policy "How many days?"')).ok
    await scene.answered(ana)
    assert scene.script.rows[0].inputs == {"question": "How many days?"}


async def test_the_setting_is_of_commands_and_says_so(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise settings")
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "A mention in a channel is always answered there." in str(form.body)
    assert (await ana.submit(form, {"answers": {forms.ANSWERS: "private"}})).ok
    asked = await ana.say(CHANNEL, "<@U0SPAN> ask-policy: How many days?")
    await scene.answered(ana, CHANNEL, asked.ts)


async def test_settings_move_answers_to_the_channel(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/spanwise settings")
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert (await ana.submit(form, {"answers": {forms.ANSWERS: "channel"}})).ok
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await scene.answered(ana, CHANNEL)
    assert await scene.desk.preferences.answers("U0ANA") == "channel"


async def test_the_working_notice_links_to_a_known_conversation(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy one?")
    await scene.answered(ana)
    outcome = await ana.command(CHANNEL, "/ask-policy two?")
    assert f"https://larkfield.slack.com/archives/{ana.dm}" in str(outcome.payload)


async def test_an_answer_for_a_channel_without_the_bot_comes_to_the_asker_and_is_said_to(
    scene: Scene,
) -> None:
    dev = scene.person("U0DEV")
    outcome = await dev.command("C0LEADS", "/ask-policy --public How many days?")
    said = str(outcome.payload)
    assert "I am not in this channel, so the answer comes in" in said and "`/invite`" in said
    message = await scene.answered(dev)
    assert "I am not in <#C0LEADS>" in words(message)
    assert (await dev.command("C0LEADS", "/invite @spanwise")).ok
    invited = await dev.command("C0LEADS", "/ask-policy --public How many days?")
    assert "The answer comes here." in str(invited.payload)
    await scene.answered(dev, "C0LEADS")


async def test_the_shortcut_says_of_a_channel_without_the_bot_where_the_answer_comes(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    said = await dev.say("C0LEADS", "How many days of leave can I carry over?")
    assert (await dev.shortcut(RUN_ON_THIS, said)).ok
    form = await dev.wait_for(lambda: next(iter(dev.views()), None))
    assert (await dev.submit(form, {"where": {forms.WHERE: ["channel"]}})).ok
    note = await dev.wait_for(lambda: next(iter(dev.ephemerals("C0LEADS")), None))
    assert "I am not in this channel, so the answer comes in" in words(note)
    await scene.answered(dev)


async def test_where_slack_does_not_tell_whether_the_bot_is_there_both_places_are_said(scene: Scene) -> None:
    scene.workspace.faults.add("conversations.info", "error", error="internal_error")
    outcome = await scene.person("U0ANA").command(CHANNEL, "/ask-policy --public How many days?")
    assert "The answer comes here, or in" in str(outcome.payload)
