"""HTTP mode: the official library takes our signed posts, in all three formats, and we retry events."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.driver import Person
from bot.workspace.workspace_server import Workspace

SECRET = "a-signing-secret"
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "7"}


class Receiver:
    """An app in HTTP mode, its server, and what came in."""

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self.retries: list[str | None] = []
        self.clicked: list[str] = []
        self.fail_first = 0
        self.bolt: AsyncApp | None = None
        self.server = web.Application()
        self.server.router.add_post("/slack/events", self._receive)
        self.url = ""

    async def start(self) -> None:
        self.runner = web.AppRunner(self.server)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/slack/events"

    def connect(self, workspace: Workspace) -> None:
        client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
        app = AsyncApp(client=client, signing_secret=self.secret)

        @app.command("/probe")
        async def probe(ack, command):
            await ack(f"heard {command['text']}")

        @app.event("message")
        async def message(event, say):
            blocks = [{"type": "actions", "elements": [BUTTON]}]
            await say(text=f"got {event['text']}", blocks=blocks)

        @app.action("go")
        async def go(ack, action, respond):
            await ack()
            self.clicked.append(action["value"])
            await respond(text="gone", replace_original=True)

        self.bolt = app

    async def _receive(self, request: web.Request) -> web.Response:
        self.retries.append(request.headers.get("X-Slack-Retry-Num"))
        if self.fail_first:
            self.fail_first -= 1
            return web.Response(status=500)
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

        assert self.bolt is not None
        response = await self.bolt.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(response)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.runner.cleanup()


async def test_commands_events_and_interactions_over_signed_http(start_workspace, receiver):
    workspace = await start_workspace(request_url=receiver.url, signing_secret=SECRET)
    receiver.connect(workspace)
    ana = Person(workspace, "U0ANA")
    assert (await ana.command("C0PEOPLE", "/probe a&b=c “q”")).ok
    assert ana.ephemerals("C0PEOPLE")[0].text == "heard a&b=c “q”"
    await ana.say(ana.dm, "hi")
    (_, answer) = await ana.wait_for(lambda: ana.messages(ana.dm)[1:] and ana.messages(ana.dm))
    assert answer.text == "got hi"
    assert (await ana.click(answer, "go")).ok
    await ana.wait_for(lambda: answer.text == "gone")
    assert receiver.clicked == ["7"]


async def test_a_wrong_secret_is_no_acknowledgement(start_workspace, receiver):
    workspace = await start_workspace(request_url=receiver.url, signing_secret="another")
    receiver.connect(workspace)
    assert (await Person(workspace, "U0ANA").command("C0PEOPLE", "/probe x")).error == "dispatch_failed"


async def test_an_event_answered_with_an_error_comes_again(start_workspace, receiver):
    workspace = await start_workspace(request_url=receiver.url, signing_secret=SECRET)
    receiver.connect(workspace)
    receiver.fail_first = 1
    ana = Person(workspace, "U0ANA")
    await ana.say(ana.dm, "hi")
    await ana.wait_for(lambda: len(ana.messages(ana.dm)) == 2)
    assert receiver.retries[:2] == [None, "1"]


async def test_an_app_that_is_down_is_a_dispatch_failure(start_workspace):
    workspace = await start_workspace(request_url="http://127.0.0.1:9/slack/events", signing_secret=SECRET)
    assert (await Person(workspace, "U0ANA").command("C0PEOPLE", "/probe x")).error == "dispatch_failed"
