"""The page's endpoints and pushes, and that no other page can use them."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.driver import Person

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


class Page:
    """What the page does, without a browser."""

    def __init__(self, workspace: Any, session: aiohttp.ClientSession) -> None:
        self.workspace = workspace
        self.session = session

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        async with self.session.get(self.workspace.base_url + path, params=query) as answer:
            return await answer.json()

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self.session.post(self.workspace.base_url + path, json=body) as answer:
            return await answer.json()

    async def live(self, person: str) -> aiohttp.ClientWebSocketResponse:
        return await self.session.ws_connect(f"{self.workspace.base_url}/page/live?person={person}")


@pytest.fixture
async def page(workspace):
    async with aiohttp.ClientSession() as session:
        yield Page(workspace, session)


async def next_push(socket, kind: str) -> dict[str, Any]:
    while True:
        push = await socket.receive_json(timeout=5)
        if push["type"] == kind:
            return push


async def test_the_state_is_what_one_person_may_see(page):
    ana = await page.get("/page/state", person="U0ANA")
    assert ana["team"] == {"id": "T0SPAN", "name": "Larkfield"}
    assert [one["id"] for one in ana["channels"]] == ["C0GENERAL", "C0PEOPLE", "C0SUPPORT"]
    assert ana["commands"][0] == {
        "command": "/probe",
        "description": "Tries things",
        "usage_hint": "<text>",
        "app": "Probe",
    }
    assert [one["callback_id"] for one in ana["shortcuts"]] == ["probe-this", "probe-all"]
    assert ana["app"] == {"id": "A0SPAN", "name": "Probe", "bot_user_id": "U0SPAN", "connected": False}
    assert [one["id"] for one in ana["people"]][:2] == ["U0ANA", "U0BEN"]
    chloe = await page.get("/page/state", person="U0CHLOE")
    assert chloe["channels"][-1]["is_private"]
    assert (await page.get("/page/state", person="U0NOBODY"))["error"] == "user_not_found"


async def test_a_message_is_said_read_and_counted(page):
    said = await page.post("/page/messages", person="U0ANA", channel="C0GENERAL", text="hello @ben")
    await page.post("/page/messages", person="U0BEN", channel="C0GENERAL", text="hi", thread_ts=said["ts"])
    (root,) = (await page.get("/page/messages", person="U0BEN", channel="C0GENERAL"))["messages"]
    assert (root["text"], root["reply_count"], root["reply_users"]) == ("hello <@U0BEN>", 1, ["U0BEN"])
    thread = await page.get("/page/messages", person="U0BEN", channel="C0GENERAL", thread_ts=said["ts"])
    assert [one["text"] for one in thread["messages"]] == ["hello <@U0BEN>", "hi"]
    state = await page.get("/page/state", person="U0BEN")
    assert state["channels"][0]["unread"] == 1
    await page.post("/page/read", person="U0BEN", channel="C0GENERAL")
    assert (await page.get("/page/state", person="U0BEN"))["channels"][0]["unread"] == 0


async def test_nobody_reads_or_writes_where_they_are_not(page):
    assert (await page.get("/page/messages", person="U0ANA", channel="C0LEADS"))[
        "error"
    ] == "channel_not_found"
    for path, body in (
        ("/page/messages", {"channel": "C0LEADS", "text": "x"}),
        ("/page/commands", {"channel": "C0LEADS", "text": "/probe"}),
    ):
        assert (await page.post(path, person="U0ANA", **body))["error"] == "channel_not_found"


async def test_ephemerals_are_marked_and_for_one_person(page, client):
    await client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="psst")
    (seen,) = (await page.get("/page/messages", person="U0ANA", channel="C0GENERAL"))["messages"]
    assert (seen["is_ephemeral"], seen["bot_id"]) == (True, "B0SPAN")
    assert (await page.get("/page/messages", person="U0BEN", channel="C0GENERAL"))["messages"] == []


async def test_files_get_addresses_that_the_page_can_draw(page, client):
    uploaded = await client.files_upload_v2(channel="C0GENERAL", content=b"\x89PNG", filename="c.png")
    image = {"type": "image", "slack_file": {"id": uploaded["file"]["id"]}, "alt_text": "a"}
    await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[image])
    shared, drawn = (await page.get("/page/messages", person="U0ANA", channel="C0GENERAL"))["messages"]
    for url in (shared["files"][0]["url"], drawn["blocks"][0]["image_url"]):
        async with page.session.get(page.workspace.base_url + url) as answer:
            assert (answer.status, await answer.read()) == (200, b"\x89PNG")
    stored = page.workspace.town.messages("C0GENERAL")[1]
    assert "image_url" not in stored.blocks[0]


async def test_a_person_uploads_a_file_that_is_only_ever_downloaded(page):
    url = f"{page.workspace.base_url}/page/files?person=U0ANA&name=a.html"
    async with page.session.post(url, data=b"<script>1</script>") as answer:
        file = (await answer.json())["file"]
    await page.post("/page/messages", person="U0ANA", channel="C0GENERAL", text="", files=[file["id"]])
    (message,) = page.workspace.town.messages("C0GENERAL")
    assert (message.subtype, message.files[0]["name"]) == ("file_share", "a.html")
    async with page.session.get(page.workspace.base_url + file["url"]) as answer:
        assert answer.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_pushes_arrive_as_things_happen_and_only_for_those_concerned(page, client):
    ana, ben = await page.live("U0ANA"), await page.live("U0BEN")
    await client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="psst")
    posted = await client.chat_postMessage(channel="C0GENERAL", text="one")
    push = await ana.receive_json(timeout=5)
    assert (push["type"], push["message"]["is_ephemeral"]) == ("message", True)
    assert (await ben.receive_json(timeout=5))["message"]["text"] == "one"
    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="two")
    assert (await next_push(ben, "message_changed"))["message"]["text"] == "two"
    await client.chat_delete(channel="C0GENERAL", ts=posted["ts"])
    assert (await next_push(ben, "message_deleted"))["channel"] == "C0GENERAL"
    await client.views_publish(user_id="U0BEN", view={"type": "home", "blocks": [SECTION]})
    assert (await next_push(ben, "home"))["view"]["blocks"][0]["type"] == "section"
    trigger = page.workspace.site.triggers.issue("U0BEN")
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [SECTION]}
    view_id = (await client.views_open(trigger_id=trigger, view=modal))["view"]["id"]
    assert (await next_push(ben, "view_opened"))["view"]["id"] == view_id
    await client.views_update(view_id=view_id, view=modal)
    await next_push(ben, "view_updated")
    assert (await page.post(f"/page/views/{view_id}/close", person="U0BEN"))["ok"]
    assert (await next_push(ben, "view_closed"))["view_id"] == view_id
    assert (await page.post("/page/commands", person="U0BEN", channel="C0GENERAL", text="/probe"))["error"]
    assert (await next_push(ben, "toast"))["level"] == "error"
    await client.apps_connections_open(app_token="xapp-1")
    await ana.close()
    await ben.close()


async def test_the_private_channel_is_not_pushed_to_others(page):
    ana, chloe = await page.live("U0ANA"), await page.live("U0CHLOE")
    await page.post("/page/messages", person="U0CHLOE", channel="C0LEADS", text="secret")
    await page.post("/page/messages", person="U0CHLOE", channel="C0GENERAL", text="open")
    assert (await ana.receive_json(timeout=5))["message"]["text"] == "open"
    assert (await chloe.receive_json(timeout=5))["message"]["text"] == "secret"


async def test_direct_messages_are_opened_and_known(page):
    channel = (await page.post("/page/open_dm", person="U0ANA", **{"with": "U0SPAN"}))["channel"]
    state = await page.get("/page/state", person="U0ANA")
    assert state["channels"][-1] | {"members": []} == {
        "id": channel,
        "name": "directmessage",
        "kind": "dm",
        "with": "U0SPAN",
        "is_private": True,
        "topic": "",
        "members": [],
        "unread": 0,
    }


async def test_an_app_is_invited_after_a_hint(page):
    chloe = Person(page.workspace, "U0CHLOE")
    await chloe.say("C0LEADS", "@spanwise help")
    assert "/invite @spanwise" in chloe.toasts[0]
    assert (await page.post("/page/commands", person="U0CHLOE", channel="C0LEADS", text="/invite @spanwise"))[
        "ok"
    ]
    client = AsyncWebClient(token="xoxb-1", base_url=page.workspace.api_url)
    assert (await client.chat_postMessage(channel="C0LEADS", text="here"))["ok"]


async def test_drills_and_manifests_can_be_put(page, manifest_with):
    await page.post("/page/faults", method="chat.postMessage", effect="error", error="fatal_error", times=2)
    assert page.workspace.faults.planned[0].times == 2
    assert (await page.post("/page/faults", effect="refresh"))["ok"]
    assert (await page.post("/page/faults", method="x", effect="error", colour=1))[
        "error"
    ] == "invalid_arguments"
    manifest = manifest_with()
    manifest["features"]["slash_commands"] = []
    url = f"{page.workspace.base_url}/page/manifest"
    live = await page.live("U0ANA")
    async with page.session.put(url, json=manifest) as answer:
        assert (await answer.json())["ok"]
    await next_push(live, "channels")
    assert (await page.get("/page/state", person="U0ANA"))["commands"] == []


REFUSED = [
    {"Host": "evil.example:80"},
    {"Host": "127.0.0.1.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
PLACES = [
    ("POST", "/page/messages"),
    ("GET", "/page/state"),
    ("GET", "/page/live?person=U0ANA"),
    ("POST", "/api/chat.postMessage?token=xoxb-1&channel=C0GENERAL&text=x"),
    ("GET", "/api/chat.postMessage?token=xoxb-1&channel=C0GENERAL&text=x"),
]


@pytest.mark.parametrize("headers", REFUSED, ids=str)
@pytest.mark.parametrize(("verb", "path"), PLACES)
async def test_other_sites_in_the_same_browser_are_refused(page, headers, verb, path):
    body = {"person": "U0ANA", "channel": "C0GENERAL", "text": "x"} if "page/messages" in path else None
    url = page.workspace.base_url + path
    async with page.session.request(verb, url, json=body, headers=headers) as answer:
        assert answer.status == 403
    assert page.workspace.town.messages("C0GENERAL") == []


async def test_a_form_posted_blindly_is_refused(page):
    url = f"{page.workspace.base_url}/page/messages"
    body = '{"person": "U0ANA", "channel": "C0GENERAL", "text": "x"}'
    async with page.session.post(url, data=body, headers={"Content-Type": "text/plain"}) as answer:
        assert (await answer.json())["error"] == "invalid_form_data"


async def test_the_page_itself_may(page):
    origin = page.workspace.base_url
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    body = {"person": "U0ANA", "channel": "C0GENERAL", "text": "x"}
    async with page.session.post(f"{origin}/page/messages", json=body, headers=headers) as answer:
        assert (await answer.json())["ok"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/archives/C0GENERAL/p1", 200), ("/page/state", 403), ("/api/auth.test", 403)],
)
async def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(page, path, status):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with page.session.get(page.workspace.base_url + path, headers=headers) as answer:
        assert answer.status == status


async def test_only_the_loopback_interface_listens(workspace):
    addresses = [address[0] for address in workspace._runner.addresses]
    assert addresses == ["127.0.0.1"]


async def test_a_page_that_falls_behind_is_cut_off_without_harm(page, client, monkeypatch):
    monkeypatch.setattr("bot.workspace.live_feed.BACKLOG", 2)
    slow = await page.live("U0ANA")
    for number in range(6):
        page.workspace.site.toast("U0ANA", str(number))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        async for _ in slow:
            pass
    assert slow.closed
    assert (await client.chat_postMessage(channel="C0GENERAL", text="still here"))["ok"]
