"""The app library runs against the local workspace unchanged, in Socket Mode."""

from collections.abc import AsyncIterator

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.driver import Person
from bot.workspace.workspace_server import Workspace

MANIFEST = {
    "display_information": {"name": "Echo"},
    "features": {
        "app_home": {"home_tab_enabled": True},
        "slash_commands": [{"command": "/echo", "description": "Says it back", "usage_hint": "<text>"}],
        "shortcuts": [
            {"name": "Echo this", "type": "message", "callback_id": "echo-this", "description": "-"}
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "commands",
                "chat:write",
                "app_mentions:read",
                "im:history",
                "channels:history",
                "files:write",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {"bot_events": ["app_mention", "message.im", "app_home_opened"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}
MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "question",
            "label": {"type": "plain_text", "text": "Question"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}
BUTTONS = [
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {
                "type": "button",
                "action_id": "ask",
                "text": {"type": "plain_text", "text": "Ask"},
                "value": "1",
            }
        ],
    }
]


def echo_app(client: AsyncWebClient) -> AsyncApp:
    app = AsyncApp(client=client, token=client.token)

    @app.command("/echo")
    async def echo(ack, command, client, respond):
        await ack(f"heard {command['text']}")
        posted = await client.chat_postMessage(
            channel=command["user_id"], text=command["text"], blocks=BUTTONS
        )
        await respond(text=f"posted {posted['channel']}")

    @app.event("app_mention")
    async def mention(event, say):
        await say(text=f"you said {event['text']}", thread_ts=event["ts"])

    @app.event("message")
    async def direct(event, say):
        await say(f"dm {event['text']}")

    @app.action("ask")
    async def ask(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("ask")
    async def asked(ack, view, body, client):
        text = view["state"]["values"]["question"]["text"]["value"]
        if text == "no":
            await ack(response_action="errors", errors={"question": "Say more"})
            return
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text=f"asked {text}")

    @app.shortcut("echo-this")
    async def echo_this(ack, shortcut, respond):
        await ack()
        await respond(f"echo {shortcut['message']['text']}")

    @app.event("app_home_opened")
    async def home(event, client):
        blocks = [{"type": "markdown", "text": "x"}] if event["user"] == "U0BEN" else []
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    return app


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    workspace = Workspace(MANIFEST)
    await workspace.start()
    client = AsyncWebClient(token="xoxb-test", base_url=workspace.api_url)
    handler = AsyncSocketModeHandler(echo_app(client), "xapp-test")
    await handler.connect_async()
    await Person(workspace, "U0ANA").wait_for(lambda: workspace.link.is_connected)
    yield workspace
    await handler.close_async()
    await workspace.stop()


async def test_a_command_is_acknowledged_and_answered(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    outcome = await ana.command("C0PEOPLE", "/echo hello there")
    assert outcome.ok
    ephemerals = await ana.wait_for(lambda: ana.ephemerals("C0PEOPLE")[1:] and ana.ephemerals("C0PEOPLE"))
    assert {one.text for one in ephemerals} == {"heard hello there", f"posted {ana.dm}"}
    assert [one.text for one in ana.messages(ana.dm)] == ["hello there"]


async def test_a_mention_is_answered_in_its_thread(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    said = await ana.say("C0PEOPLE", "@Spanwise hi & <!channel>")
    reply = await ana.wait_for(lambda: ana.messages("C0PEOPLE", said.ts)[1:])
    assert reply[0].text == "you said <@U0SPAN> hi &amp; &lt;!channel&gt;"


async def test_a_direct_message_is_answered_once_because_the_app_ignores_its_own(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    await ana.say(ana.dm, "one")
    await ana.wait_for(lambda: len(ana.messages(ana.dm)) == 2)
    await ana.say(ana.dm, "two")
    await ana.wait_for(lambda: len(ana.messages(ana.dm)) == 4)
    assert [one.text for one in ana.messages(ana.dm)] == ["one", "dm one", "two", "dm two"]


async def test_a_button_opens_a_modal_that_is_sent_back_and_then_taken(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    await ana.command("C0PEOPLE", "/echo hello")
    message = (await ana.wait_for(lambda: ana.messages(ana.dm)))[0]
    await ana.click(message, "ask")
    (view,) = await ana.wait_for(ana.views)
    assert (await ana.submit(view, {})).errors == {"question": "Please complete this required field."}
    assert (await ana.submit(view, {"question": {"text": "no"}})).errors == {"question": "Say more"}
    assert (await ana.submit(view, {"question": {"text": "yes"}})).ok
    assert ana.views() == ()
    await ana.wait_for(lambda: ana.messages(ana.dm)[-1].text == "asked yes")


async def test_a_message_shortcut_carries_the_message(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    message = await ana.say("C0PEOPLE", "look at this")
    assert (await ana.shortcut("echo-this", message)).ok
    ephemerals = await ana.wait_for(lambda: ana.ephemerals("C0PEOPLE"))
    assert ephemerals[0].text == "echo look at this"


async def test_the_home_is_published_when_it_is_opened(workspace: Workspace):
    ana = Person(workspace, "U0ANA")
    assert (await ana.open_home()).blocks == []
