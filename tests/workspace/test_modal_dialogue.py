"""Modals and homes: triggers, stacks, hashes, and what an acknowledgement can ask for."""

from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.clockwork import ManualClock
from bot.workspace.driver import NoSuchElement, Person, WaitedInVain


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.title()), "value": value}


def question(block_id: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    element = {"action_id": "a"} | element
    return {"type": "input", "block_id": block_id, "label": plain("L"), "element": element} | more


def form(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    title, submit = plain("Form"), plain("Send")
    return {
        "type": "modal",
        "title": title,
        "submit": submit,
        "callback_id": "form",
        "blocks": [*blocks],
    } | more


TEXT = question("q", {"type": "plain_text_input"})


async def error_of(call) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def workspace(start_workspace, clock):
    return await start_workspace(clock=clock)


async def test_a_trigger_opens_one_view_within_three_seconds(workspace, client, clock):
    trigger = workspace.site.triggers.issue("U0ANA")
    clock.advance(2.9)
    assert (await client.views_open(trigger_id=trigger, view=form(TEXT)))["view"]["id"]
    assert await error_of(client.views_open(trigger_id=trigger, view=form(TEXT))) == "exchanged_trigger_id"
    late = workspace.site.triggers.issue("U0ANA")
    clock.advance(3.1)
    assert await error_of(client.views_open(trigger_id=late, view=form(TEXT))) == "expired_trigger_id"


async def test_a_stack_holds_three_views(workspace, client):
    issue = workspace.site.triggers.issue
    view = (await client.views_open(trigger_id=issue("U0ANA"), view=form(TEXT)))["view"]
    for _ in range(2):
        trigger = issue("U0ANA", view["id"])
        pushed = (await client.views_push(trigger_id=trigger, view=form(TEXT)))["view"]
        assert pushed["root_view_id"] == view["id"]
    trigger = issue("U0ANA", view["id"])
    assert await error_of(client.views_push(trigger_id=trigger, view=form(TEXT))) == "push_limit_reached"
    assert (
        await error_of(client.views_push(trigger_id=issue("U0ANA"), view=form(TEXT))) == "invalid_trigger_id"
    )


async def test_an_update_with_an_old_hash_is_a_conflict(workspace, client):
    opened = await client.views_open(trigger_id=workspace.site.triggers.issue("U0ANA"), view=form(TEXT))
    view_id, old = opened["view"]["id"], opened["view"]["hash"]
    await client.views_update(view_id=view_id, hash=old, view=form(TEXT, external_id="e"))
    assert await error_of(client.views_update(view_id=view_id, hash=old, view=form(TEXT))) == "hash_conflict"
    updated = await client.views_update(external_id="e", view=form(TEXT, title=plain("Newer")))
    assert updated["view"]["title"]["text"] == "Newer"


async def test_a_home_is_published_per_person_with_its_hash(workspace, client):
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = await client.views_publish(user_id="U0ANA", view=home)
    await client.views_publish(user_id="U0ANA", view=home, hash=first["view"]["hash"])
    conflict = client.views_publish(user_id="U0ANA", view=home, hash=first["view"]["hash"])
    assert await error_of(conflict) == "hash_conflict"
    assert Person(workspace, "U0BEN").home() is None


async def test_a_view_too_large_and_a_taken_external_id_are_refused(workspace, client):
    issue = workspace.site.triggers.issue
    section = {"type": "section", "text": plain("x" * 3000)}
    big = form(*[section] * 90)
    assert await error_of(client.views_open(trigger_id=issue("U0ANA"), view=big)) == "view_too_large"
    await client.views_open(trigger_id=issue("U0ANA"), view=form(TEXT, external_id="taken"))
    taken = client.views_open(trigger_id=issue("U0BEN"), view=form(TEXT, external_id="taken"))
    assert await error_of(taken) == "duplicate_external_id"


FIELDS = [
    ({"type": "plain_text_input"}, "hi", {"value": "hi"}),
    ({"type": "plain_text_input", "initial_value": "start"}, None, {"value": "start"}),
    ({"type": "number_input", "is_decimal_allowed": False}, 7, {"value": "7"}),
    (
        {"type": "static_select", "options": [option("red"), option("blue")]},
        "blue",
        {"selected_option": option("blue")},
    ),
    ({"type": "radio_buttons", "options": [option("red")]}, "red", {"selected_option": option("red")}),
    ({"type": "checkboxes", "options": [option("red")]}, ["red"], {"selected_options": [option("red")]}),
    ({"type": "datepicker"}, "2026-11-22", {"selected_date": "2026-11-22"}),
    ({"type": "users_select"}, "U0BEN", {"selected_user": "U0BEN"}),
    ({"type": "channels_select"}, "C0GENERAL", {"selected_channel": "C0GENERAL"}),
    ({"type": "multi_users_select"}, ["U0BEN"], {"selected_users": ["U0BEN"]}),
]


@pytest.fixture
async def app(workspace):
    """The official library, answering submissions as each test says."""
    replies: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []
    client = AsyncWebClient(token="xoxb-1", base_url=workspace.api_url)
    bolt = AsyncApp(client=client)

    @bolt.view("form")
    async def sent(ack, body):
        heard.append(body)
        await ack(**(replies.pop(0) if replies else {}))

    @bolt.view_closed("form")
    async def closed(ack, body):
        heard.append(body)
        await ack()

    @bolt.options("search")
    async def search(ack, payload):
        await ack(options=[option(payload["value"] + "1"), option(payload["value"] + "2")])

    @bolt.action("act")
    async def act(ack, body):
        heard.append(body)
        await ack()

    handler = AsyncSocketModeHandler(bolt, "xapp-1")
    await handler.connect_async()
    await Person(workspace, "U0ANA").wait_for(lambda: workspace.link.is_connected)
    yield client, replies, heard
    await handler.close_async()


async def opened(workspace, client, view, person: str = "U0ANA"):
    await client.views_open(trigger_id=workspace.site.triggers.issue(person), view=view)
    return Person(workspace, person), Person(workspace, person).views()[-1]


@pytest.mark.parametrize(("element", "value", "expected"), FIELDS)
async def test_what_is_filled_in_arrives_in_slacks_shape(workspace, app, element, value, expected):
    client, _, heard = app
    ana, view = await opened(workspace, client, form(question("q", element)))
    assert (await ana.submit(view, {"q": {"a": value}} if value is not None else {})).ok
    assert heard[0]["view"]["state"]["values"]["q"]["a"] == {"type": element["type"]} | expected
    assert heard[0]["user"]["id"] == "U0ANA"
    assert ana.views() == ()


WRONG = [
    ({"type": "plain_text_input"}, "", "Please complete this required field."),
    ({"type": "plain_text_input", "min_length": 3}, "hi", "Please use at least 3 characters."),
    ({"type": "plain_text_input", "max_length": 3}, "hiho", "Please use at most 3 characters."),
    ({"type": "number_input", "is_decimal_allowed": True}, "x", "Please enter a number."),
    ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
    (
        {"type": "number_input", "is_decimal_allowed": True, "min_value": "2"},
        "1",
        "Please enter a number of at least 2.",
    ),
    (
        {"type": "number_input", "is_decimal_allowed": True, "max_value": "2"},
        "3",
        "Please enter a number of at most 2.",
    ),
    ({"type": "checkboxes", "options": [option("red")]}, [], "Please complete this required field."),
]


@pytest.mark.parametrize(("element", "value", "message"), WRONG)
async def test_the_form_itself_sends_back_what_cannot_be_sent(workspace, app, element, value, message):
    client, _, heard = app
    ana, view = await opened(workspace, client, form(question("q", element)))
    outcome = await ana.submit(view, {"q": {"a": value}})
    assert outcome.errors == {"q": message}
    assert heard == []
    assert ana.views() == (view,)


async def test_an_acknowledgement_can_update_push_and_clear(workspace, app):
    client, replies, _ = app
    ana, view = await opened(workspace, client, form(TEXT))
    filled = {"q": {"a": "x"}}
    replies += [
        {"response_action": "update", "view": form(TEXT, title=plain("Second"))},
        {"response_action": "push", "view": form(TEXT, title=plain("Third"))},
        {"response_action": "clear"},
    ]
    await ana.submit(view, filled)
    assert [one.body["title"]["text"] for one in ana.views()] == ["Second"]
    await ana.submit(view, filled)
    assert [one.body["title"]["text"] for one in ana.views()] == ["Second", "Third"]
    await ana.submit(ana.views()[-1], filled)
    assert ana.views() == ()


BAD_REPLIES = [
    {"response_action": "errors", "errors": {"no-such-block": "x"}},
    {"response_action": "update", "view": form(TEXT, title=plain("x" * 25))},
]


@pytest.mark.parametrize("reply", BAD_REPLIES)
async def test_a_reply_that_slack_would_not_take_leaves_the_form_and_a_toast(workspace, app, reply):
    client, replies, _ = app
    ana, view = await opened(workspace, client, form(TEXT))
    replies.append(reply)
    assert not (await ana.submit(view, {"q": {"a": "x"}})).ok
    assert ana.toasts == ["We had some trouble connecting. Try again?"]
    assert ana.views() == (view,)


async def test_the_app_hears_of_a_closing_only_when_it_asked(workspace, app):
    client, _, heard = app
    ana, view = await opened(workspace, client, form(TEXT))
    await ana.close(view)
    ana, view = await opened(workspace, client, form(TEXT, notify_on_close=True))
    await ana.close(view)
    assert [(body["type"], body["is_cleared"]) for body in heard] == [("view_closed", False)]


async def test_an_external_select_asks_the_app(workspace, app):
    client, _, _ = app
    element = {"type": "external_select", "action_id": "search", "min_query_length": 0}
    ana, view = await opened(workspace, client, form(question("q", element)))
    assert [one["value"] for one in await ana.options(view, "search", "x")] == ["x1", "x2"]


async def test_an_action_in_a_modal_carries_the_view_and_what_is_filled_in(workspace, app):
    client, _, heard = app
    button = {"type": "button", "action_id": "act", "text": plain("Act"), "value": "v"}
    ana, view = await opened(workspace, client, form(TEXT, {"type": "actions", "elements": [button]}))
    await ana.click(view, "act", values={"q": {"a": "half typed"}})
    assert heard[0]["container"] == {"type": "view", "view_id": view.id}
    assert heard[0]["view"]["state"]["values"]["q"]["a"]["value"] == "half typed"
    assert heard[0]["actions"][0]["value"] == "v"
    assert "response_url" not in heard[0]


async def test_nobody_can_use_anothers_form(workspace, app):
    client, _, heard = app
    _, view = await opened(workspace, client, form(TEXT))
    assert (await Person(workspace, "U0BEN").submit(view, {"q": {"a": "x"}})).error == "view_not_found"
    assert heard == []


async def test_the_driver_says_what_is_missing(workspace, app):
    client, _, _ = app
    ana, view = await opened(workspace, client, form(TEXT))
    with pytest.raises(NoSuchElement) as caught:
        await ana.click(view, "nothing")
    assert caught.value.facts == {"action_id": "nothing", "present": "a"}
    with pytest.raises(NoSuchElement):
        await ana.submit(view, {"q": {"other": "x"}})
    with pytest.raises(WaitedInVain) as waited:
        await ana.wait_for(lambda: None, 0.05)
    assert waited.value.facts["views"] == "form"
