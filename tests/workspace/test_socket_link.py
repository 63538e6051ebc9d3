"""Socket Mode as the wire shows it: hello, envelopes, acks, refresh, redelivery."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.clockwork import ManualClock
from bot.workspace.driver import Person
from bot.workspace.socket_link import CONNECTIONS_LIMIT


class Link:
    """A bare Socket Mode client that answers only what a test tells it to."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.session = session
        self.socket = socket

    async def receive(self) -> dict[str, Any]:
        return await self.socket.receive_json(timeout=5)

    async def ack(self, envelope: dict[str, Any], payload: dict[str, Any] | None = None) -> None:
        body = {"envelope_id": envelope["envelope_id"]}
        await self.socket.send_json(body | ({"payload": payload} if payload else {}))

    async def close(self) -> None:
        await self.socket.close()
        await self.session.close()


@pytest.fixture
async def connect():
    links: list[Link] = []

    async def connect(workspace) -> Link:
        client = AsyncWebClient(token="xapp-1", base_url=workspace.api_url)
        address = (await client.apps_connections_open(app_token="xapp-1"))["url"]
        session = aiohttp.ClientSession()
        links.append(Link(session, await session.ws_connect(address)))
        return links[-1]

    yield connect
    for link in links:
        await link.close()


async def test_a_connection_is_greeted_and_its_address_works_once(workspace, connect):
    link = await connect(workspace)
    hello = await link.receive()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0SPAN"}
    for ticket in ("", "again"):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await link.session.ws_connect(f"{workspace.base_url}/link/?ticket={ticket}")


async def test_the_eleventh_connection_is_turned_away(workspace, connect):
    for number in range(CONNECTIONS_LIMIT):
        assert (await (await connect(workspace)).receive())["num_connections"] == number + 1
    refused = await (await connect(workspace)).receive()
    assert refused == {"type": "disconnect", "reason": "too_many_websockets"}


async def test_a_command_arrives_as_an_envelope_and_its_ack_is_shown(workspace, connect):
    link = await connect(workspace)
    await link.receive()
    ana = Person(workspace, "U0ANA")
    typing = asyncio.create_task(ana.command("C0PEOPLE", "/probe  “smart”  text "))
    envelope = await link.receive()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    payload = envelope["payload"]
    assert payload["text"] == "“smart”  text"
    assert (payload["command"], payload["user_id"], payload["channel_name"]) == (
        "/probe",
        "U0ANA",
        "people-questions",
    )
    assert payload["is_enterprise_install"] == "false"
    assert payload["response_url"].startswith(workspace.base_url)
    await link.ack(envelope, {"text": "done", "response_type": "in_channel"})
    assert (await typing).ok
    assert [one.text for one in ana.messages("C0PEOPLE")] == ["done"]


async def test_names_in_a_command_are_linked_only_where_the_manifest_asks(workspace, connect):
    link = await connect(workspace)
    await link.receive()
    ana = Person(workspace, "U0ANA")
    for command, expected in (
        ("/probe", "@ben in #general <b>"),
        ("/named", "<@U0BEN|ben> in <#C0GENERAL|general> &lt;b&gt;"),
    ):
        typing = asyncio.create_task(ana.command("C0PEOPLE", f"{command} @ben in #general <b>"))
        envelope = await link.receive()
        assert envelope["payload"]["text"] == expected
        await link.ack(envelope)
        await typing


async def test_no_ack_in_three_seconds_is_an_operation_timeout(start_workspace, connect):
    clock = ManualClock()
    workspace = await start_workspace(clock=clock)
    link = await connect(workspace)
    await link.receive()
    ana = Person(workspace, "U0ANA")
    typing = asyncio.create_task(ana.command("C0PEOPLE", "/probe"))
    envelope = await link.receive()
    await clock.until_asleep(3)
    clock.advance(2.9)
    assert not typing.done()
    clock.advance(0.2)
    outcome = await typing
    assert (outcome.ok, outcome.error) == (False, "operation_timeout")
    assert ana.toasts == ["/probe failed with the error “operation_timeout”."]
    await link.ack(envelope, {"text": "too late"})
    assert ana.ephemerals("C0PEOPLE") == []


