"""The Web API takes every wire format, serves files, and fails on demand."""

import asyncio
import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.client import WebClient

from bot.workspace.driver import Person

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
BLOCKS = [SECTION]
AUTH = {"Authorization": "Bearer xoxb-1"}
ARGS = {"channel": "C0GENERAL", "text": "hi"}

FORMATS = [
    {"json": ARGS | {"blocks": BLOCKS}, "headers": AUTH},
    {"json": ARGS | {"blocks": json.dumps(BLOCKS)}, "headers": AUTH},
    {"data": ARGS | {"blocks": json.dumps(BLOCKS)}, "headers": AUTH},
    {"data": ARGS | {"blocks": json.dumps(BLOCKS), "token": "xoxb-1"}},
    {"params": ARGS | {"blocks": json.dumps(BLOCKS)}, "headers": AUTH},
]


@pytest.mark.parametrize("how", FORMATS)
async def test_every_wire_format_says_the_same(workspace, how):
    url = f"{workspace.api_url}chat.postMessage"
    async with aiohttp.ClientSession() as session, session.post(url, **how) as answer:
        assert (await answer.json())["ok"]
    (message,) = workspace.town.messages("C0GENERAL")
    assert (message.text, message.blocks[0]["type"]) == ("hi", "section")


async def test_a_get_reads_its_query(workspace):
    url = f"{workspace.api_url}users.info?user=U0ANA"
    async with aiohttp.ClientSession(headers=AUTH) as session, session.get(url) as answer:
        assert (await answer.json())["user"]["real_name"] == "Ana Costa"


async def test_json_that_is_none_is_refused(workspace):
    headers = AUTH | {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for body, error in (("{", "invalid_json"), ("[]", "json_not_object")):
            async with session.post(f"{workspace.api_url}auth.test", data=body) as answer:
                assert (await answer.json())["error"] == error


async def test_the_synchronous_client_works_too(workspace):
    client = WebClient(token="xoxb-1", base_url=workspace.api_url)
    answer = await asyncio.to_thread(client.chat_postMessage, channel="#general", text="by name")
    assert answer["channel"] == "C0GENERAL"


async def test_reading_methods_answer(client):
    assert (await client.team_info())["team"]["name"] == "Larkfield"
    assert (await client.bots_info(bot="B0SPAN"))["bot"]["user_id"] == "U0SPAN"
    assert "U0DEV" in (await client.usergroups_users_list(usergroup="S0LEADS"))["users"]
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(one["handle"], "U0DEV" in one["users"]) for one in groups] == [
        ("leads", True),
        ("pilots", False),
    ]
    assert "users" not in (await client.usergroups_list())["usergroups"][0]
    people = (await client.users_list())["members"]
    assert [one["id"] for one in people if one["is_admin"]] == ["U0DEV"]
    channels = (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    assert [one["name"] for one in channels] == ["general", "people-questions", "it-and-facilities"]
    assert "U0ANA" in (await client.conversations_members(channel="C0GENERAL"))["members"]
    assert (await client.conversations_info(channel="C0GENERAL"))["channel"]["is_member"]
    assert (await client.conversations_open(users="U0ANA"))["channel"]["id"] == "D0ANASPAN"
    assert (await client.blocks_validate(blocks=BLOCKS))["ok"]


async def test_a_permalink_and_a_status(workspace, client):
    root = await Person(workspace, "U0ANA").say("C0GENERAL", "root")
    reply = await client.chat_postMessage(channel="C0GENERAL", text="x", thread_ts=root.ts)
    link = (await client.chat_getPermalink(channel="C0GENERAL", message_ts=reply["ts"]))["permalink"]
    place = f"{workspace.base_url}/archives/C0GENERAL/p{reply['ts'].replace('.', '')}"
    assert link == f"{place}?thread_ts={root.ts}&cid=C0GENERAL"
    seen = []
    workspace.town.noticeboard.subscribe(lambda notice: seen.append((notice.kind, notice.subject)))
    await client.assistant_threads_setStatus(channel_id="C0GENERAL", thread_ts=root.ts, status="reading")
    assert seen == [("status", (root.ts, "reading"))]


async def test_a_file_is_uploaded_posted_and_read_back(workspace, client):
    root = await Person(workspace, "U0ANA").say("C0GENERAL", "chart?")
    await client.files_upload_v2(
        channel="C0GENERAL",
        content=b"\x89PNG",
        filename="c.png",
        title="Cost",
        alt_txt="A line",
        thread_ts=root.ts,
    )
    _, message = workspace.town.messages("C0GENERAL", root.ts)
    (file,) = message.files
    assert (file["title"], file["alt_txt"], file["mimetype"], file["size"]) == (
        "Cost",
        "A line",
        "image/png",
        4,
    )
    async with aiohttp.ClientSession() as session:
        for headers, status in (({}, 403), ({"Authorization": "Bearer nonsense"}, 403), (AUTH, 200)):
            async with session.get(file["url_private"], headers=headers) as answer:
                assert answer.status == status
        async with session.get(file["url_private"], headers=AUTH) as answer:
            assert await answer.read() == b"\x89PNG"


async def test_an_uploaded_file_can_stand_in_blocks(workspace, client):
    uploaded = await client.files_upload_v2(content=b"\x89PNG", filename="c.png")
    image = {"type": "image", "slack_file": {"id": uploaded["file"]["id"]}, "alt_text": "a"}
    assert (await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[image]))["ok"]
    with pytest.raises(SlackApiError) as caught:
        unknown = image | {"slack_file": {"id": "F0"}}
        await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[unknown])
    assert "json-pointer:/blocks/0/slack_file" in caught.value.response["errors"][0]


def posted(workspace) -> int:
    return len(workspace.town.messages("C0GENERAL"))


async def post(workspace) -> AsyncWebClient:
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url, timeout=1, retry_handlers=[])
    return await client.chat_postMessage(channel="C0GENERAL", text="x")


@pytest.mark.parametrize(
    ("effect", "details", "raises", "stored"),
    [
        ("error", {"error": "fatal_error"}, SlackApiError, 0),
        ("status", {"status": 503}, SlackApiError, 0),
        ("rate_limited", {"retry_after": 7}, SlackApiError, 0),
        ("drop", {}, aiohttp.ClientError, 0),
        ("drop_after_store", {}, aiohttp.ClientError, 1),
        ("timeout_after_store", {}, TimeoutError, 1),
        ("status_after_store", {"status": 502}, SlackApiError, 1),
    ],
)
async def test_planned_misfortune_of_calls(workspace, effect, details, raises, stored):
    workspace.faults.add("chat.postMessage", effect, **details)
    with pytest.raises(raises):
        await post(workspace)
    assert posted(workspace) == stored
    assert (await post(workspace))["ok"]
    assert posted(workspace) == stored + 1
    assert workspace.faults.happened == [f"chat.postMessage: {effect}"]


async def test_misfortune_can_be_for_one_channel_and_several_times(workspace):
    workspace.faults.add("chat.postMessage", "error", times=2, channel="C0PEOPLE")
    assert (await post(workspace))["ok"]
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    for expected in ("internal_error", "internal_error", None):
        try:
            await client.chat_postMessage(channel="C0PEOPLE", text="x")
            error = None
        except SlackApiError as refused:
            error = refused.response["error"]
        assert error == expected
    with pytest.raises(ValueError, match="colour"):
        workspace.faults.add("chat.postMessage", "error", colour="red")
