"""The courier's way out, with Slack misbehaving: posted once, edited in place, found again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_checks import shown
from slack_samples import unfinished, view

from bot.services.actors import Origin
from bot.services.outbox_items import OutboxItem, SendAmbiguous, SendLater, SendRefused
from bot.slack.delivery import Delivery
from bot.slack.gateway import Gateway, open_client
from bot.slack.identities import People
from bot.slack.manifest import build
from bot.workspace.workspace_server import Workspace
from tests.fakes import FakeClock
from workflows.run import RunStatus


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    made = Workspace(build(()))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def delivery(workspace: Workspace) -> Delivery:
    clock = FakeClock(datetime.now(UTC))
    gateway = Gateway(open_client("xoxb-test", workspace.api_url), clock)
    return Delivery(gateway, People(gateway, clock), clock)


def item(**changes: Any) -> OutboxItem:
    values: dict[str, Any] = {
        "id": "8b0e5d5e-0000-5000-8000-000000000001",
        "run_id": "r_1",
        "kind": "run",
        "channel": "C0PEOPLE",
        "thread_ts": "",
        "first_sent_at": datetime.now(UTC) - timedelta(seconds=1),
        "posted_channel": "",
        "ts": "",
        "run": unfinished(),
        **changes,
    }
    return OutboxItem(**values)


def said(workspace: Workspace, channel: str) -> list[Any]:
    return [message for message in workspace.town.messages(channel) if message.bot_id]


@pytest.mark.parametrize("verb", ["post", "update"])
async def test_after_its_time_nothing_is_posted_or_drawn_again(
    workspace: Workspace, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """As for a process that was frozen between the courier's look at the lease and the call.

    What it would show is older than what whoever took over has shown.
    """
    now = asyncio.get_running_loop().time
    wait = delivery.gateway._wait
    posted = await delivery.post(item())
    before = [(m.ts, m.text, m.blocks) for m in said(workspace, "C0PEOPLE")]
    late = item(send_by=now() + 60, id="8b0e5d5e-0000-5000-8000-000000000002")
    if verb == "update":
        run = replace(unfinished(), step_title="Of long ago")
        late = replace(late, posted_channel=posted.channel, ts=posted.ts, run=run)

    async def frozen(*args: Any, **kwargs: Any) -> None:
        await wait(*args, **kwargs)
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now() + 61)

    monkeypatch.setattr(delivery.gateway, "_wait", frozen)
    with pytest.raises(SendLater):
        await getattr(delivery, verb)(late)
    monkeypatch.undo()
    assert [(m.ts, m.text, m.blocks) for m in said(workspace, "C0PEOPLE")] == before


async def test_posted_with_its_id_and_nothing_unfurled(workspace: Workspace, delivery: Delivery) -> None:
    posted = await delivery.post(item())
    message = said(workspace, "C0PEOPLE")[0]
    assert (posted.channel, posted.ts) == ("C0PEOPLE", message.ts)
    assert message.metadata["event_payload"] == {"outbox_id": item().id}
    assert message.client_msg_id == item().id
    sent = next(arguments for method, arguments in workspace.calls if method == "chat.postMessage")
    assert sent["unfurl_links"] is False and sent["unfurl_media"] is False
    assert sent["link_names"] is False and sent["parse"] == "none" and sent["text"]


async def test_a_person_is_written_to_directly(workspace: Workspace, delivery: Delivery) -> None:
    posted = await delivery.post(item(channel="U0ANA"))
    assert posted.channel.startswith("D")
    assert delivery.gateway.known_direct("U0ANA") == posted.channel


@pytest.mark.parametrize(
    ("effect", "details", "expected"),
    [
        ("drop_after_store", {}, SendAmbiguous),
        ("drop", {}, SendAmbiguous),
        ("status_after_store", {"status": 500}, SendAmbiguous),
        ("status", {"status": 503}, SendAmbiguous),
        ("error", {"error": "internal_error"}, SendAmbiguous),
        ("error", {"error": "fatal_error"}, SendAmbiguous),
        ("rate_limited", {"retry_after": 7}, SendLater),
        ("error", {"error": "msg_too_long"}, SendRefused),
        ("error", {"error": "token_revoked"}, SendRefused),
        ("error", {"error": "invalid_blocks"}, SendRefused),
    ],
)
async def test_each_failure_is_named_by_what_it_means_and_never_retried_here(
    workspace: Workspace, delivery: Delivery, effect: str, details: dict[str, Any], expected: type[Exception]
) -> None:
    workspace.faults.add("chat.postMessage", effect, **details)  # type: ignore[arg-type]
    with pytest.raises(expected) as caught:
        await delivery.post(item())
    assert len([method for method, _ in workspace.calls if method == "chat.postMessage"]) <= 1
    if isinstance(caught.value, SendLater):
        assert caught.value.after_s == 7


async def test_slack_out_of_reach_means_later(workspace: Workspace, delivery: Delivery) -> None:
    await workspace.stop()
    with pytest.raises(SendLater):
        await delivery.post(item())


@pytest.mark.parametrize("channel", ["C0PEOPLE", "U0ANA"])
async def test_what_was_stored_before_the_connection_broke_is_found(
    workspace: Workspace, delivery: Delivery, channel: str
) -> None:
    assert await delivery.find(item(channel=channel)) is None
    workspace.faults.add("chat.postMessage", "drop_after_store")
    with pytest.raises(SendAmbiguous):
        await delivery.post(item(channel=channel))
    found = await delivery.find(item(channel=channel))
    assert found is not None and found.ts
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    assert await delivery.find(item(channel=channel, first_sent_at=ahead)) == found, "by whichever clock"


async def test_a_reply_is_found_in_its_thread(workspace: Workspace, delivery: Delivery) -> None:
    root = await delivery.post(item())
    reply = item(id="8b0e5d5e-0000-5000-8000-000000000002", thread_ts=root.ts)
    posted = await delivery.post(reply)
    assert await delivery.find(reply) == posted


async def test_a_channel_without_us_moves_the_message_to_the_asker_where_it_is_found(
    workspace: Workspace, delivery: Delivery
) -> None:
    run = unfinished(origin=Origin("command", "T0SPAN", "C0LEADS", visibility="channel"))
    lost = item(channel="C0LEADS", run=run)
    posted = await delivery.post(lost)
    assert posted.channel.startswith("D")
    assert "I am not in <#C0LEADS>" in shown(said(workspace, posted.channel)[0].blocks)
    assert await delivery.find(lost) == posted


async def test_drawn_again_in_place(workspace: Workspace, delivery: Delivery) -> None:
    posted = await delivery.post(item())
    done = item(posted_channel=posted.channel, ts=posted.ts, run=view())
    await delivery.update(done)
    assert len(said(workspace, "C0PEOPLE")) == 1
    assert "five days" in shown(said(workspace, "C0PEOPLE")[0].blocks)
    assert "owner Chloe Martin" in shown(said(workspace, "C0PEOPLE")[0].blocks)


async def test_a_message_that_was_deleted_is_left_alone(workspace: Workspace, delivery: Delivery) -> None:
    await delivery.update(item(posted_channel="C0PEOPLE", ts="1.1", run=view()))


async def test_steps_give_way_to_answers_when_edits_run_short(
    workspace: Workspace, delivery: Delivery
) -> None:
    posted = await delivery.post(item())
    step = item(posted_channel=posted.channel, ts=posted.ts, run=unfinished(status=RunStatus.RUNNING))
    for _ in range(60):
        await delivery.update(step)
    drawn = [method for method, _ in workspace.calls if method == "chat.update"]
    assert 20 <= len(drawn) <= 30
    await delivery.update(replace(step, run=view()))
    assert "five days" in shown(said(workspace, "C0PEOPLE")[0].blocks)


async def test_a_notice_without_a_run(workspace: Workspace, delivery: Delivery) -> None:
    await delivery.post(item(kind="notice", run=None, run_id="", body={"text": "The index was rebuilt."}))
    assert "The index was rebuilt." in shown(said(workspace, "C0PEOPLE")[0].blocks)


async def test_429_holds_the_channel_it_came_from(workspace: Workspace, delivery: Delivery) -> None:
    workspace.faults.add("chat.postMessage", "rate_limited", retry_after=30)
    for number in range(2):
        with pytest.raises(SendLater) as caught:
            await delivery.post(item(thread_ts=f"{number + 1}.0"))
        assert (round(caught.value.after_s), caught.value.is_channel) == (30, True)
    asked = [method for method, _ in workspace.calls if method == "chat.postMessage"]
    assert len(asked) == 1, "the second was not tried"
    assert (await delivery.post(item(channel="U0ANA"))).channel.startswith("D")


def undelivered(**facts: str) -> OutboxItem:
    body = {
        "reason": "is_archived",
        "channel": "C0PEOPLE",
        "run": "r_1",
        "title": "Ask the handbook",
        **facts,
    }
    return item(kind="undelivered", channel="U0CHLOE", run=None, run_id="", body=body)


async def test_an_owner_reads_what_was_not_posted_where_and_why(
    workspace: Workspace, delivery: Delivery
) -> None:
    posted = await delivery.post(undelivered())
    words = shown(said(workspace, posted.channel)[0].blocks)
    assert (
        "A message of *Ask the handbook* could not be posted in <#C0PEOPLE>: the channel is archived" in words
    )
    assert "`/spanwise status r_1` shows the run" in words


@pytest.mark.parametrize("reason", ["token_revoked", "account_inactive"])
async def test_what_tells_of_a_token_waits_until_slack_hears_us_again(
    workspace: Workspace, delivery: Delivery, reason: str
) -> None:
    workspace.faults.add("chat.postMessage", "error", error=reason)
    with pytest.raises(SendRefused, match=reason):
        await delivery.post(item(channel="C0LEADS"))
    workspace.faults.add("chat.postMessage", "error", error=reason)
    with pytest.raises(SendLater) as caught:
        await delivery.post(undelivered(reason=reason))
    assert caught.value.after_s == 60
    posted = await delivery.post(undelivered(reason=reason))
    assert "did not take the app's token" in shown(said(workspace, posted.channel)[0].blocks)