async def test_a_command_fails_at_once_when_nobody_is_connected(workspace):
    ana = Person(workspace, "U0ANA")
    assert (await ana.command("C0PEOPLE", "/probe")).error == "dispatch_failed"
    assert "not connected: send it again once it is" in ana.toasts[0]


@pytest.mark.parametrize(
    ("text", "in_thread", "error", "message"),
    [
        ("/nonsense", False, "unknown_command", "/nonsense is not a valid command."),
        ("/probe x", True, "not_in_threads", "/probe is not supported in threads. Sorry!"),
    ],
)
async def test_commands_that_slack_itself_refuses(workspace, text, in_thread, error, message):
    ana = Person(workspace, "U0ANA")
    root = await ana.say("C0PEOPLE", "root")
    outcome = await ana.command("C0PEOPLE", text, root.ts if in_thread else None)
    assert (outcome.error, outcome.message) == (error, message)


async def test_events_that_are_not_acked_come_again_at_once_then_after_one_and_five_minutes(
    start_workspace, connect
):
    clock = ManualClock()
    workspace = await start_workspace(clock=clock)
    link = await connect(workspace)
    await link.receive()
    await Person(workspace, "U0ANA").say("C0GENERAL", "hello")
    seen = []
    for wait in (0, 60, 300, None):
        envelope = await link.receive()
        seen.append((envelope["retry_attempt"], envelope["retry_reason"], envelope["payload"]["event_id"]))
        await clock.until_asleep(3)
        clock.advance(3)
        if wait:
            await clock.until_asleep(wait)
            clock.advance(wait)
    assert [attempt for attempt, _, _ in seen] == [0, 1, 2, 3]
    assert {reason for _, reason, _ in seen[1:]} == {"timeout"}
    assert len({event_id for _, _, event_id in seen}) == 1


async def test_an_event_whose_connection_dies_comes_again_on_the_next_one(start_workspace, connect):
    workspace = await start_workspace()
    first, second = await connect(workspace), await connect(workspace)
    await first.receive()
    await second.receive()
    await Person(workspace, "U0ANA").say("C0GENERAL", "hello")
    await first.receive()
    await first.socket.close()
    envelope = await second.receive()
    assert envelope["retry_attempt"] == 1
    assert envelope["payload"]["event"]["text"] == "hello"


async def test_deliveries_go_to_the_connections_in_turn(workspace, connect):
    links = [await connect(workspace) for _ in range(2)]
    for link in links:
        await link.receive()
    ana = Person(workspace, "U0ANA")
    for text in ("one", "two"):
        await ana.say("C0GENERAL", text)
    texts = set()
    for link in links:
        envelope = await link.receive()
        await link.ack(envelope)
        texts.add(envelope["payload"]["event"]["text"])
    assert texts == {"one", "two"}


async def test_planned_misfortune_of_deliveries(workspace, connect):
    link = await connect(workspace)
    await link.receive()
    workspace.faults.add("slash_commands", "drop")
    ana = Person(workspace, "U0ANA")
    assert (await ana.command("C0PEOPLE", "/probe lost")).error == "operation_timeout"
    workspace.faults.add("slash_commands", "duplicate")
    typing = asyncio.create_task(ana.command("C0PEOPLE", "/probe twice"))
    twice = [await link.receive(), await link.receive()]
    assert [one["payload"]["text"] for one in twice] == ["twice", "twice"]
    assert twice[0]["payload"]["trigger_id"] == twice[1]["payload"]["trigger_id"]
    for envelope in twice:
        await link.ack(envelope)
    assert (await typing).ok


