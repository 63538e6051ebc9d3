"""What a process that only takes requests leaves to a worker, and what becomes of it there."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from handed_samples import away_at_first, let_leases_end, mention
from slack_scene import Scene, words
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.adapters.store.database import Store
from bot.adapters.store.handed_log import HandedRequest, end_handed, insert_handed
from bot.services import handing_over
from bot.services.catalogue import Catalogue
from bot.services.elsewhere import ReplaysElsewhere, WorkersTask, encode_elsewhere
from bot.services.handing_over import HandOvers
from bot.slack.dealing import MOST_ATTEMPTS
from bot.slack.front_desk import Reply
from bot.slack.payloads import Call
from bot.slack.reception import Reception, receive_at
from bot.slack.taking_over import TakingOver
from bot.workspace.default_town import BOT_USER_ID
from tests.fakes import FakeClock

VIEW = {"id": "V1", "callback_id": "inputs-fill", "private_metadata": "{}", "state": {"values": {}}}
QUESTION = "What may I spend on dinner when travelling?"


def small(scene: Scene) -> tuple[Reception, HandOvers]:
    """The reception of a process without an encoder, beside the scene's whole one."""
    desk, hand_overs = scene.desk, scene.reception.hand_overs
    catalogue = Catalogue(scene.store, desk.access, desk.clock, encode_elsewhere)
    parts: Any = {"catalogue": catalogue, "replays": ReplaysElsewhere()}
    return receive_at(replace(desk, **parts), hand_overs), hand_overs


async def test_a_mention_waits_on_record_and_a_worker_runs_what_fits(scene: Scene) -> None:
    reception, hand_overs = small(scene)
    for _ in range(2):
        response = await reception.receive("event", mention(QUESTION))
        assert response.status == 200
    await reception.settle()
    actor = await scene.desk.people.actor("U0ANA")
    assert await scene.desk.runs.recent(actor) == ()
    await TakingOver(scene.reception.dealing).drain()
    runs = await scene.desk.runs.recent(actor)
    assert len(runs) <= 1 and await hand_overs.take() is None
    await scene.reception.settle()


async def test_a_named_workflow_needs_no_worker(scene: Scene) -> None:
    reception, hand_overs = small(scene)
    await reception.receive("event", mention("ask-policy: how many days?"))
    await reception.settle()
    actor = await scene.desk.people.actor("U0ANA")
    assert len(await scene.desk.runs.recent(actor)) == 1 and await hand_overs.take() is None


