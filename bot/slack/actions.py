"""Clicks: Share, Cancel, Try again, and choices of a workflow."""

from collections.abc import Mapping
from dataclasses import replace

from bot.services.actors import Actor, Surface, Visibility
from bot.services.runs import RunRequest
from bot.slack import home, text
from bot.slack.admin_actions import ADMIN_ACTIONS
from bot.slack.alert_actions import ALERT_ACTIONS
from bot.slack.blocks import CANCEL, FILL, FORGET, PICK, RETRY, SHARE, START, notice
from bot.slack.budget_actions import BUDGET_ACTIONS
from bot.slack.change_actions import CHANGE_ACTIONS
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.digest_actions import DIGEST_ACTIONS
from bot.slack.edit_forms import EDIT_ACTIONS
from bot.slack.escalation_actions import ESCALATION_ACTIONS
from bot.slack.evaluation_actions import EVALUATION_ACTIONS
from bot.slack.explain_actions import EXPLAIN_ACTIONS
from bot.slack.feedback_actions import FEEDBACK_ACTIONS
from bot.slack.forms import CHOICE, read_inputs
from bot.slack.incoming import thread_for, values_from
from bot.slack.payloads import Call
from bot.slack.requesting import Ask, accept, is_channel, open_form, visibility_of, working_notice
from bot.slack.retention_actions import RETENTION_ACTIONS
from bot.slack.run_log_actions import RUN_LOG_ACTIONS
from bot.slack.shortcuts import rechoose
from bot.slack.stage_actions import STAGE_ACTIONS
from bot.slack.triage_actions import TRIAGE_ACTIONS
from workflows.inputs import InvalidInputs
from workflows.run import RunStatus

SURFACES: Mapping[str, Surface] = {
    "command": "command",
    "mention": "mention",
    "dm": "dm",
    "thread": "thread",
    "shortcut": "shortcut",
}


async def received(call: Call, desk: Desk) -> Reply:
    """Any click; elements that only hold a value need no answer."""
    handler = ACTIONS.get(call.name)
    reply = await handler(call, desk) if handler else Reply()
    return home.kept_current(call, desk, reply)


async def share(call: Call, desk: Desk) -> Reply:
    """Put a private answer where it was asked; who reads there is looked up now."""
    actor = await desk.people.actor(call.person)
    view = await desk.runs.view(call.value)
    readers = await desk.people.readers(view.origin.channel_id, call.person)
    await desk.runs.share(actor, call.value, readers)
    return Reply(after=lambda: desk.tell(call, notice(text.sharing(view.origin.channel_id))))


async def cancel(call: Call, desk: Desk) -> Reply:
    """Stop a run."""
    actor = await desk.people.actor(call.person)
    view = await desk.runs.cancel(actor, call.value)
    if view.status is RunStatus.CANCELLED:
        return Reply()
    return Reply(after=lambda: desk.tell(call, notice(text.cancel_asked())))


async def retry(call: Call, desk: Desk) -> Reply:
    """The same request again, once, under the rights of whoever pressed first; a rerun has its own button."""
    actor = await desk.people.actor(call.person)
    view = await desk.runs.view(call.value)
    readers: tuple[str, ...] = (call.person,)
    if view.origin.visibility == "channel":
        readers = await desk.people.readers(view.origin.channel_id, call.person)
    origin = replace(view.origin, readers=readers, response_url=call.response_url)
    accepted = await desk.runs.accept(
        RunRequest(f"retry:{view.id}", actor, view.workflow, view.inputs, origin, view.follows)
    )
    said = text.taken_already(view.title) if accepted.duplicate else text.retried(view.title)
    return Reply(after=lambda: desk.tell(call, notice(said)))


async def pick(call: Call, desk: Desk) -> Reply:
    """One of several workflows that fit a message: once for each message, however often it is pressed."""
    actor = await desk.people.actor(call.person)
    call, ask = await _carried(call, desk, actor)
    key = f"pick:{call.team}:{call.person}:{call.channel}:{call.message_ts}:{ask.released.name}"
    call = replace(call, dedupe_key=key)
    try:
        accepted = await accept(call, desk, ask, actor)
    except InvalidInputs as error:
        return open_form(call, desk, ask, error.problems)

    async def say() -> None:
        # the first press has put its notice in place of the choice by then
        is_first = not accepted.duplicate
        await desk.tell(call, await working_notice(call, desk, ask, accepted), replace=is_first)

    return Reply(after=say)


async def fill(call: Call, desk: Desk) -> Reply:
    """Open the form for what a message left out."""
    call, ask = await _carried(call, desk, await desk.people.actor(call.person))
    return open_form(call, desk, ask, {})


async def start(call: Call, desk: Desk) -> Reply:
    """Run from a list or App Home: the form, empty."""
    released = await desk.catalogue.find(call.value, await desk.people.actor(call.person))
    visibility = await visibility_of(call, desk, released)
    return open_form(call, desk, Ask(released, {}, "command", visibility), {})


async def choose(call: Call, desk: Desk) -> Reply:
    """Another workflow in the form of a message shortcut: its inputs, with the text kept."""
    return await rechoose(call, desk, read_inputs(call.state))


async def forget(call: Call, desk: Desk) -> Reply:
    """None of the workflows fits."""
    return Reply(after=lambda: desk.tell(call, notice(text.forgotten()), replace=True))


async def _carried(call: Call, desk: Desk, actor: Actor) -> tuple[Call, Ask]:
    """The request that a button carries, and where it was made."""
    carried = call.json_value()
    released = await desk.catalogue.find(str(carried.get("w", "")), actor)
    channel = str(carried.get("c", ""))
    placed = replace(
        call,
        channel=channel,
        thread_ts=str(carried.get("t", "")),
        message_ts=str(carried.get("m", "")),
    )
    surface = SURFACES.get(str(carried.get("s", "")), "mention")
    visibility: Visibility = "channel" if is_channel(channel) and surface != "shortcut" else "private"
    thread = await thread_for(desk, released, channel, placed.thread_ts)
    values = values_from(released, str(carried.get("q", "")), thread)
    return placed, Ask(released, values, surface, visibility)


ACTIONS: Mapping[str, Handler] = {
    **ADMIN_ACTIONS,
    **ALERT_ACTIONS,
    **BUDGET_ACTIONS,
    **CHANGE_ACTIONS,
    **DIGEST_ACTIONS,
    **EDIT_ACTIONS,
    **ESCALATION_ACTIONS,
    **EVALUATION_ACTIONS,
    **FEEDBACK_ACTIONS,
    **RETENTION_ACTIONS,
    **RUN_LOG_ACTIONS,
    **STAGE_ACTIONS,
    **TRIAGE_ACTIONS,
    **EXPLAIN_ACTIONS,
    SHARE: share,
    CANCEL: cancel,
    RETRY: retry,
    PICK: pick,
    FILL: fill,
    START: start,
    CHOICE: choose,
    FORGET: forget,
}
