"""Every rule of Slack that the workspace enforces on the Web API, one row each."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.driver import Person
from bot.workspace.site import Options
from bot.workspace.town_records import User
from bot.workspace.workspace_server import Workspace

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
HOME = {"type": "home", "blocks": []}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [SECTION]}
METADATA = {"event_type": "spanwise_outbox", "event_payload": {"outbox_id": "1"}}


async def refusal(client: AsyncWebClient, method: str, **args: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=args)
    return dict(caught.value.response.data)


REFUSED = [
    ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0LEADS", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0OUTSIDE", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "D0ANABEN", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "U0NOBODY", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "U0SPAN", "text": "x"}, "cannot_dm_bot"),
    ("chat.postMessage", {"channel": "U0GONE", "text": "x"}, "user_disabled"),
    ("chat.postMessage", {"channel": "C0GENERAL"}, "no_text"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": ""}, "no_text"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "blocks": [SECTION] * 51}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "blocks": "{"}, "invalid_blocks_format"),
    (
        "chat.postMessage",
        {"channel": "C0GENERAL", "text": "x", "metadata": {"a": 1}},
        "invalid_metadata_format",
    ),
    (
        "chat.postMessage",
        {"channel": "C0GENERAL", "text": "x", "markdown_text": "y"},
        "markdown_text_conflict",
    ),
    ("chat.postMessage", {"channel": "C0GENERAL", "markdown_text": "y" * 12_001}, "msg_too_long"),
    ("chat.postEphemeral", {"channel": "C0GENERAL", "user": "U0GONE", "text": "x"}, "user_not_in_channel"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "1.0", "text": "x"}, "message_not_found"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "ANA", "text": "x"}, "cant_update_message"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "BOT", "text": "x" * 4001}, "msg_too_long"),
    ("chat.update", {"channel": "C0GENERAL", "ts": "EPHEMERAL", "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0GENERAL", "ts": "ANA"}, "cant_delete_message"),
    ("chat.delete", {"channel": "C0GENERAL", "ts": "EPHEMERAL"}, "message_not_found"),
    ("chat.getPermalink", {"channel": "C0GENERAL", "message_ts": "1.0"}, "message_not_found"),
    ("chat.startStream", {"channel": "C0GENERAL"}, "invalid_arguments"),
    ("chat.startStream", {"channel": "C0GENERAL", "thread_ts": "ANA"}, "missing_recipient_team_id"),
    (
        "chat.startStream",
        {"channel": "C0GENERAL", "thread_ts": "ANA", "recipient_team_id": "T0SPAN"},
        "missing_recipient_user_id",
    ),
    (
        "chat.appendStream",
        {"channel": "C0GENERAL", "ts": "BOT", "markdown_text": "x"},
        "message_not_in_streaming_state",
    ),
    (
        "chat.stopStream",
        {"channel": "C0GENERAL", "ts": "ANA", "markdown_text": "x"},
        "message_not_owned_by_app",
    ),
    ("conversations.history", {"channel": "C0OUTSIDE"}, "not_in_channel"),
    ("conversations.history", {"channel": "C0LEADS"}, "channel_not_found"),
    ("conversations.history", {"channel": "C0GENERAL", "cursor": "?"}, "invalid_cursor"),
    ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.0"}, "thread_not_found"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("reactions.add", {"channel": "C0GENERAL", "timestamp": "1.0", "name": "eyes"}, "message_not_found"),
    ("files.info", {"file": "F0"}, "file_not_found"),
    ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
    ("files.getUploadURLExternal", {"filename": "a.png", "length": 0}, "invalid_arguments"),
    (
        "files.getUploadURLExternal",
        {"filename": "a.png", "length": 99_000_000_000},
        "file_upload_size_restricted",
    ),
    ("views.open", {"trigger_id": "1.1.x", "view": MODAL}, "invalid_trigger_id"),
    ("views.update", {"view": MODAL}, "invalid_arguments"),
    ("views.update", {"view_id": "V0", "view": MODAL}, "not_found"),
    ("views.publish", {"user_id": "U0NOBODY", "view": HOME}, "user_not_found"),
    ("views.publish", {"user_id": "U0ANA", "view": MODAL}, "invalid_arguments"),
    ("blocks.validate", {"blocks": [{"type": "x"}]}, "invalid_blocks"),
    ("blocks.validate", {}, "invalid_arguments"),
    ("no.such.method", {}, "unknown_method"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
    ("assistant.threads.setStatus", {"channel_id": "C0GENERAL", "thread_ts": "1.0"}, "thread_not_found"),
]


@pytest.mark.parametrize(("method", "args", "error"), REFUSED)
async def test_a_call_that_slack_refuses_is_refused_the_same_way(workspace, client, method, args, error):
    town = workspace.town
    town.users["U0GONE"] = User("U0GONE", "gone", "Gone", is_deactivated=True)
    town.channels["C0OUTSIDE"] = type(town.channels["C0GENERAL"])("C0OUTSIDE", "outside", members=["U0ANA"])
    town.direct("U0ANA", "U0BEN")
    stand_ins = {
        "ANA": (await Person(workspace, "U0ANA").say("C0GENERAL", "hello")).ts,
        "BOT": (await client.chat_postMessage(channel="C0GENERAL", text="hello"))["ts"],
        "EPHEMERAL": (await client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="x"))[
            "message_ts"
        ],
    }
    args = {
        name: stand_ins.get(value, value) if isinstance(value, str) else value for name, value in args.items()
    }
    assert (await refusal(client, method, **args))["error"] == error


NEEDED = [
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x"}, "chat:write"),
    ("users.info", {"user": "U0ANA"}, "users:read"),
    ("conversations.history", {"channel": "C0GENERAL"}, "channels:history"),
    ("conversations.history", {"channel": "D0ANASPAN"}, "im:history"),
    ("conversations.info", {"channel": "C0GENERAL"}, "channels:read"),
    ("conversations.open", {"users": "U0ANA"}, "im:write"),
    ("files.getUploadURLExternal", {"filename": "a", "length": 1}, "files:write"),
    ("files.info", {"file": "F1"}, "files:read"),
    ("reactions.add", {"channel": "C0GENERAL", "timestamp": "1", "name": "x"}, "reactions:write"),
    ("team.info", {}, "team:read"),
    ("usergroups.list", {}, "usergroups:read"),
    ("usergroups.users.list", {"usergroup": "S0LEADS"}, "usergroups:read"),
]


@pytest.mark.parametrize(("method", "args", "scope"), NEEDED)
async def test_a_scope_that_the_manifest_lacks_is_named(start_workspace, manifest_with, method, args, scope):
    workspace = await start_workspace(manifest_with(without_scopes=(scope,)))
    workspace.town.direct("U0ANA", "U0SPAN")
    answer = await refusal(AsyncWebClient(token="xoxb-1", base_url=workspace.api_url), method, **args)
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    assert "commands" in answer["provided"].split(",")


TOKENS = [
    ("", "not_authed"),
    ("nonsense", "invalid_auth"),
    ("xapp-1", "not_allowed_token_type"),
    ("xoxb-other", "invalid_auth"),
]


@pytest.mark.parametrize(("token", "error"), TOKENS)
async def test_only_the_right_token_may_call(start_workspace, token, error):
    workspace = await start_workspace(options=Options(bot_token="xoxb-right"))
    assert (await refusal(AsyncWebClient(token=token, base_url=workspace.api_url), "auth.test"))[
        "error"
    ] == error


async def test_refused_blocks_come_with_pointers(client):
    blocks = [SECTION, {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = await refusal(client, "chat.postMessage", channel="C0GENERAL", text="x", blocks=blocks)
    assert answer["errors"] == ["must be less than 151 characters [json-pointer:/blocks/1/text/text]"]
    assert answer["response_metadata"]["messages"][0].startswith("[ERROR] must be less")
    answer = await refusal(client, "blocks.validate", blocks=blocks)
    assert answer["errors"][0]["pointer"] == "/1/text/text"
    assert answer["errors"][0]["constraint"] == 150
    view = MODAL | {"title": {"type": "plain_text", "text": "x" * 25}}
    answer = await refusal(client, "views.publish", user_id="U0ANA", view=view)
    assert "[json-pointer:/view/title/text]" in answer["response_metadata"]["messages"][0]


async def test_metadata_is_answered_only_when_asked_for(client):
    posted = await client.chat_postMessage(channel="C0GENERAL", text="x", metadata=METADATA)
    plain = await client.conversations_history(channel="C0GENERAL")
    asked = await client.conversations_history(channel="C0GENERAL", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert asked["messages"][0]["metadata"] == METADATA
    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="y")
    replies = await client.conversations_replies(
        channel="C0GENERAL", ts=posted["ts"], include_all_metadata=True
    )
    assert replies["messages"][0]["metadata"] == METADATA
    assert replies["messages"][0]["text"] == "y"


async def test_ephemerals_are_in_no_history(workspace, client):
    await client.chat_postEphemeral(channel="C0GENERAL", user="U0ANA", text="psst")
    assert (await client.conversations_history(channel="C0GENERAL"))["messages"] == []
    assert [one.text for one in Person(workspace, "U0ANA").ephemerals("C0GENERAL")] == ["psst"]
    assert Person(workspace, "U0BEN").ephemerals("C0GENERAL") == []


async def test_a_person_as_channel_opens_their_direct_messages(workspace, client):
    posted = await client.chat_postMessage(channel="U0ANA", text="hi")
    assert posted["channel"] == Person(workspace, "U0ANA").dm
    assert [one.text for one in workspace.town.messages(posted["channel"])] == ["hi"]


@pytest.mark.parametrize(("dedupes", "count"), [(True, 1), (False, 2)])
async def test_client_msg_id_counts_only_when_switched_on(start_workspace, dedupes, count):
    workspace = await start_workspace(options=Options(dedupes_client_msg_id=dedupes))
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    for _ in range(2):
        await client.chat_postMessage(channel="C0GENERAL", text="once", client_msg_id="id-1")
    assert len(workspace.town.messages("C0GENERAL")) == count


async def test_long_text_is_cut_off_with_a_warning(workspace, client):
    answer = await client.chat_postMessage(channel="C0GENERAL", text="x" * 40_001)
    assert "message_truncated" in answer["response_metadata"]["warnings"]
    assert len(workspace.town.messages("C0GENERAL")[0].text) == 40_000


async def test_an_update_keeps_the_blocks_it_does_not_mention(workspace, client):
    posted = await client.chat_postMessage(channel="C0GENERAL", text="x", blocks=[SECTION])
    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="y")
    (message,) = workspace.town.messages("C0GENERAL")
    assert [block["type"] for block in message.blocks] == ["section"]
    await client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="z", blocks=[])
    assert message.blocks == []
    assert message.edited is not None


async def test_history_and_replies_page_and_honour_bounds(workspace, client):
    posted = [(await client.chat_postMessage(channel="C0GENERAL", text=str(n)))["ts"] for n in range(5)]
    for n in range(3):
        await client.chat_postMessage(channel="C0GENERAL", text=f"r{n}", thread_ts=posted[0])
    first = await client.conversations_history(channel="C0GENERAL", limit=3)
    assert [one["text"] for one in first["messages"]] == ["4", "3", "2"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel="C0GENERAL", limit=3, cursor=cursor)
    assert [one["text"] for one in rest["messages"]] == ["1", "0"]
    assert not rest["has_more"]
    assert rest["messages"][1]["reply_count"] == 3
    for inclusive, expected in ((False, ["4"]), (True, ["4", "3"])):
        page = await client.conversations_history(channel="C0GENERAL", oldest=posted[3], inclusive=inclusive)
        assert [one["text"] for one in page["messages"]] == expected
    thread = await client.conversations_replies(channel="C0GENERAL", ts=posted[0])
    assert [one["text"] for one in thread["messages"]] == ["0", "r0", "r1", "r2"]


async def test_posting_and_methods_are_rate_limited_when_switched_on(start_workspace):
    workspace: Workspace = await start_workspace(options=Options(has_rate_limits=True))
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    with pytest.raises(SlackApiError) as caught:
        for _ in range(5):
            await client.chat_postMessage(channel="C0GENERAL", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.response["error"] == "ratelimited"
    assert (await client.chat_postMessage(channel="C0PEOPLE", text="another channel"))["ok"]
    with pytest.raises(SlackApiError) as caught:
        for _ in range(21):
            await client.users_list()
    assert caught.value.response.status_code == 429


async def test_a_stream_grows_and_ends(workspace, client):
    root = await Person(workspace, "U0ANA").say("C0GENERAL", "question")
    stream = await client.chat_stream(
        channel="C0GENERAL",
        thread_ts=root.ts,
        recipient_team_id="T0SPAN",
        recipient_user_id="U0ANA",
        buffer_size=1,
    )
    await stream.append(markdown_text="**hello** ")
    message = workspace.town.messages("C0GENERAL", root.ts)[1]
    assert message.is_streaming
    answer = await refusal(client, "chat.update", channel="C0GENERAL", ts=message.ts, text="x")
    assert answer["error"] == "streaming_state_conflict"
    task = {"type": "task_update", "id": "t1", "title": "Reading", "status": "in_progress"}
    await stream.append(chunks=[task])
    await stream.append(chunks=[task | {"status": "complete"}])
    await stream.stop(markdown_text="world", blocks=[SECTION])
    assert not message.is_streaming
    assert message.text == "**hello** world"
    assert [block["type"] for block in message.blocks] == ["task_card", "markdown", "section"]
    assert message.blocks[0]["status"] == "complete"


async def test_the_scopes_are_in_a_header_of_every_answer(client):
    answer = await client.auth_test()
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0SPAN", "B0SPAN", "T0SPAN")
