"""What Slack delivers a second time, or somebody who kept it sends again: nothing is said or done twice."""

from typing import Any

import pytest
from handed_samples import away_at_first, let_leases_end, mention
from slack_bolt.response import BoltResponse
from slack_scene import Scene

from bot.adapters.observing import RequestTaken
from bot.adapters.store.handed_log import HandedRequest, insert_dealt, insert_handed
from bot.adapters.store.store_down import StoreDown
from bot.services import handing_over
from bot.services.elsewhere import WorkersTask
from bot.slack import reception as reception_module
from bot.slack.form_replies import closing
from bot.slack.front_desk import Reply
from bot.slack.payloads import LAST_REPETITION, Call, Kind, from_event
from bot.slack.taking_over import TakingOver
from bot.workspace.default_town import BOT_USER_ID

COMMAND = {
    "command": "/spanwise",
    "text": "list",
    "user_id": "U0ANA",
    "team_id": "T0SPAN",
    "channel_id": "C0PEOPLE",
    "trigger_id": "t9",
}


def outcomes(scene: Scene) -> list[str]:
    return [each.outcome for each in scene.happened if isinstance(each, RequestTaken)]


async def sent(scene: Scene, kind: Kind, body: dict[str, Any]) -> BoltResponse:
    """The acknowledgement of a request, once what it leaves is written."""
    response = await scene.reception.receive(kind, body)
    await scene.store.write(lambda _: None)
    return response


async def heard_again(scene: Scene, said: dict[str, Any], repetition: int = 1) -> None:
    """Deliver it once more, and wait until what comes of it is done."""
    response = await scene.reception.receive("event", said, repetition)
    assert response.status == 200
    await scene.reception.settle()


async def test_help_is_told_once_however_often_it_is_delivered(scene: Scene) -> None:
    said, ana = mention("help"), scene.person("U0ANA")
    for repetition in range(LAST_REPETITION + 1):
        await heard_again(scene, said, repetition)
    assert len(ana.ephemerals("C0PEOPLE")) == 1
    assert outcomes(scene) == ["ok", *["delivered before"] * LAST_REPETITION]


async def test_the_same_words_in_another_message_are_another_request(scene: Scene) -> None:
    await heard_again(scene, mention("help"))
    await heard_again(scene, mention("help", ts="1700000000.000200"))
    assert len(scene.person("U0ANA").ephemerals("C0PEOPLE")) == 2


async def test_what_a_process_died_over_is_a_workers_though_slack_was_told_that_it_is_taken(
    scene: Scene,
) -> None:
    said = mention("ask-policy: how many days?")
    key = from_event(said).dedupe_key
    # it put the message on record, and no more
    assert await scene.reception.hand_overs.take_in(HandedRequest(key, "event", said, is_answered=False))
    await heard_again(scene, said, LAST_REPETITION)
    actor = await scene.desk.people.actor("U0ANA")
    assert await scene.desk.runs.recent(actor) == ()
    scene.store.write_now(let_leases_end)
    await TakingOver(scene.reception.dealing).drain()
    assert len(await scene.desk.runs.recent(actor)) == 1
    await heard_again(scene, said, LAST_REPETITION)
    assert len(await scene.desk.runs.recent(actor)) == 1


async def test_what_others_say_to_each_other_is_not_put_on_record(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    begun = await ana.say("C0PEOPLE", "Who has the key?")
    await scene.person("U0BEN").say("C0PEOPLE", "I do.", begun.ts)
    await ana.say("C0PEOPLE", f"<@{BOT_USER_ID}> help")
    await ana.wait_for(lambda: ana.ephemerals("C0PEOPLE"))
    await scene.reception.settle()
    dealt = scene.store.read_now(lambda c: c.exec_driver_sql("SELECT count(*) FROM dealt_requests").scalar())
    assert dealt == 1


async def test_a_command_that_becomes_no_run_is_answered_once(scene: Scene) -> None:
    first = await sent(scene, "command", COMMAND)
    again = await sent(scene, "command", COMMAND)
    assert "ask-policy" in first.body and (again.status, again.body) == (200, "")
    typed_again = await sent(scene, "command", {**COMMAND, "trigger_id": "t10"})
    assert typed_again.body == first.body


async def nothing_more() -> None:
    """What is done once Slack has the acknowledgement."""


class KilledHere(BaseException):
    """Nothing of the process goes on after it."""


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Reply | BaseException) -> list[Call]:
    """Every click and form is answered with the next of these; the calls that came so far."""
    left, calls = list(answers), []

    async def handler(call: Call, desk: object) -> Reply:
        calls.append(call)
        found = left.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    kinds = {"action": handler, "view": handler, "shortcut": handler}
    monkeypatch.setattr(reception_module, "handlers", lambda: kinds)
    return calls


def click(action_ts: str = "7.7") -> dict[str, Any]:
    action = {"action_id": "run-share", "value": "r_1"} | ({"action_ts": action_ts} if action_ts else {})
    return {"user": {"id": "U0ANA"}, "team": {"id": "T0SPAN"}, "actions": [action]}


def form(days: str) -> dict[str, Any]:
    filled = {"days": {"days": {"type": "plain_text_input", "value": days}}}
    view = {"id": "V1", "callback_id": "fill", "private_metadata": "{}", "state": {"values": filled}}
    return {"user": {"id": "U0ANA"}, "team": {"id": "T0SPAN"}, "view": view}


async def test_a_click_does_its_deed_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answering(monkeypatch, Reply(), Reply())
    for action_ts in ("7.7", "7.7", "8.8"):
        await sent(scene, "action", click(action_ts))
    assert len(calls) == 2


async def test_clicks_that_cannot_be_told_apart_are_all_dealt_with(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answering(monkeypatch, Reply(), Reply())
    for _ in range(2):
        await sent(scene, "action", click(action_ts=""))
    assert len(calls) == 2


async def test_a_click_that_came_to_nothing_may_be_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answering(monkeypatch, StoreDown("read-only"), Reply())
    for _ in range(3):
        await sent(scene, "action", click())
    await scene.reception.settle()
    assert len(calls) == 2


@pytest.mark.parametrize("taken", [Reply(), closing(), closing(nothing_more)])
async def test_a_form_that_was_sent_back_can_be_sent_again_and_then_counts_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, taken: Reply
) -> None:
    sent_back = Reply(ack={"response_action": "errors", "errors": {"days": "Not now."}})
    calls = answering(monkeypatch, sent_back, sent_back, taken)
    for days in ("many", "5", "5", "5", "5"):
        await sent(scene, "view", form(days))
    assert len(calls) == 3


async def test_a_form_whose_process_died_over_it_is_taken_when_it_is_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answering(monkeypatch, KilledHere(), Reply())
    with pytest.raises(KilledHere):
        await sent(scene, "view", form("5"))
    await sent(scene, "view", form("5"))
    assert len(calls) == 2


async def test_a_form_that_nobody_could_be_left_with_is_taken_when_it_is_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answering(monkeypatch, WorkersTask("test"), Reply())
    monkeypatch.setattr(handing_over, "insert_handed", away_at_first(insert_handed))
    refused = await sent(scene, "view", form("5"))
    assert "That did not work" in refused.body
    await sent(scene, "view", form("5"))
    assert len(calls) == 2


async def test_a_database_that_cannot_be_written_to_still_shows_what_it_has(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "insert_dealt", away_at_first(insert_dealt))
    shown = await scene.reception.receive("command", COMMAND)
    assert "ask-policy" in shown.body