async def test_what_follows_an_answer_is_left_to_a_worker_as_well(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command("C0PEOPLE", "/ask-policy How many days?")
    await scene.answered(ana)
    run = (await scene.desk.runs.recent(await scene.desk.people.actor("U0ANA")))[0]
    reception, hand_overs = small(scene)
    command = {"command": "/spanwise", "text": f"replay {run.id}", "user_id": "U0ANA", "team_id": "T0SPAN"}
    await reception.receive("command", {**command, "channel_id": "C0PEOPLE", "trigger_id": "t9"})
    await reception.settle()
    taken = await hand_overs.take()
    assert taken is not None and taken.is_answered and taken.body["text"] == f"replay {run.id}"


async def elsewhere(*_: object) -> Reply:
    """Stands for every room of a process that has none."""
    raise WorkersTask("test")


async def test_a_worker_says_what_would_have_gone_with_the_acknowledgement(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = scene.person("U0ANA")
    monkeypatch.setattr(Reception, "_handled", elsewhere)
    outcome = await ana.command("C0PEOPLE", "/spanwise help")
    assert outcome.ok and not outcome.payload
    await TakingOver(scene.reception.dealing).drain()
    heard = await ana.wait_for(lambda: ana.ephemerals("C0PEOPLE"))
    assert "ask-policy" in words(heard[-1])


async def test_a_worker_tells_what_a_form_would_have_shown(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(call: Call, desk: object) -> Reply:
        return Reply(ack={"response_action": "errors", "errors": {"input:days": "That is no number."}})

    monkeypatch.setattr("bot.slack.dealing.handlers", lambda: {"view": refused})
    form = {"type": "view_submission", "user": {"id": "U0ANA"}, "team": {"id": "T0SPAN"}, "view": VIEW}
    await scene.reception.dealing.take_over(HandedRequest("k", "view", form, is_answered=False))
    ana = scene.person("U0ANA")
    heard = await ana.wait_for(lambda: scene.app_messages(ana, ana.dm))
    assert "That is no number." in words(heard[-1])


async def test_one_holds_it_at_a_time_and_what_died_is_taken_up_again(store: Store) -> None:
    hand_overs = HandOvers(store, FakeClock())
    await hand_overs.leave(HandedRequest("k", "event", {"a": 1}, is_answered=False))
    first = await hand_overs.take()
    assert first is not None and first.body == {"a": 1} and await hand_overs.take() is None
    store.write_now(let_leases_end)
    again = await hand_overs.take()
    assert again is not None and again.attempts == 2
    await hand_overs.end(first)
    async with hand_overs.held(again):
        assert await hand_overs.take() is None
    await hand_overs.end(again)
    store.write_now(let_leases_end)
    assert await hand_overs.take() is None


async def test_a_database_that_is_away_for_a_moment_ends_no_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_overs, is_held = HandOvers(store, FakeClock()), asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(handing_over, "HOLD_S", 0.01)
    held = away_at_first(lambda *_: loop.call_soon_threadsafe(is_held.set))
    monkeypatch.setattr(handing_over, "hold_handed", held)
    await hand_overs.leave(HandedRequest("k", "event", {"a": 1}, is_answered=False))
    taken = await hand_overs.take()
    assert taken is not None
    async with asyncio.timeout(5), hand_overs.held(taken):
        await is_held.wait()


async def test_what_is_dealt_with_while_the_database_is_away_is_not_dealt_with_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_overs = scene.reception.hand_overs
    monkeypatch.setattr(handing_over, "AGAIN_S", 0.01)
    monkeypatch.setattr(handing_over, "end_handed", away_at_first(end_handed, times=2))
    await hand_overs.leave(HandedRequest("k", "event", mention("help"), is_answered=False))
    await TakingOver(scene.reception.dealing).drain()
    assert count(scene, "handed_requests") == 0


async def test_what_ends_worker_after_worker_is_given_up(scene: Scene) -> None:
    hand_overs = HandOvers(scene.store, scene.desk.clock)
    await hand_overs.leave(HandedRequest("k", "event", mention(QUESTION), is_answered=False))
    for _ in range(MOST_ATTEMPTS):
        assert await hand_overs.take() is not None
        scene.store.write_now(let_leases_end)
    with capture_logs(processors=[merge_contextvars]) as logs:
        await TakingOver(scene.reception.dealing).drain()
    assert {each["event"] for each in logs if each.get("correlation")} >= {
        "handed.given_up",
        "slack.incident",
    }
    assert await scene.desk.runs.recent(await scene.desk.people.actor("U0ANA")) == ()
    assert await hand_overs.take() is None
    ana = scene.person("U0ANA")
    heard = await ana.wait_for(lambda: scene.app_messages(ana, ana.dm))
    assert "went wrong" in words(heard[-1])


async def test_the_loop_takes_up_at_once_and_stops_when_told(scene: Scene) -> None:
    reception, _ = small(scene)
    stop = asyncio.Event()
    loop = asyncio.create_task(TakingOver(scene.reception.dealing, look_s=60).run_until(stop))
    await reception.receive("event", mention(QUESTION))
    async with asyncio.timeout(20):
        while await scene.store.read(lambda c: c.exec_driver_sql("SELECT 1 FROM handed_requests").first()):
            await asyncio.sleep(0.02)
        stop.set()
        await loop


def slack_is_away(scene: Scene, times: int = 3) -> None:
    """As a moment of 503 from its Web API."""
    for method in ("users.info", "chat.postEphemeral", "usergroups.list"):
        scene.workspace.faults.add(method, "status", times=times, status=503)


def count(scene: Scene, table: str) -> int:
    return int(
        scene.store.read_now(lambda c: c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
    )


async def test_a_mention_that_meets_a_slack_in_trouble_is_put_off_and_runs_later(scene: Scene) -> None:
    hand_overs, ana = scene.reception.hand_overs, scene.person("U0ANA")
    await hand_overs.leave(HandedRequest("k", "event", mention("ask-policy: how many days?"), False))
    for _ in range(MOST_ATTEMPTS + 1):
        scene.workspace.faults.planned.clear()
        slack_is_away(scene)
        await TakingOver(scene.reception.dealing).drain()
        assert (count(scene, "handed_requests"), count(scene, "runs")) == (1, 0)
        scene.store.write_now(let_leases_end)
    scene.workspace.faults.planned.clear()
    await TakingOver(scene.reception.dealing).drain()
    assert (count(scene, "handed_requests"), count(scene, "runs")) == (0, 1)
    assert ana.ephemerals("C0PEOPLE") == []


async def test_what_was_put_off_for_too_long_is_told_by_a_message(scene: Scene) -> None:
    hand_overs, ana = scene.reception.hand_overs, scene.person("U0ANA")
    await hand_overs.leave(HandedRequest("k", "event", mention("ask-policy: how many days?"), False))
    scene.store.write_now(lambda c: c.exec_driver_sql("UPDATE handed_requests SET created_at = '2020-01-01'"))
    slack_is_away(scene)
    await TakingOver(scene.reception.dealing).drain()
    assert (count(scene, "handed_requests"), count(scene, "runs")) == (0, 0)
    heard = await ana.wait_for(lambda: scene.app_messages(ana, ana.dm))
    assert "who you are" in words(heard[-1])


async def test_an_event_that_meets_a_slack_in_trouble_is_on_record_and_left_to_a_worker(scene: Scene) -> None:
    slack_is_away(scene)
    assert (await scene.reception.receive("event", mention("ask-policy: how many days?"))).status == 200
    await scene.reception.settle()
    assert (count(scene, "handed_requests"), count(scene, "runs")) == (1, 0)
    scene.workspace.faults.planned.clear()
    scene.store.write_now(let_leases_end)
    await TakingOver(scene.reception.dealing).drain()
    assert (count(scene, "handed_requests"), count(scene, "runs")) == (0, 1)
    assert scene.person("U0ANA").ephemerals("C0PEOPLE") == []


async def test_whom_slack_refuses_to_name_is_not_asked_for_again(scene: Scene) -> None:
    scene.workspace.faults.add("users.info", "error", times=1, error="missing_scope")
    await scene.reception.receive("event", mention("ask-policy: how many days?"))
    await scene.reception.settle()
    assert count(scene, "handed_requests") == 0 and scene.person("U0ANA").ephemerals("C0PEOPLE")


def unrecorded(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """As a database that cannot be written to for a moment."""
    monkeypatch.setattr(handing_over, "insert_handed", away_at_first(insert_handed, times=times))


async def test_what_cannot_be_put_on_record_comes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded(monkeypatch, times=1)
    said = mention("ask-policy: how many days?")
    assert (await scene.reception.receive("event", said)).status == 503
    assert (await scene.reception.receive("event", said, repetition=1)).status == 200
    await scene.reception.settle()
    assert count(scene, "runs") == 1 and scene.person("U0ANA").ephemerals("C0PEOPLE") == []


async def test_at_the_last_repetition_the_person_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded(monkeypatch, times=2)
    response = await scene.reception.receive("event", mention("ask-policy: how many days?"), repetition=3)
    assert response.status == 200
    ana = scene.person("U0ANA")
    heard = await ana.wait_for(lambda: ana.ephemerals("C0PEOPLE"))
    assert "database" in words(heard[-1]) and count(scene, "handed_requests") == 0


async def test_what_can_be_put_on_record_at_last_is_left_to_a_worker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded(monkeypatch, times=1)
    await scene.reception.receive("event", mention("ask-policy: how many days?"), repetition=3)
    await scene.reception.settle()
    assert count(scene, "handed_requests") == 1
    scene.workspace.faults.planned.clear()
    await TakingOver(scene.reception.dealing).drain()
    assert (count(scene, "handed_requests"), count(scene, "runs")) == (0, 1)


async def test_over_the_socket_slack_delivers_again_what_was_not_acknowledged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workspace sends it at once, after a minute and after five, like Slack."""
    unrecorded(monkeypatch, times=1)
    ana = scene.person("U0ANA")
    await ana.say("C0PEOPLE", f"<@{BOT_USER_ID}> ask-policy: how many days?")
    await ana.wait_for(lambda: count(scene, "runs"), seconds=20)
    assert count(scene, "runs") == 1 and ana.ephemerals("C0PEOPLE") == []