async def test_the_official_client_reconnects_when_asked_to(workspace):
    web = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    client = SocketModeClient(app_token="xapp-1", web_client=web, ping_interval=0.2)
    greeted: list[bool] = []
    workspace.town.noticeboard.subscribe(
        lambda notice: greeted.append(notice.subject) if notice.kind == "app" else None
    )
    person = Person(workspace, "U0ANA")
    try:
        await client.connect()
        await person.wait_for(lambda: workspace.link.is_connected)
        await workspace.refresh_connections()
        await person.wait_for(lambda: len(greeted) == 3 and greeted[-1])
        assert [method for method, _ in workspace.calls] == ["apps.connections.open"] * 2
    finally:
        await client.close()


MENTION = "<@U0SPAN> hi"
EVENTS = [
    ("C0GENERAL", "hi", ["message"]),
    ("C0GENERAL", MENTION, ["app_mention", "message"]),
    ("D0ANASPAN", MENTION, ["message"]),
    ("C0LEADS", MENTION, []),
]


@pytest.mark.parametrize(("channel", "text", "expected"), EVENTS)
async def test_which_events_a_message_causes(workspace, connect, channel, text, expected):
    link = await connect(workspace)
    await link.receive()
    workspace.town.direct("U0ANA", "U0SPAN")
    author = Person(workspace, "U0CHLOE" if channel == "C0LEADS" else "U0ANA")
    await author.say(channel, text)
    await author.say("C0SUPPORT", "the end")
    got = []
    while True:
        envelope = await link.receive()
        await link.ack(envelope)
        if envelope["payload"]["event"]["text"] == "the end":
            break
        got.append(envelope["payload"]["event"]["type"])
    assert sorted(got) == expected


async def test_the_app_hears_its_own_messages_edits_deletions_and_reactions(workspace, connect):
    link = await connect(workspace)
    await link.receive()
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    posted = await client.chat_postMessage(channel="C0GENERAL", text="one")
    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="two")
    await client.reactions_add(channel="C0GENERAL", timestamp=posted["ts"], name="eyes")
    await client.chat_delete(channel="C0GENERAL", ts=posted["ts"])
    events = []
    for _ in range(4):
        envelope = await link.receive()
        await link.ack(envelope)
        events.append(envelope["payload"]["event"])
    assert [one.get("subtype", one["type"]) for one in events] == [
        "message",
        "message_changed",
        "reaction_added",
        "message_deleted",
    ]
    assert (events[0]["user"], events[0]["bot_id"], events[0]["channel_type"]) == (
        "U0SPAN",
        "B0SPAN",
        "channel",
    )
    assert events[1]["message"]["text"] == "two"
    assert events[1]["previous_message"]["text"] == "one"


async def test_events_nobody_subscribed_to_or_has_the_scope_for_are_not_sent(
    start_workspace, connect, manifest_with
):
    manifest = manifest_with(without_scopes=("channels:history",))
    workspace = await start_workspace(manifest)
    link = await connect(workspace)
    await link.receive()
    ana = Person(workspace, "U0ANA")
    await ana.say("C0GENERAL", "unheard")
    await ana.say(ana.dm, "heard")
    assert (await link.receive())["payload"]["event"]["text"] == "heard"


async def test_a_new_manifest_takes_effect_at_once(workspace, manifest_with):
    manifest = manifest_with()
    manifest["features"]["slash_commands"] = [{"command": "/fresh", "description": "New"}]
    config = AsyncWebClient(token="xoxe.xoxp-1", base_url=workspace.api_url)
    await config.api_call("apps.manifest.update", json={"app_id": "A0SPAN", "manifest": manifest})
    ana = Person(workspace, "U0ANA")
    assert (await ana.command("C0GENERAL", "/probe")).error == "unknown_command"
    assert (await ana.command("C0GENERAL", "/fresh")).error == "dispatch_failed"
