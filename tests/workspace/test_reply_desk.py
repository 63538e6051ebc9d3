"""Response URLs: where their posts go, and when they stop working."""

from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.workspace.clockwork import ManualClock
from bot.workspace.driver import Person
from bot.workspace.response_urls import ResponseSlot


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def workspace(start_workspace, clock):
    return await start_workspace(clock=clock)


def hook(workspace, **slot: Any) -> AsyncWebhookClient:
    return AsyncWebhookClient(workspace.site.response_url(ResponseSlot("U0ANA", "C0LEADS", 0.0, **slot)))


async def test_posts_are_for_one_person_unless_they_ask_for_the_channel(workspace):
    respond = hook(workspace)
    assert (await respond.send(text="quiet")).body == "ok"
    await respond.send(text="loud", response_type="in_channel")
    assert [one.text for one in Person(workspace, "U0ANA").ephemerals("C0LEADS")] == ["quiet"]
    assert [one.text for one in workspace.town.messages("C0LEADS")] == ["loud"]


async def test_the_first_post_can_be_replaced_and_deleted(workspace):
    respond = hook(workspace)
    ana = Person(workspace, "U0ANA")
    await respond.send(text="working")
    await respond.send(text="done", replace_original=True)
    assert [one.text for one in ana.ephemerals("C0LEADS")] == ["done"]
    await respond.send(delete_original=True)
    assert ana.ephemerals("C0LEADS") == []


async def test_the_message_that_was_used_is_replaced(workspace, client):
    posted = await client.chat_postMessage(channel="C0GENERAL", text="press me")
    slot = ResponseSlot("U0ANA", "C0GENERAL", 0.0, source_ts=posted["ts"])
    respond = AsyncWebhookClient(workspace.site.response_url(slot))
    await respond.send(text="pressed", replace_original=True)
    assert [one.text for one in workspace.town.messages("C0GENERAL")] == ["pressed"]


async def test_five_posts_and_no_more(workspace):
    respond = hook(workspace)
    for _ in range(5):
        assert (await respond.send(text="x")).status_code == 200
    refused = await respond.send(text="x")
    assert (refused.status_code, "used_url" in refused.body) == (404, True)


async def test_thirty_minutes_and_no_longer(workspace, clock):
    respond = hook(workspace)
    clock.advance(30 * 60)
    assert (await respond.send(text="x")).status_code == 200
    clock.advance(1)
    assert "expired_url" in (await respond.send(text="x")).body


@pytest.mark.parametrize(
    ("body", "error"), [({"text": ""}, "no_text"), ({"blocks": [{"type": "x"}]}, "invalid_blocks")]
)
async def test_what_no_message_could_say_is_refused(workspace, body, error):
    refused = await hook(workspace).send_dict(body)
    assert (refused.status_code, error in refused.body) == (400, True)


async def test_an_invented_address_is_refused(workspace):
    respond = AsyncWebhookClient(f"{workspace.base_url}/response/nothing")
    assert (await respond.send(text="x")).status_code == 404
